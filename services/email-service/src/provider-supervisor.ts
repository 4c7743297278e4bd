/**
 * Decides which providers this instance bids for, renews all its leases in one statement per beat, and carries changes of
 * settings to the listeners.
 *
 * Discovery is by notice (within a second of the change), and by reading everything at each refresh and reconnect, because a
 * notice is only a hint. The renewal beat depends on nothing else here: not on discovery, not on any mail server.
 */
import { toFault } from '@mailstream/shared/errors/fault-error';
import { jittered } from '@mailstream/shared/domain/time';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import { LeaseRunner, type LeaseRunnerDeps } from './lease-runner.ts';
import type { DiscoveredProvider, ProviderRef } from './ports.ts';

export interface SupervisorDeps extends Omit<LeaseRunnerDeps, 'renew' | 'bidding' | 'mayTake' | 'rebidMs'> {
  /** Instances that run, this one included. */
  readonly instances: () => number;
  readonly refreshMs: number;
  /** Acquire calls under way at once; about the size of the lease pool. */
  readonly parallelBids: number;
}

export interface Supervisor extends Service {
  /** A notice said that something about this provider changed. */
  noticed(ref: ProviderRef): void;
  /** Read everything again: notices may have been lost. */
  refresh(): Promise<void>;
  runners(): readonly LeaseRunner[];
  /** True once all providers were read at least once. */
  isReady(): boolean;
}

interface Entry {
  readonly runner: LeaseRunner;
  /** Folders. */
  weight: number;
  configVersion: number;
  pokeVersion: number;
}

/** How often leases without an owner are looked for, milliseconds: a dead instance is replaced this soon after its ttl. */
const SWEEP_MS = 1_000;
/** After a failed renewal the next try comes this soon, milliseconds, bounded by the ttl. */
const RENEW_RETRY_MS = 1_000;

export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const entries = new Map<string, Entry>();
  const timers = new Map<'renew' | 'refresh' | 'sweep', () => void>();
  const bids = createLimit(deps.parallelBids);
  let isStopping = false;
  let isReady = false;
  let renewing: Promise<void> = Promise.resolve();
  let sweeping: Promise<void> = Promise.resolve();
  let due: LeaseRunner[] = [];

  const share = (): number => {
    const total = [...entries.values()].reduce((sum, entry) => sum + entry.weight, 0);
    return Math.ceil(total / Math.max(1, deps.instances()));
  };
  const runnerDeps: LeaseRunnerDeps = {
    ...deps,
    bidding: bids,
    renew: (runner) => due.push(runner),
    mayTake: (ref) => heldWeight([...entries.values()], ref) < share(),
    rebidMs: deps.refreshMs,
  };
  const keyOf = (ref: ProviderRef): string => `${ref.tenant}/${ref.id}`;

  const adopt = (found: DiscoveredProvider): void => {
    const key = keyOf(found);
    const known = entries.get(key);
    if (known === undefined) {
      const runner = new LeaseRunner(runnerDeps, { tenant: found.tenant, id: found.id });
      entries.set(key, {
        runner,
        weight: found.weight,
        configVersion: found.configVersion,
        pokeVersion: found.pokeVersion,
      });
      void runner.stopped.then(() => {
        if (entries.get(key)?.runner === runner) entries.delete(key);
      });
      runner.send({ kind: 'noticed' });
      return;
    }
    known.weight = found.weight;
    if (found.leaseOwner === null || found.leaseExpired) known.runner.send({ kind: 'noticed' });
    if (found.configVersion !== known.configVersion) {
      known.configVersion = found.configVersion;
      known.runner.runtime?.reload();
    }
    if (found.pokeVersion !== known.pokeVersion) {
      known.pokeVersion = found.pokeVersion;
      known.runner.runtime?.poke();
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

  /** Leases that ran out: their owner is dead or cut off. Those given back come by notice, and here if the notice was lost. */
  const sweep = async (): Promise<void> => {
    try {
      for (const ref of await deps.store.unowned()) entries.get(keyOf(ref))?.runner.send({ kind: 'noticed' });
    } catch (error) {
      deps.log.debug('leases without an owner could not be read', { code: toFault(error).code });
    }
    if (!isStopping) armSweep();
  };

  const armSweep = (): void => {
    timers.set(
      'sweep',
      deps.clock.schedule(
        jittered(Math.min(SWEEP_MS, deps.times.ttlMs / 4), deps.times.jitter, deps.random()),
        () => {
          sweeping = sweep();
        },
      ),
    );
  };

  /** Gives what is above the share to the others, half of it per beat so that it does not swing. */
  const shed = (): void => {
    if (isStopping || deps.instances() < 2) return;
    let surplus = heldWeight([...entries.values()]) - share();
    let left = Math.max(1, Math.ceil(surplus / 2));
    for (const { runner, weight } of entries.values()) {
      if (left <= 0 || surplus <= 0) return;
      if (runner.state.kind !== 'held' || weight > surplus) continue;
      runner.send({ kind: 'handover' });
      surplus -= weight;
      left -= weight;
    }
  };

  const beat = async (): Promise<void> => {
    due = [];
    const nowMs = deps.clock.monotonicMs();
    for (const { runner } of entries.values())
      if (runner.renewableEpoch !== null) runner.send({ kind: 'renewDue', nowMs });
    const leases = due.flatMap((runner) => {
      const epoch = runner.renewableEpoch;
      return epoch === null ? [] : [{ runner, ...runner.ref, epoch }];
    });
    let nextMs = deps.times.renewEveryMs;
    if (leases.length > 0) {
      try {
        const renewed = new Set((await deps.store.renew(leases, deps.owner, deps.times.ttlMs)).map(keyOf));
        const trustedUntilMs = nowMs + deps.times.ttlMs - deps.times.marginMs;
        for (const { runner, epoch, ...ref } of leases)
          runner.send(
            renewed.has(keyOf(ref)) ? { kind: 'renewed', epoch, trustedUntilMs } : { kind: 'refused', epoch },
          );
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
    shed();
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
      armBeat(deps.times.renewEveryMs);
      armSweep();
      await refresh();
    },
    stop: async () => {
      isStopping = true;
      timers.get('refresh')?.();
      timers.get('sweep')?.();
      const runners = [...entries.values()].map((entry) => entry.runner);
      for (const runner of runners) runner.send({ kind: 'stop' });
      // Renewals go on until the last listener is quiet: a slow drain must not lose the lease half-way.
      await Promise.all(runners.map((runner) => runner.stopped));
      timers.get('renew')?.();
      timers.clear();
      await renewing;
      await sweeping;
      timers.get('sweep')?.();
      timers.get('renew')?.();
    },
  });

  return {
    ...service,
    noticed: (ref) => void refreshOne(ref),
    refresh,
    runners: () => [...entries.values()].map((entry) => entry.runner),
    isReady: () => isReady,
  };
}

/** Folders of the providers that are ours or about to be, without `except`. */
function heldWeight(entries: readonly Entry[], except?: ProviderRef): number {
  return entries.reduce((sum, { runner, weight }) => {
    const counts = runner.state.kind === 'held' || runner.state.kind === 'bidding';
    const isExcepted =
      except !== undefined && runner.ref.id === except.id && runner.ref.tenant === except.tenant;
    return counts && !isExcepted ? sum + weight : sum;
  }, 0);
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

/** Runs at most `limit` pieces of work at once, the others in the order they came. */
function createLimit(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    // A slot is handed over, never freed in between, so that nobody overtakes.
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
