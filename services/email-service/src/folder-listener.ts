/**
 * Runs the listener machine of one folder: performs its effects and turns every reply into an event.
 *
 * Owns at most one session, its timers and its work in flight; `stopped` resolves when nothing of it is left. All work of a
 * session hangs on that session's signal, so that ending it ends everything, and `ended` is sent only after the work has
 * settled (see core/listener-machine.ts).
 */
import type { Fault } from '@mailstream/shared/domain/fault';
import { assertNever } from '@mailstream/shared/domain/never';
import type { ImapProvider } from '@mailstream/shared/domain/provider';
import { backoffMs, jittered } from '@mailstream/shared/domain/time';
import { toFault } from '@mailstream/shared/errors/fault-error';
import { listenerTimer, type ListenerTimer, nextListener } from './core/listener-machine.ts';
import type { ListenerEffect, ListenerEvent, ListenerState } from './core/listener-states.ts';
import { NARROW_OVERLAP, WIDE_OVERLAP } from './core/sync-plan.ts';
import type { FolderIngest, PassOptions } from './folder-ingest.ts';
import { FolderAudits } from './folder-audits.ts';
import type { Turn } from './connection-turns.ts';
import type { ListenerDeps, ListenerHooks } from './listener-deps.ts';
import { deferred, LiveSession } from './live-session.ts';
import { healthOf, mustHearOfPressure, sightOf, type FolderSight } from './listener-health.ts';
import type { ImapSession } from './ports/imap.ts';
import { WatchStop } from './ports/watch-stop.ts';
import { StateTimer } from './state-timer.ts';

/** Back-off of reconnects: 1 s doubling to 60 s (DESIGN section 7). */
const RECONNECT = { baseMs: 1_000, capMs: 60_000 };
/**
 * How long a parked folder waits before it looks whether the world has changed; doubles up to `last`. Login attempts that are
 * refused again and again lock accounts: they begin later.
 */
const RECHECK_MS = { first: 60_000, firstLogin: 300_000, last: 3_600_000 };
/** Draining and closing together stay well below the time that a process has to stop. */
const DEADLINES_MS = { opening: 600_000, draining: 3_000, closing: 2_000 } as const;
/** Watches in IDLE that broke this often in a row make the folder poll instead. */
const MAX_IDLE_FAILURES = 3;

export class FolderListener {
  readonly folder: string;
  readonly stopped: Promise<void>;
  readonly #deps: ListenerDeps;
  readonly #hooks: ListenerHooks;
  readonly #ingest: FolderIngest;
  readonly #timer: StateTimer<ListenerTimer>;
  #provider: ImapProvider;
  #state: ListenerState = { kind: 'idle' };
  #live: LiveSession | null = null;
  #turn: Turn | null = null;
  readonly #audits: FolderAudits;
  readonly #queue: ListenerEvent[] = [];
  #isHandling = false;
  #overlap = WIDE_OVERLAP;
  #isPassToStop = false;
  #idleFailures = 0;
  #resolveStopped: () => void = () => undefined;

