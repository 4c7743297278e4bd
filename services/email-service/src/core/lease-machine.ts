/**
 * Lease of one provider, seen by one process. Pure: `nextLease(state, event) → { state, effects }`.
 *
 * Truth is the row in PostgreSQL (`lease_owner`, `lease_epoch`, `lease_expires_at`, its own clock). This machine only decides when
 * to ask for it, and when to stop trusting it: an owner trusts its term until
 *
 *     trustedUntil = moment the call began (monotonic) + ttl − margin
 *
 * which ends before the database lets anybody else in. Past it listeners are aborted, without asking anybody.
 *
 * ```
 *             bidDue                       won, trusted
 *   VACANT ─────────────▶ BIDDING ───────────────────────▶ HELD   ⟲ renewed: trustedUntil grows
 *     ▲ ▲                  │ │ │                            │      ⟲ renewDue: renew
 *     │ └─ taken | failed ─┘ │ │ won too late, or stopping  │ refused | fenced ──▶ abort, ours = no
 *     │                      │ ▼                            │ trustExpired ──────▶ abort, ours = maybe
 *     │              stopped ▼ RELEASING ◀─ quiet, ours ─┐  │ stop | handover ───▶ drain, ours = yes
 *     │                     STOPPED ▲                    │  ▼
 *     └── released | releaseFailed ─┴── quiet, not ours ─ QUIESCING ⟲ renewed, while ours
 * ```
 *
 * What always holds (explored over all states and events in lease-machine.test.ts)
 * - listeners start only under a trusted term; none starts while another of ours may still run;
 * - no release and no bid while a listener lives; a stop always ends in STOPPED without a second request;
 * - replies of an older bid change nothing, except that a late "won" is given back: exactly that epoch.
 */
import { assertNever } from '@mailstream/shared/domain/never';

/** Whether the row is still ours while listeners wind down. */
export type Ours = 'yes' | 'maybe' | 'no';
/** Where to go once everything is quiet. `yielded` bids again only after a whole ttl, so that another process can win. */
export type Then = 'vacant' | 'yielded' | 'stopped';

export type LeaseState =
  | { readonly kind: 'vacant'; readonly call: number; readonly attempt: number }
  | { readonly kind: 'bidding'; readonly call: number; readonly attempt: number; readonly stopping: boolean }
  | { readonly kind: 'held'; readonly call: number; readonly epoch: number; readonly trustedUntilMs: number }
  | {
      readonly kind: 'quiescing';
      readonly call: number;
      readonly epoch: number;
      readonly trustedUntilMs: number;
      readonly ours: Ours;
      readonly aborted: boolean;
      readonly then: Then;
    }
  | { readonly kind: 'releasing'; readonly call: number; readonly epoch: number; readonly then: Then }
  | { readonly kind: 'stopped'; readonly call: number };

export type LeaseEvent =
  | { readonly kind: 'bidDue' }
  /** Another process gave the row back: no need to wait for our turn. */
  | { readonly kind: 'noticed' }
  | {
      readonly kind: 'won';
      readonly call: number;
      readonly epoch: number;
      readonly trustedUntilMs: number;
      readonly nowMs: number;
    }
  | { readonly kind: 'taken'; readonly call: number }
  | { readonly kind: 'bidFailed'; readonly call: number }
  | { readonly kind: 'renewDue'; readonly nowMs: number }
  | { readonly kind: 'renewed'; readonly epoch: number; readonly trustedUntilMs: number }
  /** The renewal found another owner or epoch in the row. */
  | { readonly kind: 'refused'; readonly epoch: number }
  /** A write of a listener was refused by the row. */
  | { readonly kind: 'fenced'; readonly epoch: number }
  | { readonly kind: 'trustExpired'; readonly nowMs: number }
  | { readonly kind: 'handover' }
  | { readonly kind: 'stop' }
  /** Every listener of the term has ended and no write is under way. */
  | { readonly kind: 'quiet'; readonly epoch: number }
  | { readonly kind: 'quietDeadline' }
  | { readonly kind: 'released'; readonly call: number }
  | { readonly kind: 'releaseFailed'; readonly call: number };

export type LeaseEffect =
  | { readonly kind: 'acquire'; readonly call: number }
  | { readonly kind: 'renew' }
  | { readonly kind: 'release'; readonly call: number; readonly epoch: number }
  | { readonly kind: 'startListeners'; readonly epoch: number }
  | { readonly kind: 'drainListeners' }
  | { readonly kind: 'abortListeners' }
  /** `soon`: jittered bid interval; `backoff`: grows with `attempt`; `afterTtl`: a whole ttl; `now`: at once. */
  | {
      readonly kind: 'armBid';
      readonly delay: 'now' | 'soon' | 'backoff' | 'afterTtl';
      readonly attempt: number;
    }
  /** At the `trustedUntilMs` of the state. */
  | { readonly kind: 'armTrust' }
  | { readonly kind: 'armQuietDeadline' };

