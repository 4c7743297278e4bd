/** How fast messages got here and went through lately: times of the ledger and nothing else of it. */
import type { Knex } from 'knex';
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { History, ProviderHistory } from '../contracts/operations.ts';
import { iso } from './page-cursor.ts';

/** As many buckets as a chart can show. */
const BUCKETS = 60;

interface BucketRow {
  readonly at: Date;
  readonly received: number;
  readonly processed: number;
  readonly arrival: readonly number[] | null;
  readonly publish: readonly number[] | null;
  readonly process: readonly number[] | null;
}

const percentiles = (column: string): string =>
  `percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM m.${column} - m.received_at) * 1000)
     FILTER (WHERE m.${column} >= m.received_at)`;

/**
 * Milliseconds from the arrival at the mail server to the record, of `inbound_messages r` in `email_providers p`. Older mail that was asked
 * for is left out, and a clock that is ahead of ours gives nothing below zero.
 */
const ARRIVAL = `CASE WHEN r.internal_date >= p.created_at
  THEN greatest(0, extract(epoch FROM r.received_at - r.internal_date) * 1000)::float8 END`;
const ARRIVAL_PERCENTILES =
  'percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY m.arrival) FILTER (WHERE m.arrival IS NOT NULL)';

/** Tenant by tenant, so that the index of each one's times is used. */
const HISTORY = `
  WITH steps AS (
    SELECT generate_series(date_bin(?::interval, now(), 'epoch') - ?::interval * (? - 1), now(), ?::interval) AS at
  ), owners AS (SELECT DISTINCT tenant FROM email_providers)
  SELECT s.at, count(m.received_at) AS received, count(m.processed_at) AS processed,
         ${ARRIVAL_PERCENTILES} AS arrival,
         ${percentiles('published_at')} AS publish, ${percentiles('processed_at')} AS process
    FROM steps s
    LEFT JOIN (
           SELECT i.* FROM owners o CROSS JOIN LATERAL (
             SELECT r.received_at, r.published_at, r.processed_at, ${ARRIVAL} AS arrival
               FROM inbound_messages r JOIN email_providers p ON p.tenant = r.tenant AND p.id = r.provider_id
              WHERE r.tenant = o.tenant AND r.received_at >= now() - ?::interval * ?) i) m
      ON date_bin(?::interval, m.received_at, 'epoch') = s.at
   GROUP BY s.at ORDER BY s.at`;

const PROVIDER_HISTORY = `
  WITH steps AS (
    SELECT generate_series(date_bin(CAST(:step AS interval), now(), 'epoch') - CAST(:step AS interval) * (:count - 1), now(), CAST(:step AS interval)) AS at
  )
  SELECT s.at, count(m.received_at) AS received, ${ARRIVAL_PERCENTILES} AS arrival
    FROM steps s
    LEFT JOIN (
           SELECT r.received_at, ${ARRIVAL} AS arrival
             FROM inbound_messages r JOIN email_providers p ON p.tenant = r.tenant AND p.id = r.provider_id
            WHERE r.tenant = :tenant AND r.provider_id = :id AND r.received_at >= now() - CAST(:step AS interval) * :count) m
      ON date_bin(CAST(:step AS interval), m.received_at, 'epoch') = s.at
   GROUP BY s.at ORDER BY s.at`;

/** Each by its partial index. */
const WAITING = `
  SELECT r.count AS received, p.count AS published, extract(epoch FROM now() - least(r.oldest, p.oldest))::float8 AS oldest
    FROM (SELECT count(*), min(received_at) AS oldest FROM inbound_messages WHERE status = 'received') r,
         (SELECT count(*), min(received_at) AS oldest FROM inbound_messages WHERE status = 'published') p`;

export async function readHistory(trx: Knex.Transaction, minutes: number): Promise<History> {
  const stepSeconds = Math.max(10, Math.round((minutes * 60) / BUCKETS));
  const step = `${stepSeconds} seconds`;
  const count = Math.round((minutes * 60) / stepSeconds);
  const { rows } = await trx.raw<{ rows: BucketRow[] }>(HISTORY, [
    step,
    step,
    count,
    step,
    step,
    count,
    step,
  ]);
  const waiting = await trx.raw<{
    rows: [{ received: number; published: number; oldest: number | null }];
  }>(WAITING);
  const { received, published, oldest } = waiting.rows[0];
  return {
    stepSeconds,
    buckets: rows.map((row) => ({
      at: iso(row.at),
      received: Number(row.received),
      processed: Number(row.processed),
      arrivalMs: pair(row.arrival),
      publishMs: pair(row.publish),
      processMs: pair(row.process),
    })),
    waiting: {
      toPublish: Number(received),
      toProcess: Number(published),
      oldestSeconds: oldest === null ? null : Math.round(oldest),
    },
  };
}

/** Of one mailbox that is there. */
export async function readProviderHistory(
  trx: Knex.Transaction,
  mailbox: { readonly tenant: TenantId; readonly id: ProviderId },
  hours: number,
): Promise<ProviderHistory> {
  const stepSeconds = (hours * 3600) / BUCKETS;
  const { rows } = await trx.raw<{ rows: Omit<BucketRow, 'processed' | 'publish' | 'process'>[] }>(
    PROVIDER_HISTORY,
    { ...mailbox, step: `${stepSeconds} seconds`, count: BUCKETS },
  );
  return {
    stepSeconds,
    buckets: rows.map((row) => ({
      at: iso(row.at),
      received: Number(row.received),
      arrivalMs: pair(row.arrival),
    })),
  };
}

function pair(values: readonly number[] | null): { p50: number; p95: number } | null {
  const [p50, p95] = values ?? [];
  return p50 === undefined || p95 === undefined ? null : { p50: Math.round(p50), p95: Math.round(p95) };
}
