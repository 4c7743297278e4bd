/** Runs the lease machine of one provider: performs its effects and feeds replies back as events (see core/lease-machine.ts). */
import { assertNever } from '@mailstream/shared/domain/never';
import { backoffMs, jittered, type Clock } from '@mailstream/shared/domain/time';
import type { InstanceId } from '@mailstream/shared/domain/ids';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { toFault } from '@mailstream/shared/errors/fault-error';
import {
  initialLease,
  leaseTimers,
  nextLease,
  type LeaseEffect,
  type LeaseEvent,
  type LeaseState,
} from './core/lease-machine.ts';
import type { LeaseStore, ProviderRef, Term } from './ports/leases.ts';
import type { ProviderRuntime, RuntimeHooks } from './provider-runtime.ts';
import { StateTimer } from './state-timer.ts';

export interface LeaseTimes {
  readonly ttlMs: number;
  /** Taken off the ttl for clock drift and slow event loops. */
  readonly marginMs: number;
  readonly renewEveryMs: number;
  readonly callTimeoutMs: number;
  /** A drain that takes longer is cut short: in a handover, where nothing is urgent, and in a stop, where others wait. */
  readonly quietDeadlineMs: { readonly handover: number; readonly stop: number };
  readonly jitter: number;
}

/** What is not finished by then is left to the next owner, who is there within a second of the signal, milliseconds. */
const STOP_DRAIN_MS = 400;

/** Derives all times from the ttl. Holds: renewEvery + callTimeout < ttl − margin, so one lost call does not lose the term. */
export function leaseTimes(ttlMs: number, jitter: number): LeaseTimes {
  return {
    ttlMs,
    marginMs: Math.min(2_000, ttlMs / 10),
    renewEveryMs: ttlMs / 3,
    callTimeoutMs: Math.min(5_000, ttlMs / 6),
    quietDeadlineMs: { handover: Math.min(15_000, ttlMs / 2), stop: STOP_DRAIN_MS },
    jitter,
  };
}

/**
 * Until when a term is trusted that was won or renewed by a call that began at `begunMs`, monotonic milliseconds. Whole ones, rounded
 * down: V8 keeps them in the state itself, and any other number in an object of its own, for each lease and beat (issue 7).
 */
export function trustedUntil(begunMs: number, { ttlMs, marginMs }: LeaseTimes): number {
  return Math.floor(begunMs + ttlMs - marginMs);
}

export interface LeaseRunnerDeps {
  readonly store: LeaseStore;
  readonly owner: InstanceId;
  readonly times: LeaseTimes;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Takes the provider into account as ours; false when this instance has its share already: it lets the others go first. */
  readonly claim: (ref: ProviderRef) => boolean;
  readonly pause: (ms: number) => Promise<void>;
  /** Between bids for a lease that another holds; notices and sweeps come much sooner when it is given back or runs out. */
  readonly rebidMs: number;
  readonly runtime: (ref: ProviderRef, term: Term, hooks: RuntimeHooks) => ProviderRuntime;
  /** Asked by the machine: put this provider on the next renewal. */
  readonly renew: (runner: LeaseRunner) => void;
  /** Asked by the machine: call `lookAtTrust` at that time, monotonic milliseconds. */
  readonly armTrust: (atMs: number) => void;
  /** Its state is of another kind now. */
  readonly changed: (runner: LeaseRunner) => void;
  readonly metrics: {
    transition(from: LeaseState['kind'], to: LeaseState['kind']): void;
    unexpected(state: string, event: string): void;
  };
}

/**
 * Head start of instances that are below their share, milliseconds; twice that at most. A notice and a bid take some ten, on a
 * machine that is busy some hundred. While it lasts the share is looked at again and again: an instance may have left.
 */
const POLITE_MS = 600;
const POLITE_STEP_MS = 25;
const BID_BACKOFF = { baseMs: 1_000, capMs: 30_000, jitter: 0.5 };

export class LeaseRunner {
  readonly ref: ProviderRef;
  readonly stopped: Promise<void>;
  readonly #deps: LeaseRunnerDeps;
  readonly #log: Logger;
  readonly #timer: StateTimer<'bid' | 'quiet'>;
  /** When the term is over unless it is renewed; null where there is none. */
  #trustAtMs: number | null = null;
  readonly #queue: LeaseEvent[] = [];
  #isHandling = false;
  #state: LeaseState = initialLease();
  #runtime: ProviderRuntime | null = null;
  #resolveStopped: () => void = () => undefined;

  constructor(deps: LeaseRunnerDeps, ref: ProviderRef) {
    this.#deps = deps;
    this.ref = ref;
    this.#timer = new StateTimer(deps.clock);
    this.#log = deps.log.child({ tenantId: ref.tenant, providerId: ref.id });
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  get state(): LeaseState {
    return this.#state;
  }

  get runtime(): ProviderRuntime | null {
    return this.#runtime;
  }

  /** When to look at the trust in the term, monotonic milliseconds; null when there is none to look at. */
  get trustAtMs(): number | null {
    return this.#trustAtMs;
  }

  /** The time has come that was armed. */
  lookAtTrust(nowMs: number): void {
    this.#trustAtMs = null;
    this.send({ kind: 'trustExpired', nowMs });
  }

  get #isLeaving(): boolean {
    return this.#state.kind === 'bidding' && this.#state.stopping;
  }

