/**
 * Listener of one folder under one term. Pure: `nextListener(state, event) → { state, effects }`.
 *
 * ```
 *       start            turnCame            connected        opened
 *  IDLE ─────▶ QUEUED ───────────▶ CONNECTING ───────▶ OPENING ──────▶ SYNCING ⟲ changed: dirty
 *                       ▲    │                │                      │ ▲ │  ⟲ passDone(more) or dirty: next pass
 *                       │    │                │        passDone ─────┘ │ │
 *                       │    │                │          ▼             │ │ drain | config
 *                       │    │                │       WATCHING ────────┘ │
 *                       │    │                │        │  changed | watchDue | poke
 *                       │    │ fault|deadline │        │               DRAINING  (the run in hand is finished)
 *                       │    ▼                ▼        ▼                 ▼ passDone | deadline | fault | abort
 *                       │   ┌────────────────────────────────────────────────┐
 *                       │   │ CLOSING { session, then }  drain|abort: then = stopped
 *                       │   └──┬─────────────┬─────────────┬─────────────┬───┘ ended | closeDeadline (→ destroy)
 *                       │      ▼             ▼             ▼             │ then = connecting
 *                       │  BACKING_OFF     PARKED       STOPPED          │
 *                       │      │ retryDue    │ recheckDue                │
 *                       └──────┴─────────────┴───────────────────────────┘   config | poke: at once
 * ```
 *
 * What always holds (explored over all states and events in listener-machine.test.ts)
 * - never two live sessions: every path that owns one leaves through CLOSING, because mail servers count connections;
 * - never two passes; an event of an older session changes nothing (sessions are numbered, numbers only grow);
 * - once asked to stop, timers and `ended` alone lead to STOPPED; STOPPED absorbs and owns nothing;
 * - `ended` is sent only when the connection is gone and the pass has settled, so STOPPED means no more writes.
 *   Past the close deadline we go on, and the epoch guards the cursor.
 * QUEUED waits for a connection where an operator caps them per tenant or host; without caps the turn comes at once. `yield` asks
 * a listener to close and queue again, at once or after the pass in hand, so that folders over the cap share the connections in turn.
 * A pass that back-pressure held (`heldBy`) leads to WATCHING like any other, and never to the next pass by itself: no spinning.
 * A fault that settings explain, or a missing folder, is looked at twice more through BACKING_OFF before PARKED; a refused login is not.
 * IDLE is ended and issued anew by the session itself (RFC 2177); `watchDue` is ours: a push can be lost, so we look anyway.
 */
import type { Fault } from '@mailstream/shared/domain/fault';
import { assertNever } from '@mailstream/shared/domain/never';
import { afterClosing, close, connect, faulted, ignored, step } from './listener-endings.ts';
import {
  NO_ATTEMPTS,
  type AfterClosing,
  type ListenerEvent,
  type ListenerState,
  type ListenerStep,
} from './listener-states.ts';

export type ListenerTimer = 'deadline' | 'retry' | 'recheck';

/** The timer that may run in a state; the runner cancels another after each step. */
export function listenerTimer(state: ListenerState): ListenerTimer | null {
  switch (state.kind) {
    case 'connecting':
    case 'opening':
    case 'draining':
    case 'closing':
      return 'deadline';
    case 'backingOff':
      return 'retry';
    case 'parked':
      return 'recheck';
    case 'idle':
    case 'queued':
    case 'syncing':
    case 'watching':
    case 'stopped':
      return null;
    default:
      return assertNever(state);
  }
}

/** The session of a state, whose events count; null where there is none. */
export function liveSession(state: ListenerState): number | null {
  switch (state.kind) {
    case 'queued':
    case 'connecting':
    case 'opening':
    case 'syncing':
    case 'watching':
    case 'draining':
    case 'closing':
      return state.session;
    case 'idle':
    case 'backingOff':
    case 'parked':
    case 'stopped':
      return null;
    default:
      return assertNever(state);
  }
}

