/** Limits of tenants and what they use, in PostgreSQL. All functions but `loadQuotas` are parts of a transaction of the tenant. */
import type { Knex } from 'knex';
import { type TenantId, tenantId } from '../domain/ids.ts';
import { NO_QUOTA, type QuotaKind, type TenantQuota } from '../domain/quota.ts';

const COLUMNS: Readonly<Record<QuotaKind, string>> = {
  mailboxes: 'mailboxes',
  folders: 'folders',
  messagesPerDay: 'messages_per_day',
  storageBytes: 'storage_bytes',
  apiCallsPerDay: 'api_calls_per_day',
};
const SELECTED = Object.entries(COLUMNS).map(([kind, column]) => `${column} AS "${kind}"`);
/** The day that it is now, and when it began, by the database's clock. */
const TODAY = `CAST(now() AT TIME ZONE 'UTC' AS date)`;
const DAY_BEGAN = `date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'`;

type QuotaRow = TenantQuota & { readonly tenant: string };

/** `NO_QUOTA` where no operator set any. */
export async function loadQuota(trx: Knex.Transaction, tenant: TenantId): Promise<TenantQuota> {
  const row: unknown = await trx('tenant_quotas')
    .where({ tenant })
    .first(trx.raw(SELECTED.join(', ')));
  return row === undefined ? NO_QUOTA : (row as TenantQuota);
}

/** Of these tenants, those that have limits. In a transaction of the daemon's role. */
export async function loadQuotas(
  trx: Knex.Transaction,
  tenants: readonly TenantId[],
): Promise<ReadonlyMap<TenantId, TenantQuota>> {
  const { rows } = await trx.raw<{ rows: QuotaRow[] }>(
    `SELECT tenant, ${SELECTED.join(', ')} FROM tenant_quotas WHERE tenant = ANY (CAST(? AS uuid[]))`,
    [[...tenants]],
  );
  return new Map(rows.map(({ tenant, ...quota }) => [tenantId(tenant), quota]));
}

/** Sets what is given and leaves the rest. In a transaction of the daemon's role. */
export async function saveQuota(
  trx: Knex.Transaction,
  tenant: TenantId,
  change: Partial<TenantQuota>,
): Promise<void> {
  const columns = Object.fromEntries(
    Object.entries(change).map(([kind, value]) => [COLUMNS[kind as QuotaKind], value]),
  );
  await trx('tenant_quotas')
    .insert({ tenant, ...columns, updated_at: trx.fn.now() })
    .onConflict('tenant')
    .merge([...Object.keys(columns), 'updated_at']);
}

/** Mailboxes and the folders that they watch, whether they are switched on or not. */
export async function mailboxUse(
  trx: Knex.Transaction,
  tenant: TenantId,
): Promise<{ readonly mailboxes: number; readonly folders: number }> {
  const { rows } = await trx.raw<{ rows: { mailboxes: number; folders: number }[] }>(
    `SELECT count(*) AS mailboxes, coalesce(sum(greatest(jsonb_array_length(folder_filters), 1)), 0)::bigint AS folders
       FROM imap_email_provider_config WHERE tenant = ?`,
    [tenant],
  );
  return { mailboxes: Number(rows[0]?.mailboxes ?? 0), folders: Number(rows[0]?.folders ?? 0) };
}

/**
 * Messages that came into the ledger today.
 * @param atMost counts no further than that; null counts all
 */
export async function messagesToday(
  trx: Knex.Transaction,
  tenant: TenantId,
  atMost: number | null,
): Promise<number> {
  const { rows } = await trx.raw<{ rows: { count: number }[] }>(
    `SELECT count(*) AS count
       FROM (SELECT FROM inbound_messages WHERE tenant = :tenant AND received_at >= ${DAY_BEGAN} LIMIT :atMost) AS today`,
    { tenant, atMost },
  );
  return Number(rows[0]?.count ?? 0);
}

/**
 * Bytes of the originals of all messages in the ledger. Counts what came since the last count, and once a day everything, so that what
 * was removed is seen.
 */
export async function storedBytes(trx: Knex.Transaction, tenant: TenantId): Promise<number> {
  const { rows } = await trx.raw<{
    rows: { known: number; counted_until: string | null; since: number; settled: number; is_due: boolean }[];
  }>(
    // Rows become visible some time after their received_at: only what is two minutes old is counted for good.
    `WITH known AS (
       SELECT bytes, counted_until FROM tenant_stored_bytes
        WHERE tenant = :tenant AND recounted_at > now() - interval '1 day'
     )
     SELECT coalesce((SELECT bytes FROM known), 0) AS known, (SELECT counted_until FROM known)::text AS counted_until,
            coalesce(sum(m.size), 0)::bigint AS since,
            coalesce(sum(m.size) FILTER (WHERE m.received_at <= now() - interval '2 minutes'), 0)::bigint AS settled,
            coalesce((SELECT counted_until FROM known) < now() - interval '10 minutes', true) AS is_due
       FROM inbound_messages m
      WHERE m.tenant = :tenant AND m.storage_key IS NOT NULL
        AND m.received_at > coalesce((SELECT counted_until FROM known), '-infinity')`,
    { tenant },
  );
  const [row] = rows;
  if (row === undefined) return 0;
  if (row.is_due) await settle(trx, tenant, row);
  return Number(row.known) + Number(row.since);
}

async function settle(
  trx: Knex.Transaction,
  tenant: TenantId,
  row: { readonly known: number; readonly counted_until: string | null; readonly settled: number },
): Promise<void> {
  const isRecount = row.counted_until === null;
  await trx.raw(
    `INSERT INTO tenant_stored_bytes AS s (tenant, bytes, counted_until, recounted_at)
     VALUES (:tenant, :bytes, now() - interval '2 minutes', now())
         ON CONFLICT (tenant) DO UPDATE
        SET bytes = excluded.bytes, counted_until = excluded.counted_until,
            recounted_at = CASE WHEN CAST(:isRecount AS boolean) THEN now() ELSE s.recounted_at END
      -- Whoever counted in between knows better.
      WHERE CAST(:isRecount AS boolean) OR s.counted_until = CAST(:countedUntil AS timestamptz)`,
    {
      tenant,
      bytes: Number(row.known) + Number(row.settled),
      isRecount,
      countedUntil: row.counted_until,
    },
  );
}

/** Adds calls of the API to those of today. @returns all of today, over all servers */
export async function addApiCalls(trx: Knex.Transaction, tenant: TenantId, calls: number): Promise<number> {
  if (calls === 0) {
    const { rows } = await trx.raw<{ rows: { calls: number }[] }>(
      `SELECT calls FROM tenant_api_calls WHERE tenant = ? AND day = ${TODAY}`,
      [tenant],
    );
    return Number(rows[0]?.calls ?? 0);
  }
  const { rows } = await trx.raw<{ rows: { calls: number }[] }>(
    `INSERT INTO tenant_api_calls AS c (tenant, day, calls) VALUES (:tenant, ${TODAY}, :calls)
         ON CONFLICT (tenant, day) DO UPDATE SET calls = c.calls + excluded.calls
     RETURNING calls`,
    { tenant, calls },
  );
  return Number(rows[0]?.calls ?? 0);
}