export interface LeaseStep {
  readonly state: LeaseState;
  readonly effects: readonly LeaseEffect[];
  /** True when the pair makes no sense in this state: counted, never fatal. */
  readonly unexpected: boolean;
}

/** Those of a renewal, which comes for ten thousand leases every few seconds: they make nothing for the garbage collector (issue 7). */
const RENEW: readonly LeaseEffect[] = [{ kind: 'renew' }];
const ARM_TRUST: readonly LeaseEffect[] = [{ kind: 'armTrust' }];

type LeaseTimer = 'bid' | 'trust' | 'quiet';

const TIMERS = {
  none: [],
  bid: ['bid'],
  trust: ['trust'],
  quiet: ['quiet'],
  trustAndQuiet: ['trust', 'quiet'],
} as const satisfies Readonly<Record<string, readonly LeaseTimer[]>>;

/** Timers that may run in a state; the runner cancels all others where the list becomes another. The same list is the same object. */
export function leaseTimers(state: LeaseState): readonly LeaseTimer[] {
  switch (state.kind) {
    case 'vacant':
      return TIMERS.bid;
    case 'held':
      return TIMERS.trust;
    case 'quiescing':
      return state.ours === 'yes' ? TIMERS.trustAndQuiet : TIMERS.quiet;
    case 'bidding':
    case 'releasing':
    case 'stopped':
      return TIMERS.none;
    default:
      return assertNever(state);
  }
}

export function initialLease(): LeaseState {
  return { kind: 'vacant', call: 0, attempt: 0 };
}

/** True while the term may be used for writes and new listeners. */
export function isTrusted(state: LeaseState, nowMs: number): boolean {
  return state.kind === 'held' && nowMs < state.trustedUntilMs;
}

export function nextLease(state: LeaseState, event: LeaseEvent): LeaseStep {
  const stale = staleWin(state, event);
  if (stale !== null) return stale;
  switch (state.kind) {
    case 'vacant':
      return whileVacant(state, event);
    case 'bidding':
      return whileBidding(state, event);
    case 'held':
      return whileHeld(state, event);
    case 'quiescing':
      return whileQuiescing(state, event);
    case 'releasing':
      return whileReleasing(state, event);
    case 'stopped':
      return ignored(state);
    default:
      return assertNever(state);
  }
}

/** A "won" of a bid we gave up on: the row names us under an epoch that nobody uses. */
function staleWin(state: LeaseState, event: LeaseEvent): LeaseStep | null {
  if (event.kind !== 'won' || (state.kind === 'bidding' && event.call === state.call)) return null;
  const inUse =
    (state.kind === 'held' || state.kind === 'quiescing' || state.kind === 'releasing') &&
    state.epoch === event.epoch;
  return step(state, inUse ? [] : [{ kind: 'release', call: event.call, epoch: event.epoch }]);
}

function whileVacant(state: LeaseState & { kind: 'vacant' }, event: LeaseEvent): LeaseStep {
  switch (event.kind) {
    case 'bidDue': {
      const call = state.call + 1;
      return step({ kind: 'bidding', call, attempt: state.attempt, stopping: false }, [
        { kind: 'acquire', call },
      ]);
    }
    case 'noticed':
      return step(state, [{ kind: 'armBid', delay: 'now', attempt: state.attempt }]);
    case 'stop':
      return step({ kind: 'stopped', call: state.call }, []);
    default:
      return ignored(state);
  }
}

function whileBidding(state: LeaseState & { kind: 'bidding' }, event: LeaseEvent): LeaseStep {
  switch (event.kind) {
    case 'won': {
      const { epoch, trustedUntilMs } = event;
      if (state.stopping || event.nowMs >= trustedUntilMs) {
        const call = state.call + 1;
        const then: Then = state.stopping ? 'stopped' : 'vacant';
        return step({ kind: 'releasing', call, epoch, then }, [{ kind: 'release', call, epoch }]);
      }
      return step({ kind: 'held', call: state.call, epoch, trustedUntilMs }, [
        { kind: 'armTrust' },
        { kind: 'startListeners', epoch },
      ]);
    }
    case 'taken':
      if (event.call !== state.call) return ignored(state);
      return state.stopping ? toStopped(state) : toVacant(state, 'soon', 0);
    case 'bidFailed':
      if (event.call !== state.call) return ignored(state);
      return state.stopping ? toStopped(state) : toVacant(state, 'backoff', state.attempt + 1);
    case 'stop':
      return step({ ...state, stopping: true }, []);
    case 'noticed':
      return step(state, []);
    default:
      return ignored(state);
  }
}

