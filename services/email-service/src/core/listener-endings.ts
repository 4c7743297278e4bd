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

/** The counts after one more fault. A connection that had lived long enough starts that of the server anew. */
function counted({ server, stores }: Attempts, fault: Fault, livedMs: number): Attempts {
  const isStable = livedMs >= STABLE_CONNECTION_MS;
  if (isStoreFault(fault)) return { server: isStable ? 0 : server, stores: stores + 1 };
  return { server: isStable ? 1 : server + 1, stores };
}

/** Which of the counts decides how long to wait after this fault. */
function attemptOf(attempts: Attempts, fault: Fault): number {
  return isStoreFault(fault) ? attempts.stores : attempts.server;
}

/** Where a fault leads, by its kind. */
export function faulted(session: number, attempts: Attempts, fault: Fault, livedMs: number): ListenerStep {
  const next = counted(attempts, fault, livedMs);
  switch (fault.kind) {
    case 'transient':
    case 'throttled':
      return close(session, next, { kind: 'backingOff', fault }, 'abruptly');
    case 'auth':
    case 'misconfigured':
    case 'folderGone':
      return close(session, next, { kind: 'parked', fault }, 'abruptly');
    case 'bug':
      return close(
        session,
        next,
        { kind: next.server > MAX_BUG_ATTEMPTS ? 'parked' : 'backingOff', fault },
        'abruptly',
      );
    case 'fenced': {
      const closing = close(session, next, { kind: 'stopped' }, 'abruptly');
      return { ...closing, effects: [...closing.effects, { kind: 'reportFenced' }] };
    }
    default:
      return assertNever(fault.kind);
  }
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
          attempt: attemptOf(attempts, then.fault),
          notBeforeMs: then.fault.retryAfterMs ?? 0,
        },
      ]);
    case 'parked':
      return step({ kind: 'parked', session, attempts, fault: then.fault }, [
        returned,
        { kind: 'armRecheck', fault: then.fault, attempt: attemptOf(attempts, then.fault) },
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
