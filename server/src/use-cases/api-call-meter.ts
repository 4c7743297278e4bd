/**
 * Counts calls with API tokens, tenant by tenant, and refuses those above the limit of the day.
 *
 * Counted here and added to the database every few seconds, so that a call costs no statement; the answer tells what all servers
 * together have counted, and the limit as it is now. So several servers go over a limit by what each lets through in that time.
 */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Clock } from '@mailstream/shared/domain/time';
import { toFault } from '@mailstream/shared/errors/fault-error';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { QuotaStore } from '../ports/quotas.ts';

export interface ApiCallMeter {
  /** @returns seconds until calls are let through again; null for one that is */
  count(tenant: TenantId): Promise<number | null>;
  /** Adds what is left. */
  stop(): Promise<void>;
}

interface Meter {
  limit: number | null;
  /** Of all servers, when the database was asked. */
  today: number;
  /** Since then, here. */
  calls: number;
  /** Of them, those that are on their way to the database. */
  sent: number;
  day: string;
  usedMs: number;
  adding: Promise<void> | null;
}

const ADD_EVERY_MS = 5_000;
/** A tenant that makes no calls for so long is asked for anew. */
const IDLE_MS = 600_000;
const DAY_MS = 86_400_000;

export function createApiCallMeter(options: {
  readonly store: Pick<QuotaStore, 'addApiCalls'>;
  readonly clock: Clock;
  readonly now: () => Date;
  readonly log: Logger;
}): ApiCallMeter {
  const { store, clock, now, log } = options;
  const meters = new Map<TenantId, Meter>();
  let cancel: (() => void) | null = null;
  let isStopped = false;

  const today = (): string => now().toISOString().slice(0, 10);

  const add = (tenant: TenantId, meter: Meter): Promise<void> => {
    meter.adding ??= (async () => {
      const { calls, day } = meter;
      meter.calls = 0;
      meter.sent = calls;
      try {
        const answer = await store.addApiCalls(tenant, calls);
        Object.assign(meter, answer);
        // Over midnight: what was counted was yesterday's.
        if (today() !== day) meter.day = today();
      } catch (error) {
        // Counted next time; a database that is away lets no call do anything anyway.
        meter.calls += calls;
        log.debug('API calls could not be counted', { code: toFault(error).code });
      } finally {
        meter.sent = 0;
        meter.adding = null;
      }
    })();
    return meter.adding;
  };

  const addAll = async (): Promise<void> => {
    for (const [tenant, meter] of meters) {
      if (meter.calls > 0) await add(tenant, meter);
      else if (clock.monotonicMs() - meter.usedMs > IDLE_MS) meters.delete(tenant);
    }
  };

  const arm = (): void => {
    if (cancel !== null || isStopped) return;
    cancel = clock.schedule(ADD_EVERY_MS, () => {
      cancel = null;
      void addAll().then(() => {
        if (meters.size > 0) arm();
      });
    });
  };

  const meterOf = async (tenant: TenantId): Promise<Meter> => {
    const known = meters.get(tenant);
    if (known?.day === today()) return known;
    const meter = known ?? {
      limit: null,
      today: 0,
      calls: 0,
      sent: 0,
      day: today(),
      usedMs: 0,
      adding: null,
    };
    meters.set(tenant, meter);
    await add(tenant, meter);
    return meter;
  };

  return {
    count: async (tenant) => {
      const meter = await meterOf(tenant);
      meter.usedMs = clock.monotonicMs();
      arm();
      if (meter.limit !== null && meter.today + meter.sent + meter.calls >= meter.limit)
        return secondsLeft(now());
      meter.calls += 1;
      return null;
    },
    stop: async () => {
      isStopped = true;
      cancel?.();
      cancel = null;
      for (const { adding } of meters.values()) await adding;
      await addAll();
    },
  };
}

/** Until midnight, UTC. */
function secondsLeft(at: Date): number {
  return Math.max(1, Math.ceil((DAY_MS - (at.getTime() % DAY_MS)) / 1000));
}
