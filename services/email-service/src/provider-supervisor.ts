/**
 * Decides which providers this instance bids for, renews all its leases in one statement per beat, and carries changes of
 * settings to the listeners.
 *
 * Three rhythms, none of which waits for another or for a mail server:
 * - the beat (a third of the ttl) renews what is held;
 * - the look (a second; half of it where no notices come) sees in one statement which leases are free, how many instances share
 *   the providers, and whether anything changed that no notice told, as it is behind a transaction pooler; what is held above
 *   the share is then given away, some at a time;
 * - the refresh (a minute) reads everything, because notices and looks are only hints.
 */
import { toFault } from '@mailstream/shared/errors/fault-error';
import type { TenantId } from '@mailstream/shared/domain/ids';
import { jittered } from '@mailstream/shared/domain/time';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import { FairShare } from './fair-share.ts';
import { LeaseRunner, type LeaseRunnerDeps, trustedUntil } from './lease-runner.ts';
import type { DiscoveredProvider, ProviderRef } from './ports/leases.ts';
import type { ProviderRuntime } from './provider-runtime.ts';
import { TrustWatch } from './trust-watch.ts';

export interface SupervisorDeps extends Omit<
  LeaseRunnerDeps,
  'renew' | 'armTrust' | 'changed' | 'claim' | 'rebidMs'
> {
  readonly refreshMs: number;
  /** False where notices of other processes do not arrive: changes are looked for more often then. */
  readonly areNoticesHeard: () => boolean;
}

export interface Supervisor extends Service {
  /** A notice said that something about this provider changed. */
  noticed(ref: ProviderRef): void;
  /** Read everything again: notices may have been lost. */
  refresh(): Promise<void>;
  runners(): readonly LeaseRunner[];
  /** Whose mailboxes are listened to. */
  tenants(): ReadonlySet<TenantId>;
  /** What runs under a term that may be renewed, at this moment: not to be kept. */
  runtimes(): Iterable<ProviderRuntime>;
  /** True once all providers were read at least once. */
  isReady(): boolean;
  /** Monotonic milliseconds of the last beat that came to its end, whatever its result; null while none is due. */
  lastBeatMs(): number | null;
}

interface Entry {
  readonly runner: LeaseRunner;
  configVersion: number;
  pokeVersion: number;
  auditVersion: number;
}

/** Between looks, milliseconds: a dead instance is replaced this soon after its ttl; without notices a change is seen this soon. */
const LOOK_MS = { withNotices: 1_000, withoutNotices: 500, afterNotice: 50 };
/** Between two times that something is given away, milliseconds: by then it is seen what became of the first. */
const SHED_EVERY_MS = 400;
/**
 * Folders that all instances together give away each time, at most. Whoever takes them has to log in to each and look: of a crowd
 * that moves at once each would be without a listener for as long as the whole crowd takes.
 */
const MOST_SHED = 6;
/**
 * The same of an instance that stops: mailboxes at first, which is all that most have, and then each time. It has ten seconds in
 * all (lifecycle.ts), of which the times between take six at most.
 */
const LEAVING = { first: 30, then: 10, everyMs: 300, mostTimes: 20 };
/** After a failed renewal the next try comes this soon, milliseconds, bounded by the ttl. */
const RENEW_RETRY_MS = 1_000;
/** Rows are busy for the milliseconds of a batch's transaction. */
const BUSY_RETRY_MS = 250;