  /** The epoch that a renewal should name, or null when there is nothing to renew. */
  get renewableEpoch(): number | null {
    const state = this.#state;
    if (state.kind === 'held') return state.epoch;
    return state.kind === 'quiescing' && state.ours === 'yes' ? state.epoch : null;
  }

  send(event: LeaseEvent): void {
    if (this.#isHandling) {
      this.#queue.push(event);
      return;
    }
    this.#isHandling = true;
    try {
      // Not through the queue: an array that was once used keeps the room for 17 (issue 7).
      this.#handle(event);
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#handle(next);
    } finally {
      this.#isHandling = false;
    }
  }

  /** The one place that writes the state. */
  #handle(event: LeaseEvent): void {
    const before = this.#state;
    const { state, effects, unexpected } = nextLease(before, event);
    if (unexpected) this.#deps.metrics.unexpected(before.kind, event.kind);
    this.#state = state;
    if (state.kind !== before.kind) {
      this.#deps.metrics.transition(before.kind, state.kind);
      this.#deps.changed(this);
      // Who has it is news; the steps there and back are not, and thousands come when a process starts or stops.
      const isNews = state.kind === 'held' || before.kind === 'held';
      const fields = { previousState: before.kind, state: state.kind, event: event.kind };
      if (isNews) this.#log.info('lease', fields);
      else this.#log.debug('lease', fields);
    }
    if (leaseTimers(state) !== leaseTimers(before)) this.#cancelOthers(leaseTimers(state));
    for (const effect of effects) this.#perform(effect);
    if (state.kind === 'stopped') this.#resolveStopped();
  }

  #cancelOthers(kept: ReturnType<typeof leaseTimers>): void {
    if (!kept.includes('trust')) this.#trustAtMs = null;
    this.#timer.keepOnly(kept.find((timer) => timer !== 'trust') ?? null);
  }

  #perform(effect: LeaseEffect): void {
    const { times, random } = this.#deps;
    switch (effect.kind) {
      case 'acquire':
        void this.#acquire(effect.call);
        return;
      case 'renew':
        return this.#deps.renew(this);
      case 'release':
        void this.#release(effect.call, effect.epoch);
        return;
      case 'startListeners':
        return this.#start(effect.epoch);
      case 'drainListeners':
        return this.#runtime?.drain();
      case 'abortListeners':
        return this.#runtime?.abort();
      case 'armBid': {
        const delays = {
          now: random() * 50,
          soon: jittered(this.#deps.rebidMs, times.jitter, random()),
          backoff: backoffMs(BID_BACKOFF, effect.attempt, random()),
          afterTtl: times.ttlMs,
        };
        return this.#arm('bid', delays[effect.delay], { kind: 'bidDue' });
      }
      case 'armTrust': {
        const state = this.#state;
        if (state.kind !== 'held' && state.kind !== 'quiescing') return;
        this.#trustAtMs = state.trustedUntilMs;
        return this.#deps.armTrust(state.trustedUntilMs);
      }
      case 'armQuietDeadline': {
        const isStop = this.#state.kind === 'quiescing' && this.#state.then === 'stopped';
        const deadlineMs = times.quietDeadlineMs[isStop ? 'stop' : 'handover'];
        return this.#arm('quiet', deadlineMs, { kind: 'quietDeadline' });
      }
      default:
        return assertNever(effect);
    }
  }

  #arm(timer: 'bid' | 'quiet', delayMs: number, event: LeaseEvent): void {
    this.#timer.arm(timer, delayMs, () => this.send(event));
  }

  async #acquire(call: number): Promise<void> {
    const { store, owner, times, clock, random } = this.#deps;
    try {
      // Over its share an instance still bids, only later: nothing stays without an owner because of arithmetic.
      const politeUntilMs = clock.monotonicMs() + POLITE_MS * (1 + random());
      while (!this.#isLeaving && !this.#deps.claim(this.ref) && clock.monotonicMs() < politeUntilMs)
        await this.#deps.pause(POLITE_STEP_MS * (1 + random()));
      if (this.#isLeaving) return this.send({ kind: 'bidFailed', call });
      const begunMs = clock.monotonicMs();
      const term = await store.acquire(this.ref, owner, times.ttlMs);
      if (term === null) return this.send({ kind: 'taken', call });
      this.send({
        kind: 'won',
        call,
        epoch: term.epoch,
        trustedUntilMs: trustedUntil(begunMs, times),
        nowMs: clock.monotonicMs(),
      });
    } catch (error) {
      const fault = toFault(error);
      this.#log.warn('bid for a lease failed', { code: fault.code, detail: fault.detail });
      this.send({ kind: 'bidFailed', call });
    }
  }

  async #release(call: number, epoch: number): Promise<void> {
    try {
      await this.#deps.store.release(this.ref, { owner: this.#deps.owner, epoch });
      this.send({ kind: 'released', call });
    } catch (error) {
      this.#log.warn('a lease could not be given back, it expires by itself', { code: toFault(error).code });
      this.send({ kind: 'releaseFailed', call });
    }
  }

  #start(epoch: number): void {
    const runtime = this.#deps.runtime(
      this.ref,
      { owner: this.#deps.owner, epoch },
      {
        fenced: () => this.send({ kind: 'fenced', epoch }),
        quiet: () => {
          if (this.#runtime === runtime) this.#runtime = null;
          this.send({ kind: 'quiet', epoch });
        },
      },
    );
    this.#runtime = runtime;
    runtime.start();
  }
}