export function nextListener(state: ListenerState, event: ListenerEvent): ListenerStep {
  // An event of an older session is a ghost: it is dropped before any state can see it.
  if ('session' in event && event.session !== liveSession(state)) return ignored(state);
  switch (state.kind) {
    case 'idle':
      return whileIdle(state, event);
    case 'queued':
      return whileQueued(state, event);
    case 'connecting':
    case 'opening':
      return whileStarting(state, event);
    case 'syncing':
      return whileSyncing(state, event);
    case 'watching':
      return whileWatching(state, event);
    case 'draining':
      return whileDraining(state, event);
    case 'closing':
      return whileClosing(state, event);
    case 'backingOff':
    case 'parked':
      return whileWaiting(state, event);
    case 'stopped':
      return ignored(state);
    default:
      return assertNever(state);
  }
}

function whileIdle(state: ListenerState & { kind: 'idle' }, event: ListenerEvent): ListenerStep {
  switch (event.kind) {
    case 'start':
      return connect(1, NO_ATTEMPTS);
    case 'drain':
    case 'abort':
      return step({ kind: 'stopped' }, []);
    default:
      return ignored(state);
  }
}

function whileQueued(state: ListenerState & { kind: 'queued' }, event: ListenerEvent): ListenerStep {
  const { session, attempts } = state;
  switch (event.kind) {
    case 'turnCame':
      return step({ kind: 'connecting', session, attempts }, [
        { kind: 'armDeadline', session, of: 'connecting' },
        { kind: 'openSession', session },
      ]);
    case 'configChanged':
      return step({ ...state, attempts: NO_ATTEMPTS }, []);
    case 'poke':
    case 'yield':
      return step(state, []);
    case 'drain':
    case 'abort':
      return step({ kind: 'stopped' }, [{ kind: 'returnTurn' }]);
    default:
      return ignored(state);
  }
}

function whileStarting(
  state: ListenerState & { kind: 'connecting' | 'opening' },
  event: ListenerEvent,
): ListenerStep {
  const { session, attempts } = state;
  switch (event.kind) {
    case 'connected':
      if (state.kind !== 'connecting') return ignored(state);
      return step({ kind: 'opening', session, attempts }, [
        { kind: 'armDeadline', session, of: 'opening' },
        { kind: 'openFolder', session },
      ]);
    case 'opened':
      if (state.kind !== 'opening') return ignored(state);
      return step({ kind: 'syncing', session, attempts, dirty: false, yields: false }, [
        { kind: 'runPass', session },
      ]);
    case 'changed':
      // The pass that follows looks at everything anyway.
      return step(state, []);
    case 'deadline':
      return faulted(session, attempts, TIMEOUT, 0);
    case 'fault':
      return faulted(session, attempts, event.fault, event.livedMs);
    case 'configChanged':
      return close(session, NO_ATTEMPTS, { kind: 'connecting' }, 'abruptly');
    case 'poke':
    case 'yield':
      return step(state, []);
    case 'drain':
    case 'abort':
      return close(session, NO_ATTEMPTS, { kind: 'stopped' }, 'abruptly');
    default:
      return ignored(state);
  }
}

function whileSyncing(state: ListenerState & { kind: 'syncing' }, event: ListenerEvent): ListenerStep {
  const { session } = state;
  switch (event.kind) {
    case 'changed':
    case 'poke':
      return step({ ...state, dirty: true }, []);
    case 'yield':
      return step({ ...state, yields: true }, []);
    case 'passDone': {
      // A pass that nothing held has read the folder and written what it found: settings and stores are fine.
      const attempts = event.heldBy === null ? { ...state.attempts, stores: 0, settings: 0 } : state.attempts;
      if (state.yields) return close(session, attempts, { kind: 'connecting' }, 'gracefully');
      // Held: what is dirty or left stays in the mailbox until the relief; watching keeps the connection alive meanwhile.
      return event.heldBy === null && (event.more || state.dirty)
        ? step({ ...state, attempts, dirty: false }, [{ kind: 'runPass', session }])
        : step({ kind: 'watching', session, attempts, heldBy: event.heldBy }, [{ kind: 'watch', session }]);
    }
    case 'drain':
    case 'configChanged': {
      const then = event.kind === 'drain' ? 'stopped' : 'connecting';
      return step({ kind: 'draining', session, then }, [
        { kind: 'stopPass', session },
        { kind: 'armDeadline', session, of: 'draining' },
      ]);
    }
    case 'fault':
      return faulted(session, state.attempts, event.fault, event.livedMs);
    case 'abort':
      return close(session, NO_ATTEMPTS, { kind: 'stopped' }, 'abruptly');
    default:
      return ignored(state);
  }
}