function whileHeld(state: LeaseState & { kind: 'held' }, event: LeaseEvent): LeaseStep {
  switch (event.kind) {
    case 'renewDue':
      return step(state, RENEW);
    case 'renewed': {
      if (event.epoch !== state.epoch) return ignored(state);
      const trustedUntilMs = Math.max(state.trustedUntilMs, event.trustedUntilMs);
      return step({ ...state, trustedUntilMs }, ARM_TRUST);
    }
    case 'refused':
    case 'fenced':
      if (event.epoch !== state.epoch) return ignored(state);
      return windDown(state, 'no', 'vacant');
    case 'trustExpired':
      if (event.nowMs < state.trustedUntilMs) return step(state, ARM_TRUST);
      return windDown(state, 'maybe', 'vacant');
    case 'stop':
      return windDown(state, 'yes', 'stopped');
    case 'handover':
      return windDown(state, 'yes', 'yielded');
    case 'noticed':
      return step(state, []);
    default:
      return ignored(state);
  }
}

function windDown(
  { call, epoch, trustedUntilMs }: LeaseState & { kind: 'held' },
  ours: Ours,
  then: Then,
): LeaseStep {
  const aborted = ours !== 'yes';
  return step({ kind: 'quiescing', call, epoch, trustedUntilMs, ours, aborted, then }, [
    { kind: aborted ? 'abortListeners' : 'drainListeners' },
    { kind: 'armQuietDeadline' },
  ]);
}

function whileQuiescing(state: LeaseState & { kind: 'quiescing' }, event: LeaseEvent): LeaseStep {
  const abort: readonly LeaseEffect[] = state.aborted ? [] : [{ kind: 'abortListeners' }];
  switch (event.kind) {
    case 'renewDue':
      return step(state, state.ours === 'yes' && event.nowMs < state.trustedUntilMs ? RENEW : []);
    case 'renewed': {
      if (event.epoch !== state.epoch || state.ours !== 'yes') return ignored(state);
      const trustedUntilMs = Math.max(state.trustedUntilMs, event.trustedUntilMs);
      return step({ ...state, trustedUntilMs }, ARM_TRUST);
    }
    case 'refused':
    case 'fenced':
      if (event.epoch !== state.epoch) return ignored(state);
      return step({ ...state, ours: 'no', aborted: true }, abort);
    case 'trustExpired':
      if (state.ours !== 'yes') return ignored(state);
      if (event.nowMs < state.trustedUntilMs) return step(state, ARM_TRUST);
      return step({ ...state, ours: 'maybe', aborted: true }, abort);
    case 'quietDeadline':
      // Asked again if it was not enough: listeners end by themselves at their own close deadline.
      return step({ ...state, aborted: true }, [...abort, { kind: 'armQuietDeadline' }]);
    case 'stop':
      // A stop waits less long than a handover.
      return step({ ...state, then: 'stopped' }, [{ kind: 'armQuietDeadline' }]);
    case 'handover':
    case 'noticed':
      return step(state, []);
    case 'quiet': {
      if (event.epoch !== state.epoch) return ignored(state);
      if (state.ours === 'no')
        return state.then === 'stopped' ? toStopped(state) : toVacant(state, 'soon', 0);
      const call = state.call + 1;
      return step({ kind: 'releasing', call, epoch: state.epoch, then: state.then }, [
        { kind: 'release', call, epoch: state.epoch },
      ]);
    }
    default:
      return ignored(state);
  }
}

function whileReleasing(state: LeaseState & { kind: 'releasing' }, event: LeaseEvent): LeaseStep {
  switch (event.kind) {
    case 'released':
    case 'releaseFailed':
      // A failed release is fine: the row expires by itself.
      if (event.call !== state.call) return ignored(state);
      if (state.then === 'stopped') return toStopped(state);
      return toVacant(state, state.then === 'yielded' ? 'afterTtl' : 'soon', 0);
    case 'stop':
      return step({ ...state, then: 'stopped' }, []);
    case 'noticed':
    case 'handover':
      return step(state, []);
    default:
      return ignored(state);
  }
}

function toVacant(from: LeaseState, delay: 'soon' | 'backoff' | 'afterTtl', attempt: number): LeaseStep {
  return step({ kind: 'vacant', call: from.call, attempt }, [{ kind: 'armBid', delay, attempt }]);
}

function toStopped(from: LeaseState): LeaseStep {
  return step({ kind: 'stopped', call: from.call }, []);
}

function step(state: LeaseState, effects: readonly LeaseEffect[]): LeaseStep {
  return { state, effects, unexpected: false };
}

function ignored(state: LeaseState): LeaseStep {
  return { state, effects: [], unexpected: true };
}
