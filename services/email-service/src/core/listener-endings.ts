/**
 * How a session of the listener machine ends, and what follows: the part of listener-machine.ts below SYNCING and WATCHING in its
 * drawing. A fault decides by its kind where the listener goes after CLOSING, and by its count how long it waits there.
 */
import type { Fault } from '@mailstream/shared/domain/fault';
import { assertNever } from '@mailstream/shared/domain/never';
import type {
  AfterClosing,
  Attempts,
  ListenerEffect,
  ListenerState,
  ListenerStep,
} from './listener-states.ts';
import { isStoreFault } from './store-faults.ts';

/** A connection that lived this long counts as good: the next fault starts the back-off anew (DESIGN section 7). */
export const STABLE_CONNECTION_MS = 60_000;
/** Faults of ours in a row after which a listener waits for a person instead of repeating them. */
const MAX_BUG_ATTEMPTS = 5;
/**
 * A server that is being restarted, or a proxy before it, may say for some seconds what looks like a wrong setting or a folder that
 * is not there: so often we look again soon, before we wait for a person. Not so with logins: repeating them locks accounts.
 */
const MAX_SETTINGS_RETRIES = 2;

function countOf(fault: Fault): keyof Attempts {
  if (isStoreFault(fault)) return 'stores';
  return ['auth', 'misconfigured', 'folderGone'].includes(fault.kind) ? 'settings' : 'server';
}

/** The counts after one more fault. A connection that had lived long enough starts that of the server anew. */
function counted(attempts: Attempts, fault: Fault, livedMs: number): Attempts {
  const before = livedMs >= STABLE_CONNECTION_MS ? { ...attempts, server: 0 } : attempts;
  const count = countOf(fault);
  return { ...before, [count]: before[count] + 1 };
}

/** How many looks in a row a fault of this kind gets before its folder is parked. */
function soonLooks({ kind }: Fault): number {
  switch (kind) {
    case 'auth':
      return 0;
    case 'misconfigured':
    case 'folderGone':
      return MAX_SETTINGS_RETRIES;
    case 'bug':
      return MAX_BUG_ATTEMPTS;
    case 'transient':
    case 'throttled':
    case 'fenced':
      return Infinity;
    default:
      return assertNever(kind);
  }
}

/** Where a fault leads, by its kind. */
export function faulted(session: number, attempts: Attempts, fault: Fault, livedMs: number): ListenerStep {
  const next = counted(attempts, fault, livedMs);
  if (fault.kind === 'fenced') {
    const closing = close(session, next, { kind: 'stopped' }, 'abruptly');
    return { ...closing, effects: [...closing.effects, { kind: 'reportFenced' }] };
  }
  const kind = next[countOf(fault)] > soonLooks(fault) ? 'parked' : 'backingOff';
  return close(session, next, { kind, fault }, 'abruptly');
}

export function close(
  session: number,
  attempts: Attempts,
  then: AfterClosing,
  how: 'gracefully' | 'abruptly',
): ListenerStep {
  return step({ kind: 'closing', session, attempts, then }, [
    { kind: 'endSession', session, how },
    { kind: 'armDeadline', session, of: 'closing' },
  ]);
}

export function afterClosing(state: ListenerState & { kind: 'closing' }): ListenerStep {
  const { session, attempts, then } = state;
  const returned: ListenerEffect = { kind: 'returnTurn' };
  switch (then.kind) {
    case 'connecting': {
      const next = connect(session + 1, attempts);
      return { ...next, effects: [returned, ...next.effects] };
    }
    case 'stopped':
      return step({ kind: 'stopped' }, [returned]);
    case 'backingOff':
      return step({ kind: 'backingOff', session, attempts, fault: then.fault }, [
        returned,
        {
          kind: 'armRetry',
          attempt: attempts[countOf(then.fault)],
          notBeforeMs: then.fault.retryAfterMs ?? 0,
        },
      ]);
    case 'parked':
      return step({ kind: 'parked', session, attempts, fault: then.fault }, [
        returned,
        {
          kind: 'armRecheck',
          fault: then.fault,
          attempt: attempts[countOf(then.fault)] - soonLooks(then.fault),
        },
      ]);
    default:
      return assertNever(then);
  }
}

/** Every way to a connection leads through the queue. */
export function connect(session: number, attempts: Attempts): ListenerStep {
  return step({ kind: 'queued', session, attempts }, [{ kind: 'requestTurn', session }]);
}

export function step(state: ListenerState, effects: readonly ListenerEffect[]): ListenerStep {
  return { state, effects, unexpected: false };
}

export function ignored(state: ListenerState): ListenerStep {
  return { state, effects: [], unexpected: true };
}