export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const entries = new Map<string, Entry>();
  const timers = new Map<'renew' | 'refresh' | 'look', () => void>();
  const share = new FairShare();
  let isStopping = true;
  let isReady = false;
  let renewing: Promise<void> = Promise.resolve();
  let looking: Promise<void> = Promise.resolve();
  let due: LeaseRunner[] = [];
  let fingerprint = '';
  let wasNoticed = false;
  let isLooking = false;
  let shedAtMs = -Infinity;
  /** Something was given away at the last look, and there may be more. */
  let isShedding = false;
  let isLookWanted = false;
  let lastBeatMs = deps.clock.monotonicMs();
  const trust = new TrustWatch(deps.clock, () => runners());

  const runnerDeps: LeaseRunnerDeps = {
    ...deps,
    renew: (runner) => due.push(runner),
    armTrust: (atMs) => trust.arm(atMs),
    changed: ({ ref, state }) => {
      // Whoever bids has claimed it or not: that stays until the bid is answered.
      if (state.kind !== 'bidding') share.hold(keyOf(ref), state.kind === 'held');
    },
    claim: (ref) => share.claim(keyOf(ref)),
    rebidMs: deps.refreshMs,
  };
  const keyOf = (ref: ProviderRef): string => `${ref.tenant}/${ref.id}`;
  const runners = (): readonly LeaseRunner[] => Array.from(entries.values(), ({ runner }) => runner);

  const adopt = (found: DiscoveredProvider): void => {
    const key = keyOf(found);
    const known = entries.get(key);
    share.weigh(key, found.weight);
    if (known === undefined) {
      const runner = new LeaseRunner(runnerDeps, { tenant: found.tenant, id: found.id });
      entries.set(key, {
        runner,
        configVersion: found.configVersion,
        pokeVersion: found.pokeVersion,
        auditVersion: found.auditVersion,
      });
      void runner.stopped.then(() => {
        if (entries.get(key)?.runner !== runner) return;
        entries.delete(key);
        share.forget(key);
      });
      runner.send({ kind: 'noticed' });
      return;
    }
    if (found.leaseOwner === null || found.leaseExpired) known.runner.send({ kind: 'noticed' });
    if (found.configVersion !== known.configVersion) {
      known.configVersion = found.configVersion;
      known.runner.runtime?.reload();
    }
    if (found.pokeVersion !== known.pokeVersion) {
      known.pokeVersion = found.pokeVersion;
      known.runner.runtime?.poke();
    }
    if (found.auditVersion !== known.auditVersion) {
      known.auditVersion = found.auditVersion;
      known.runner.runtime?.auditRequested();
    }
  };

  const withdraw = (key: string): void => {
    entries.get(key)?.runner.send({ kind: 'stop' });
  };

  /** Paused, then resumed before the drain had ended: the entry is still there and stopping; look again when it is gone. */
  const adoptWhenFree = (found: DiscoveredProvider): void => {
    const known = entries.get(keyOf(found));
    if (known === undefined || !isLeaving(known.runner)) return adopt(found);
    void known.runner.stopped.then(() => refreshOne(found));
  };

  const refreshOne = async (ref: ProviderRef): Promise<void> => {
    if (isStopping) return;
    try {
      const [found] = await deps.store.discover(ref);
      if (isStopping) return;
      if (found === undefined) withdraw(keyOf(ref));
      else adoptWhenFree(found);
    } catch (error) {
      deps.log.warn('a provider could not be read', { providerId: ref.id, code: toFault(error).code });
      // The next refresh finds the change.
      armRefresh(deps.times.renewEveryMs);
    }
  };

  const refresh = async (): Promise<void> => {
    if (isStopping) return;
    try {
      const found = await deps.store.discover();
      if (isStopping) return;
      const seen = new Set(found.map(keyOf));
      for (const key of entries.keys()) if (!seen.has(key)) withdraw(key);
      for (const provider of found) adoptWhenFree(provider);
      isReady = true;
      armRefresh(jittered(deps.refreshMs, deps.times.jitter, deps.random()));
    } catch (error) {
      const fault = toFault(error);
      deps.log.warn('providers could not be read', { code: fault.code, detail: fault.detail });
      armRefresh(Math.min(RENEW_RETRY_MS, deps.refreshMs));
    }
  };

  const armRefresh = (delayMs: number): void => {
    if (isStopping) return;
    timers.get('refresh')?.();
    timers.set(
      'refresh',
      deps.clock.schedule(delayMs, () => void refresh()),
    );
  };

  const look = async (): Promise<void> => {
    isLooking = true;
    isLookWanted = false;
    try {
      const view = await deps.store.look(deps.owner, deps.times.ttlMs);
      if (isStopping) return;
      share.instances = view.instances;
      // A change that was noticed is in hand already; one that was not may be any.
      const isUnexplained = view.fingerprint !== fingerprint && !wasNoticed;
      fingerprint = view.fingerprint;
      wasNoticed = false;
      if (isUnexplained) await refresh();
      for (const ref of view.free) entries.get(keyOf(ref))?.runner.send({ kind: 'noticed' });
      shed();
    } catch (error) {
      deps.log.debug('the fleet could not be looked at', { code: toFault(error).code });
    }
    isLooking = false;
    if (!isStopping) armLook(soonestLookMs());
  };

  const soonestLookMs = (): number | undefined => {
    if (isLookWanted) return LOOK_MS.afterNotice;
    return isShedding ? SHED_EVERY_MS : undefined;
  };

  const armLook = (soonMs?: number): void => {
    const everyMs = deps.areNoticesHeard() ? LOOK_MS.withNotices : LOOK_MS.withoutNotices;
    const regularMs = jittered(Math.min(everyMs, deps.times.ttlMs / 4), deps.times.jitter, deps.random());
    timers.get('look')?.();
    timers.set(
      'look',
      deps.clock.schedule(soonMs ?? regularMs, () => {
        looking = look();
      }),
    );
  };

  /** A notice may say that an instance gives back what it held: whether it leaves for good decides about everybody's share. */
  const lookSoon = (): void => {
    if (isStopping || isLookWanted) return;
    isLookWanted = true;
    if (!isLooking) armLook(LOOK_MS.afterNotice);
  };

  /** Gives what is above the share to the others, half of it at once so that it does not swing. */
  const shed = (): void => {
    let surplus = share.surplus;
    const nowMs = deps.clock.monotonicMs();
    if (nowMs - shedAtMs < SHED_EVERY_MS) return;
    isShedding = false;
    if (surplus <= 0) return;
    shedAtMs = nowMs;
    // Each of the others has a surplus, too, when one has come.
    const most = Math.max(1, Math.round(MOST_SHED / Math.max(1, share.instances - 1)));
    let left = Math.min(most, Math.ceil(surplus / 2));
    for (const [key, { runner }] of entries) {
      if (left <= 0 || surplus <= 0) return;
      const weight = share.weightOf(key);
      if (runner.state.kind !== 'held' || weight > surplus) continue;
      runner.send({ kind: 'handover' });
      isShedding = true;
      surplus -= weight;
      left -= weight;
    }
  };

  /** Those that wait for their turn are listened to as before. Where nobody is there to take them, there are no turns. */
  const leave = async (held: readonly LeaseRunner[]): Promise<void> => {
    const everyMs = share.instances > 1 ? LEAVING.everyMs : 0;
    const rest = held.slice(LEAVING.first);
    const most = Math.max(LEAVING.then, Math.ceil(rest.length / LEAVING.mostTimes));
    for (const runner of held.slice(0, LEAVING.first)) runner.send({ kind: 'stop' });
    for (let next = 0; next < rest.length; next += most) {
      await deps.pause(everyMs);
      for (const runner of rest.slice(next, next + most)) runner.send({ kind: 'stop' });
    }
  };

  const beat = async (): Promise<void> => {
    due = [];
    const nowMs = deps.clock.monotonicMs();
    const renewDue = { kind: 'renewDue', nowMs } as const;
    for (const { runner } of entries.values()) if (runner.renewableEpoch !== null) runner.send(renewDue);
    const leases: (ProviderRef & { readonly runner: LeaseRunner; readonly epoch: number })[] = [];
    for (const runner of due) {
      const { renewableEpoch: epoch, ref } = runner;
      if (epoch !== null) leases.push({ runner, tenant: ref.tenant, id: ref.id, epoch });
    }
    let nextMs = deps.times.renewEveryMs;
    if (leases.length > 0) {
      try {
        const answer = await deps.store.renew(leases, deps.owner, deps.times.ttlMs);
        const areAll = answer.renewed.length === leases.length;
        const renewed = new Set(areAll ? [] : answer.renewed.map(keyOf));
        const busy = new Set(answer.busy.map(keyOf));
        const trustedUntilMs = trustedUntil(nowMs, deps.times);
        for (const { runner, epoch } of leases) {
          if (areAll || renewed.has(keyOf(runner.ref)))
            runner.send({ kind: 'renewed', epoch, trustedUntilMs });
          else if (!busy.has(keyOf(runner.ref))) runner.send({ kind: 'refused', epoch });
        }
        if (busy.size > 0) nextMs = Math.min(BUSY_RETRY_MS, nextMs);
      } catch (error) {
        const fault = toFault(error);
        deps.log.warn('leases could not be renewed', {
          code: fault.code,
          detail: fault.detail,
          count: leases.length,
        });
        nextMs = Math.min(RENEW_RETRY_MS, nextMs);
      }
    }
    lastBeatMs = deps.clock.monotonicMs();
    if (entries.size > 0 || !isStopping) armBeat(nextMs);
  };

  const armBeat = (delayMs: number): void => {
    timers.get('renew')?.();
    timers.set(
      'renew',
      deps.clock.schedule(jittered(delayMs, deps.times.jitter, deps.random()), () => {
        renewing = beat();
      }),
    );
  };

  const service = createService('provider supervisor', {
    start: async () => {
      isStopping = false;
      lastBeatMs = deps.clock.monotonicMs();
      fingerprint = '';
      armBeat(deps.times.renewEveryMs);
      armRefresh(deps.refreshMs);
      looking = look();
      await looking;
    },
    stop: async () => {
      isStopping = true;
      timers.get('refresh')?.();
      timers.get('look')?.();
      const all = runners();
      const held = all.filter((runner) => runner.state.kind === 'held');
      for (const runner of all) if (runner.state.kind !== 'held') runner.send({ kind: 'stop' });
      await leave(held);
      // Renewals go on until the last listener is quiet: a slow drain must not lose the lease half-way.
      await Promise.all(all.map((runner) => runner.stopped));
      timers.get('renew')?.();
      await Promise.all([renewing, looking]);
      for (const cancel of timers.values()) cancel();
      timers.clear();
      trust.stop();
    },
  });

  return {
    ...service,
    noticed: (ref) => {
      wasNoticed = true;
      void refreshOne(ref);
      lookSoon();
    },
    refresh,
    runners,
    tenants: () => {
      const found = new Set<TenantId>();
      for (const { runner } of entries.values()) if (runner.runtime !== null) found.add(runner.ref.tenant);
      return found;
    },
    *runtimes() {
      for (const { runner } of entries.values())
        if (runner.renewableEpoch !== null && runner.runtime !== null) yield runner.runtime;
    },
    isReady: () => isReady,
    lastBeatMs: () => (isStopping ? null : lastBeatMs),
  };
}

/** On its way to STOPPED, so that it cannot take the provider up again. */
function isLeaving(runner: LeaseRunner): boolean {
  const { state } = runner;
  switch (state.kind) {
    case 'bidding':
      return state.stopping;
    case 'quiescing':
    case 'releasing':
      return state.then === 'stopped';
    case 'stopped':
      return true;
    case 'vacant':
    case 'held':
      return false;
  }
}
