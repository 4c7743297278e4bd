/**
 * Limits of tenants on what is fetched. A tenant over one is delayed, and says so; nothing is lost: its mailbox is the queue, and
 * fetching goes on by itself, the next day, or when something was removed or the operator grants more.
 *
 * The ledger knows what came, over all instances; it is asked every few seconds, and what this instance fetches in between is added.
 * So a limit is exact for one instance, and several go over it by what each fetches between two looks at most.
 */
import type { TenantId } from '@mailstream/shared/domain/ids';
import { jittered, type Clock } from '@mailstream/shared/domain/time';
import { QUOTA_CODES } from '@mailstream/shared/domain/quota';
import { toFault } from '@mailstream/shared/errors/fault-error';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import type { Ledger } from './ports/ledger.ts';
import type { IngestLimitsOfTenant, IngestUse, QuotaStore } from './ports/quotas.ts';

export interface TenantQuotas extends Service {
  /** Code of the limit that is reached, else null. Costs nothing: it is asked before every run. */
  heldBy(tenant: TenantId): string | null;
  /** Messages that may be fetched before a limit is reached, at least 1; Infinity without a limit. */
  room(tenant: TenantId): number;
  /** These came into the ledger now. */
  recorded(tenant: TenantId, messages: number, bytes: number): void;
  /** A mailbox of this tenant is ours now: its limits will be asked for. */
  expect(tenant: TenantId): void;
}

export interface TenantQuotasOptions {
  readonly store: QuotaStore;
  /** Whose mailboxes this instance holds. */
  readonly tenants: () => ReadonlySet<TenantId>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'tenantsOverQuota'>;
  /** Fetching was paused for this tenant, goes on, or is paused for another reason. */
  readonly onChange: (tenant: TenantId) => void;
}

interface Known {
  /** Null for a tenant without limits. */
  readonly limits: IngestLimitsOfTenant | null;
  readonly use: IngestUse;
}

const LOOK_MS = 5_000;
/** After the database refused. */
const RETRY_MS = 1_000;
const JITTER = 0.1;
const NOTHING: IngestUse = { messagesToday: 0, storedBytes: 0 };

export function createTenantQuotas(options: TenantQuotasOptions): TenantQuotas {
  const { store, clock, log, metrics } = options;
  const known = new Map<TenantId, Known>();
  /** Of this instance, since the ledger was asked. */
  const since = new Map<TenantId, IngestUse>();
  const expected = new Set<TenantId>();
  const told = new Map<TenantId, string>();
  let cancel: (() => void) | null = null;
  let looking: Promise<void> = Promise.resolve();
  let isStopped = true;

  const useOf = (tenant: TenantId): IngestUse => add(known.get(tenant)?.use ?? NOTHING, since.get(tenant));

  const heldBy = (tenant: TenantId): string | null => {
    const limits = known.get(tenant)?.limits ?? null;
    if (limits === null) return null;
    const use = useOf(tenant);
    if (limits.messagesPerDay !== null && use.messagesToday >= limits.messagesPerDay)
      return QUOTA_CODES.messagesPerDay;
    if (limits.storageBytes !== null && use.storedBytes >= limits.storageBytes)
      return QUOTA_CODES.storageBytes;
    return null;
  };

  const tell = (tenant: TenantId): void => {
    const code = heldBy(tenant);
    const before = told.get(tenant) ?? null;
    if (code === before) return;
    if (code === null) told.delete(tenant);
    else told.set(tenant, code);
    if (code === null)
      log.info('fetching goes on', { kind: 'quota', tenantId: tenant, previousState: before });
    else log.warn('fetching pauses', { kind: 'quota', tenantId: tenant, code });
    for (const quota of [QUOTA_CODES.messagesPerDay, QUOTA_CODES.storageBytes])
      metrics.tenantsOverQuota.set(
        { code: quota },
        [...told.values()].filter((held) => held === quota).length,
      );
    options.onChange(tenant);
  };

  /** @returns milliseconds until the next one */
  const look = async (): Promise<number> => {
    const tenants = new Set([...options.tenants(), ...expected]);
    for (const tenant of [...known.keys(), ...told.keys()]) if (!tenants.has(tenant)) forget(tenant);
    const nextMs = jittered(LOOK_MS, JITTER, options.random());
    if (tenants.size === 0) return nextMs;
    try {
      const limited = await store.limited([...tenants]);
      for (const tenant of tenants) {
        const limits = limited.get(tenant) ?? null;
        await lookAt(tenant, limits);
        expected.delete(tenant);
        tell(tenant);
      }
    } catch (error) {
      // What was known last counts; without a database nothing is fetched anyway.
      log.debug('quotas could not be read', { code: toFault(error).code });
      return RETRY_MS;
    }
    // Some came while it looked; each look takes all that there are.
    return expected.size > 0 ? 0 : nextMs;
  };

  const lookAt = async (tenant: TenantId, limits: IngestLimitsOfTenant | null): Promise<void> => {
    const before = since.get(tenant);
    since.delete(tenant);
    try {
      known.set(tenant, { limits, use: limits === null ? NOTHING : await store.use(tenant, limits) });
    } catch (error) {
      since.set(tenant, add(before ?? NOTHING, since.get(tenant)));
      throw error;
    }
  };

  const forget = (tenant: TenantId): void => {
    known.delete(tenant);
    since.delete(tenant);
    tell(tenant);
  };

  const arm = (afterMs: number): void => {
    cancel?.();
    cancel = clock.schedule(afterMs, () => {
      cancel = null;
      // One after the other: a look that was asked for while one is under way follows it.
      looking = looking.then(async () => {
        const nextMs = await look();
        if (!isStopped && cancel === null) arm(nextMs);
      });
    });
  };

  return {
    heldBy,
    room: (tenant) => {
      const entry = known.get(tenant);
      // Not known yet: one message does no harm.
      if (entry === undefined) return 1;
      const limit = entry.limits?.messagesPerDay ?? null;
      return limit === null ? Infinity : Math.max(1, limit - useOf(tenant).messagesToday);
    },
    recorded: (tenant, messages, bytes) => {
      since.set(tenant, add({ messagesToday: messages, storedBytes: bytes }, since.get(tenant)));
      tell(tenant);
    },
    expect: (tenant) => {
      if (known.has(tenant) || expected.has(tenant)) return;
      expected.add(tenant);
      if (!isStopped) arm(0);
    },
    ...createService('tenant quotas', {
      start: () => {
        isStopped = false;
        for (const code of [QUOTA_CODES.messagesPerDay, QUOTA_CODES.storageBytes])
          metrics.tenantsOverQuota.set({ code }, 0);
        arm(0);
        return Promise.resolve();
      },
      stop: async () => {
        isStopped = true;
        cancel?.();
        cancel = null;
        await looking;
      },
    }),
  };
}

/** A ledger that tells what it recorded. */
export function countedLedger(ledger: Ledger, quotas: Pick<TenantQuotas, 'recorded'>): Ledger {
  return {
    ...ledger,
    async recordBatch(folder, term, batch) {
      const result = await ledger.recordBatch(folder, term, batch);
      if (result.kind === 'stored') {
        const bytes = batch.messages.reduce(
          (sum, { size, storageKey }) => sum + (storageKey === null ? 0 : size),
          0,
        );
        quotas.recorded(folder.tenant, batch.messages.length, bytes);
      }
      return result;
    },
  };
}

function add(one: IngestUse, other: IngestUse = NOTHING): IngestUse {
  return {
    messagesToday: one.messagesToday + other.messagesToday,
    storedBytes: one.storedBytes + other.storedBytes,
  };
}