  constructor(
    deps: ListenerDeps,
    provider: ImapProvider,
    folder: string,
    ingest: FolderIngest,
    hooks: ListenerHooks,
  ) {
    this.#deps = deps;
    this.#provider = provider;
    this.folder = folder;
    this.#ingest = ingest;
    this.#hooks = hooks;
    this.#timer = new StateTimer(deps.clock);
    this.#audits = new FolderAudits(deps, ingest, hooks, () => this.#auditIsDue());
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  get state(): ListenerState {
    return this.#state;
  }

  get sight(): FolderSight {
    const isHeld = this.#deps.pressure.heldBy() !== null;
    const seen = { folder: this.folder, state: this.#state, freshness: this.#ingest.freshness, isHeld };
    return sightOf(seen, this.#deps.clock.monotonicMs());
  }

  start(): void {
    this.#send({ kind: 'start' });
  }

  /** Finish what is in hand, then stop. */
  drain(): void {
    this.#send({ kind: 'drain' });
  }

  /** Stop now: the lease is in doubt. */
  abort(): void {
    this.#send({ kind: 'abort' });
  }

  /** Connect anew with these settings. */
  configChanged(provider: ImapProvider): void {
    this.#provider = provider;
    this.#idleFailures = 0;
    this.#send({ kind: 'configChanged' });
  }

  /** A store may have lost data: compare and mend at the next pass, which comes soon. */
  distrustStores(): void {
    this.#ingest.distrustStores();
    this.poke();
  }

  /** Somebody asked: `answered` is the last audit that was made. A folder that waits to connect does so now. */
  requestAudit(...asked: Parameters<FolderAudits['request']>): void {
    this.#audits.request(...asked);
    const isWaiting = this.#state.kind === 'backingOff' || this.#state.kind === 'parked';
    if (isWaiting && this.#audits.isDue) this.poke();
  }

  /** The connection looks alive and nothing has moved for too long: make it anew. False where there is none to end. */
  giveUpSession(fault: Fault): boolean {
    const live = this.#live;
    if (live === null || (this.#state.kind !== 'syncing' && this.#state.kind !== 'watching')) return false;
    this.#ingest.freshness.progressed(this.#deps.clock.monotonicMs());
    this.#fault(live, fault);
    return true;
  }

  /** Look now. */
  poke(): void {
    this.#overlap = WIDE_OVERLAP;
    this.#send({ kind: 'poke' });
  }

  /** Fetching was paused, goes on, or is paused for another reason: look, if that changes what we do or say. */
  pressureChanged(): void {
    if (mustHearOfPressure(this.#state, this.#deps.pressure.heldBy())) this.#send({ kind: 'poke' });
  }

  /** Events are handled one after the other, also those that an effect causes at once. */
  #send(event: ListenerEvent): void {
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
  #handle(event: ListenerEvent): void {
    const before = this.#state;
    const { state, effects, unexpected } = nextListener(before, event);
    if (unexpected) this.#deps.metrics.unexpected(before.kind, event.kind);
    this.#state = state;
    if (state.kind !== before.kind) {
      this.#deps.metrics.transition(before.kind, state.kind);
      this.#deps.log.debug('listener', {
        previousState: before.kind,
        state: state.kind,
        event: event.kind,
        folder: this.folder,
      });
    }
    this.#timer.keepOnly(listenerTimer(state));
    for (const effect of effects) this.#perform(effect);
    this.#reportHealth(before);
    if (state.kind !== before.kind) this.#ingest.freshness.progressed(this.#deps.clock.monotonicMs());
    if (state.kind === 'watching' && before.kind !== 'watching') {
      this.#audits.start();
      this.#auditIsDue();
    }
    if (state.kind === 'stopped' && before.kind !== 'stopped') {
      this.#audits.stop();
      this.#resolveStopped();
    }
  }

  #perform(effect: ListenerEffect): void {
    switch (effect.kind) {
      case 'requestTurn':
        this.#turn = this.#deps.turns.request(
          { tenant: this.#provider.tenant, host: this.#provider.endpoint.host },
          {
            came: () => this.#send({ kind: 'turnCame', session: effect.session }),
            yieldNow: () => this.#send({ kind: 'yield' }),
          },
        );
        return;
      case 'returnTurn':
        this.#turn?.end();
        this.#turn = null;
        return;
      case 'openSession':
        return this.#openSession(effect.session);
      case 'openFolder':
        return this.#inSession(effect.session, async (live, session) => {
          await this.#ingest.open(session, live.signal);
          this.#overlap = WIDE_OVERLAP;
          this.#send({ kind: 'opened', session: live.number });
        });
      case 'runPass':
        this.#isPassToStop = false;
        return this.#inSession(effect.session, (live, session) => this.#runPass(live, session));
      case 'stopPass':
        this.#isPassToStop = true;
        return;
      case 'watch':
        return this.#inSession(effect.session, (live, session) => this.#watch(live, session));
      case 'endSession':
        return this.#endSession(effect.session, effect.how);
      case 'armDeadline': {
        const { session, of } = effect;
        const afterMs = of === 'connecting' ? this.#deps.settings.connectDeadlineMs : DEADLINES_MS[of];
        return this.#timer.arm('deadline', afterMs, () => {
          if (of !== 'closing') return this.#send({ kind: 'deadline', session });
          this.#live?.session?.destroy();
          return this.#send({ kind: 'closeDeadline', session });
        });
      }
      case 'armRetry': {
        const backoff = { ...RECONNECT, jitter: this.#deps.settings.reconnectJitter };
        const delayMs = Math.max(backoffMs(backoff, effect.attempt, this.#deps.random()), effect.notBeforeMs);
        return this.#timer.arm('retry', delayMs, () => this.#send({ kind: 'retryDue' }));
      }
      case 'armRecheck': {
        const firstMs = effect.fault.kind === 'auth' ? RECHECK_MS.firstLogin : RECHECK_MS.first;
        const delayMs = Math.min(firstMs * 2 ** Math.max(0, effect.attempt - 1), RECHECK_MS.last);
        const spread = jittered(delayMs, this.#deps.settings.timerJitter, this.#deps.random());
        return this.#timer.arm('recheck', spread, () => this.#send({ kind: 'recheckDue' }));
      }
      case 'reportFenced':
        return this.#hooks.fenced();
      default:
        return assertNever(effect);
    }
  }

  #openSession(number: number): void {
    const live = new LiveSession(number, this.#deps.clock.monotonicMs());
    this.#live = live;
    const spreadMs = Math.min(this.#deps.settings.startupStaggerMs, this.#turn?.spreadMs ?? 0);
    const staggerMs = number === 1 ? this.#deps.random() * spreadMs : 0;
    this.#track(live, async () => {
      const { signal } = live;
      if (staggerMs > 0) await this.#deps.pause(staggerMs, signal);
      const session = await this.#deps.gate.pass(() => {
        signal.throwIfAborted();
        return this.#deps.connector.connect(this.#provider, signal);
      });
      live.session = session;
      if (signal.aborted) return session.destroy();
      live.connectedAtMs = this.#deps.clock.monotonicMs();
      void session.closed.then((fault) => {
        if (fault !== null) this.#fault(live, fault);
      });
      this.#send({ kind: 'connected', session: number });
    });
  }

  async #runPass(live: LiveSession, session: ImapSession): Promise<void> {
    live.watch?.stop();
    await live.watchSettled;
    const heldBy = this.#deps.pressure.heldBy();
    if (heldBy !== null) return this.#send({ kind: 'passDone', session: live.number, more: true, heldBy });
    const options: PassOptions = {
      overlap: this.#overlap,
      signal: live.signal,
      shouldStop: () => this.#isPassToStop || this.#deps.pressure.heldBy() !== null,
    };
    this.#overlap = NARROW_OVERLAP;
    const result = await this.#ingest.pass(session, options);
    const more = (await this.#audits.runIfDue(session, options, result.more)) || result.more;
    // A folder that is done was not held, whatever is full by now.
    const stoppedBy = more ? this.#deps.pressure.heldBy() : null;
    this.#send({ kind: 'passDone', session: live.number, more, heldBy: stoppedBy });
  }

  #auditIsDue(): void {
    const state = this.#state;
    if (state.kind === 'watching' && state.heldBy === null && this.#audits.isDue)
      this.#send({ kind: 'poke' });
  }

  async #watch(live: LiveSession, session: ImapSession): Promise<void> {
    const { settings, random } = this.#deps;
    live.rests();
    const stop = new WatchStop();
    live.watch = stop;
    const { promise: settled, resolve: settle } = deferred();
    live.watchSettled = settled;
    // Nothing that came, and no hole that is due, may be fetched: hearing of it again and again would only spin.
    const isHeld = this.#state.kind === 'watching' && this.#state.heldBy !== null;
    const useIdle = this.#idleFailures < MAX_IDLE_FAILURES && session.capabilities.includes('IDLE');
    const regularMs = jittered(
      useIdle ? settings.watchIntervalMs : settings.pollIntervalMs,
      settings.timerJitter,
      random(),
    );
    try {
      const outcome = await session.watch({
        useIdle,
        ignoresHints: isHeld,
        renewMs: jittered(settings.idleRenewMs, settings.timerJitter, random()),
        pollMs: settings.pollIntervalMs,
        deadlineMs: isHeld ? regularMs : Math.min(regularMs, this.#ingest.nextDueMs ?? Infinity),
        stop,
      });
      if (useIdle) this.#idleFailures = 0;
      settle();
      if (outcome === 'changed') this.#send({ kind: 'changed', session: live.number });
      if (outcome === 'elapsed') {
        this.#overlap = WIDE_OVERLAP;
        this.#send({ kind: 'watchDue', session: live.number });
      }
    } catch (error) {
      settle();
      if (useIdle) this.#idleFailures += 1;
      // The server refuses IDLE but the connection is fine: poll from now on.
      if (toFault(error).code === 'IMAP_IDLE_REFUSED') {
        this.#idleFailures = MAX_IDLE_FAILURES;
        return this.#send({ kind: 'watchDue', session: live.number });
      }
      throw error;
    }
  }

  #endSession(number: number, how: 'gracefully' | 'abruptly'): void {
    const live = this.#live;
    if (live === null || live.number !== number) return this.#send({ kind: 'ended', session: number });
    live.end();
    if (how === 'abruptly') live.session?.destroy();
    void (async () => {
      if (how === 'gracefully') {
        await live.watchSettled;
        await live.session?.logout();
      }
      // Work may add work (a connect that still comes through): wait until there is none.
      while (live.work.size > 0) await Promise.all(live.work);
      live.session?.destroy();
      await live.session?.closed;
      if (this.#live === live) this.#live = null;
      this.#send({ kind: 'ended', session: number });
    })();
  }

  #inSession(number: number, work: (live: LiveSession, session: ImapSession) => Promise<void>): void {
    const live = this.#live;
    const session = live?.session ?? null;
    if (live === null || session === null || live.number !== number) return;
    this.#track(live, () => work(live, session));
  }