function whileWatching(state: ListenerState & { kind: 'watching' }, event: ListenerEvent): ListenerStep {
  const { session, attempts } = state;
  switch (event.kind) {
    case 'yield':
      return close(session, attempts, { kind: 'connecting' }, 'gracefully');
    case 'changed':
    case 'watchDue':
    case 'poke':
      return step({ kind: 'syncing', session, attempts, dirty: false, yields: false }, [
        { kind: 'runPass', session },
      ]);
    case 'fault':
      return faulted(session, attempts, event.fault, event.livedMs);
    case 'configChanged':
      return close(session, NO_ATTEMPTS, { kind: 'connecting' }, 'gracefully');
    case 'drain':
      return close(session, NO_ATTEMPTS, { kind: 'stopped' }, 'gracefully');
    case 'abort':
      return close(session, NO_ATTEMPTS, { kind: 'stopped' }, 'abruptly');
    default:
      return ignored(state);
  }
}

function whileDraining(state: ListenerState & { kind: 'draining' }, event: ListenerEvent): ListenerStep {
  const { session } = state;
  const then: AfterClosing = { kind: state.then };
  switch (event.kind) {
    case 'passDone':
      return close(session, NO_ATTEMPTS, then, 'gracefully');
    case 'fault': {
      // Fenced or not, we were leaving anyway; the lease still has to know.
      const step = close(
        session,
        NO_ATTEMPTS,
        event.fault.kind === 'fenced' ? { kind: 'stopped' } : then,
        'abruptly',
      );
      return event.fault.kind === 'fenced'
        ? { ...step, effects: [...step.effects, { kind: 'reportFenced' }] }
        : step;
    }
    case 'deadline':
      return close(session, NO_ATTEMPTS, then, 'abruptly');
    case 'abort':
      return close(session, NO_ATTEMPTS, { kind: 'stopped' }, 'abruptly');
    case 'drain':
      return step({ ...state, then: 'stopped' }, []);
    case 'changed':
    case 'configChanged':
    case 'poke':
      return step(state, []);
    default:
      return ignored(state);
  }
}

function whileClosing(state: ListenerState & { kind: 'closing' }, event: ListenerEvent): ListenerStep {
  switch (event.kind) {
    case 'ended':
    case 'closeDeadline':
      return afterClosing(state);
    case 'drain':
    case 'abort':
      return step({ ...state, then: { kind: 'stopped' } }, []);
    case 'configChanged':
      return state.then.kind === 'stopped'
        ? step(state, [])
        : step({ ...state, then: { kind: 'connecting' }, attempts: NO_ATTEMPTS }, []);
    case 'changed':
    case 'fault':
    case 'passDone':
    case 'poke':
      return step(state, []);
    default:
      return ignored(state);
  }
}

function whileWaiting(
  state: ListenerState & { kind: 'backingOff' | 'parked' },
  event: ListenerEvent,
): ListenerStep {
  switch (event.kind) {
    case 'retryDue':
      return state.kind === 'backingOff' ? connect(state.session + 1, state.attempts) : ignored(state);
    case 'recheckDue':
      return state.kind === 'parked' ? connect(state.session + 1, state.attempts) : ignored(state);
    case 'configChanged':
      return connect(state.session + 1, NO_ATTEMPTS);
    case 'poke':
      return connect(state.session + 1, state.attempts);
    case 'drain':
    case 'abort':
      return step({ kind: 'stopped' }, []);
    default:
      return ignored(state);
  }
}

const TIMEOUT: Fault = {
  kind: 'transient',
  code: 'IMAP_TIMEOUT',
  detail: 'the server did not answer in time',
};