  /** Runs work of a session; what it throws becomes a fault of that session. */
  #track(live: LiveSession, work: () => Promise<void>): void {
    const running = work().catch((error: unknown) => {
      if (!live.isEnded) this.#fault(live, toFault(error), error);
      else if (toFault(error).kind === 'fenced') this.#hooks.fenced();
    });
    live.work.add(running);
    void running.finally(() => live.work.delete(running));
  }

  #fault(live: LiveSession, fault: Fault, error?: unknown): void {
    if (live.isEnded) return;
    const livedMs = live.session === null ? 0 : this.#deps.clock.monotonicMs() - live.connectedAtMs;
    this.#deps.metrics.fault(fault, live.session === null);
    this.#deps.pressure.noted(fault);
    const fields = { folder: this.folder, code: fault.code, kind: fault.kind, detail: fault.detail };
    if (fault.kind === 'bug') this.#deps.log.error('listener fault', { ...fields, error });
    else this.#deps.log.warn('listener fault', fields);
    this.#ingest.doubt();
    this.#send({ kind: 'fault', session: live.number, fault, livedMs });
  }

  #reportHealth(before: ListenerState): void {
    const state = this.#state;
    if (state.kind === before.kind) return;
    const isInSync = state.kind === 'watching' && state.heldBy === null;
    if (isInSync) this.#turn?.idle();
    const said = healthOf(state, this.#turn?.isWaiting === true);
    if (said === null) return;
    const capabilities = isInSync ? (this.#live?.session?.capabilities ?? null) : null;
    this.#hooks.health({ ...said, since: this.#deps.clock.now().toISOString() }, capabilities, isInSync);
  }
}
