/**
 * Dead letters as people see them and what they can ask for. Nothing is sent from here: a replay is a row that a worker finds, or a
 * row of the ledger that the daemon publishes again, decided in the transaction that looked at the letter.
 */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { sqlState } from '@mailstream/shared/db/database-faults';
import { notifyProvider } from '@mailstream/shared/db/notices';
import { providerId, type TenantId } from '@mailstream/shared/domain/ids';
import type { ReplayRequest, ReplayResult } from '../contracts/dead-letters.ts';
import type { Actor, DeadLetterStore } from '../ports.ts';
import { errorHint, errorText } from '../use-cases/status-text.ts';
import {
  type EntryRow,
  type LetterRow,
  lettersOf,
  listedLetters,
  toLetter,
  toLetterDetail,
} from './dead-letter-view.ts';
import { iso, toPage } from './page-cursor.ts';

/** Letters of one request to replay many. */
const MOST_AT_ONCE = 10_000;
/** After so long a replay that nothing was heard of may be asked for again. */
const STALE_AFTER_MS = 15 * 60_000;
const MOST_STRAYS = 200;

/** The daemon locks mailbox before message, we the other way round; whoever is told to give way does it again. */
const DEADLOCK = '40P01';
const RUNS = 3;

export function createDeadLetterStore(database: Database): DeadLetterStore {
  const inTenant = async <T>(tenant: TenantId, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> => {
    for (let run = 1; ; run += 1) {
      try {
        return await database.withTenant(tenant, work);
      } catch (error) {
        if (run >= RUNS || sqlState(error) !== DEADLOCK) throw error;
      }
    }
  };
  return {
    list: (tenant, query) =>
      database.withTenant(tenant, async (trx) =>
        toPage(await listedLetters(trx, tenant, query), query.limit, toLetter, (row) => [
          row.exact_last_at,
          row.event_id,
        ]),
      ),

    get: (tenant, eventId) =>
      database.withTenant(tenant, async (trx) => {
        const [row] = await lettersOf(trx, tenant, { eventIds: [eventId] });
        if (row === undefined) return null;
        const kept = await trx('dead_letters')
          .where({ tenant, event_id: eventId })
          .first<EntryRow | undefined>('stream', 'entry_id', 'replay_entry_id', 'history', 'entry');
        return toLetterDetail(row, kept ?? null);
      }),

    rawKey: (tenant, eventId) =>
      database.withTenant(tenant, async (trx) => {
        const [row] = await lettersOf(trx, tenant, { eventIds: [eventId] });
        return row?.storage_key ?? null;
      }),

    replay: (actor, request, { dryRun }) =>
      inTenant(actor.tenant, async (trx) => {
        const found = await chosen(trx, actor.tenant, request);
        const result = sort(found);
        const { eventIds } = request;
        if (dryRun) return { ...result.counts, dryRun };
        await replayByWorker(trx, actor.tenant, result.byWorker);
        await replayByDaemon(trx, actor, result.byDaemon);
        const subject = eventIds?.length === 1 ? (eventIds[0] ?? '') : 'many';
        if (result.counts.replayed > 0)
          await audit(trx, actor, 'dead_letter.replayed', subject, { ...request, ...result.counts });
        return { ...result.counts, dryRun };
      }),

    discard: (actor, eventId, reason) =>
      database.withTenant(actor.tenant, async (trx) => {
        const { tenant } = actor;
        await lockLetters(trx, tenant, [eventId]);
        const [row] = await lettersOf(trx, tenant, { eventIds: [eventId] });
        if (row === undefined) return 'notFound';
        if (row.state === 'discarded') return 'discarded';
        if (row.state !== 'open') return row.state;
        await keepRow(trx, tenant, row, { state: 'discarded', discard_reason: reason });
        await audit(trx, actor, 'dead_letter.discarded', eventId, { reason });
        return 'discarded';
      }),

    strays: () =>
      database.asDaemon(async (trx) => {
        const rows: { stream: string; entry_id: string; code: string; detail: string; at: Date }[] =
          await trx('stray_dead_letters')
            .select('stream', 'entry_id', 'code', 'detail', 'at')
            .orderBy('at', 'desc')
            .limit(MOST_STRAYS);
        return rows.map(({ stream, entry_id: entryId, code, detail, at }) => ({
          stream,
          entryId,
          code,
          text: errorText(code) ?? 'This entry could not be read.',
          hint: errorHint(code),
          detail,
          at: iso(at),
        }));
      }),
  };
}

/** Locked first, so that two requests for one letter come one after the other; then looked at as it is by now. */
async function chosen(
  trx: Knex.Transaction,
  tenant: TenantId,
  { eventIds, ...filter }: ReplayRequest,
): Promise<{ readonly rows: readonly LetterRow[]; readonly remaining: number }> {
  // Named letters are meant, whatever became of them; a filter does not touch what was discarded or is done.
  const which =
    eventIds === undefined ? { ...filter, states: ['open', 'replaying'] as const } : { ...filter, eventIds };
  const ids = (
    await lettersOf(trx, tenant, which)
      .orderBy('x.last_at')
      .limit(MOST_AT_ONCE + 1)
  ).map((row) => row.event_id);
  const taken = ids.slice(0, MOST_AT_ONCE);
  await lockLetters(trx, tenant, taken);
  const rows = taken.length === 0 ? [] : await lettersOf(trx, tenant, { eventIds: taken });
  return { rows, remaining: ids.length - taken.length };
}

/** The ledger's rows too: a letter of the daemon that nobody has touched has no other. */
async function lockLetters(
  trx: Knex.Transaction,
  tenant: TenantId,
  eventIds: readonly string[],
): Promise<void> {
  for (const table of ['dead_letters', 'inbound_messages'])
    await trx(table)
      .where({ tenant })
      .whereIn('event_id', [...eventIds])
      .orderBy('event_id')
      .forUpdate()
      .select('event_id');
}

interface Sorted {
  readonly byWorker: readonly LetterRow[];
  readonly byDaemon: readonly LetterRow[];
  readonly counts: Omit<ReplayResult, 'dryRun'>;
}

function sort({
  rows,
  remaining,
}: {
  readonly rows: readonly LetterRow[];
  readonly remaining: number;
}): Sorted {
  const byWorker: LetterRow[] = [];
  const byDaemon: LetterRow[] = [];
  const skipped = { hasEffect: 0, alreadyReplaying: 0, notReplayable: 0 };
  const codes = new Map<string, number>();
  for (const row of rows) {
    if (row.state === 'replayed') skipped.hasEffect += 1;
    else if (row.state === 'replaying' && !isStale(row)) skipped.alreadyReplaying += 1;
    else if (!row.has_entry && row.storage_key === null) skipped.notReplayable += 1;
    else {
      (row.has_entry ? byWorker : byDaemon).push(row);
      codes.set(row.code, (codes.get(row.code) ?? 0) + 1);
    }
  }
  const byCode = [...codes].map(([code, count]) => ({ code, count }));
  const replayed = byWorker.length + byDaemon.length;
  return {
    byWorker,
    byDaemon,
    counts: { matched: rows.length, replayed, byCode, skipped, remaining },
  };
}

function isStale({ replay_requested_at: at }: LetterRow): boolean {
  return at === null || Date.now() - at.getTime() > STALE_AFTER_MS;
}

async function replayByWorker(
  trx: Knex.Transaction,
  tenant: TenantId,
  rows: readonly LetterRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await trx('dead_letters')
    .where({ tenant })
    .whereIn(
      'event_id',
      rows.map((row) => row.event_id),
    )
    .update({
      state: 'replaying',
      replay_id: trx.raw('gen_random_uuid()'),
      replay_requested_at: trx.fn.now(),
      discard_reason: null,
      updated_at: trx.fn.now(),
    });
}

/**
 * The ledger's row becomes one that is published and has no entry in the stream, which is what the daemon's reconciliation looks for:
 * it reads the original again, numbers it anew and publishes it. An audit is asked for as well, because
 * after one the folder's next look compares ledger and stream.
 */
async function replayByDaemon(
  trx: Knex.Transaction,
  actor: Actor,
  rows: readonly LetterRow[],
): Promise<void> {
  const { tenant } = actor;
  for (const row of rows)
    await keepRow(trx, tenant, row, {
      state: 'replayed',
      discard_reason: null,
      replays: row.replays + 1,
      replay_requested_at: trx.fn.now(),
    });
  if (rows.length === 0) return;
  await trx('inbound_messages')
    .where({ tenant, status: 'dead_letter' })
    .whereIn(
      'event_id',
      rows.map((row) => row.event_id),
    )
    .update({
      status: 'published',
      reason: null,
      publish_seq: trx.raw('greatest(publish_seq, 1)'),
      stream_entry_id: null,
      published_at: trx.fn.now(),
      updated_at: trx.fn.now(),
    });
  for (const id of new Set(rows.map((row) => row.provider_id))) {
    if (id === null) continue;
    await trx('imap_email_provider_config')
      .where({ tenant, email_provider_id: id })
      .update({
        audit_version: trx.raw('audit_version + 1'),
        audit_requested_at: trx.fn.now(),
        audit_requested_by_type: actor.kind,
        audit_requested_by_id: actor.id,
      });
    await notifyProvider(trx, tenant, providerId(id));
  }
}

/** Also for a letter of the daemon, which has no row of its own before. */
async function keepRow(
  trx: Knex.Transaction,
  tenant: TenantId,
  row: LetterRow,
  change: Readonly<Record<string, unknown>>,
): Promise<void> {
  const updated = await trx('dead_letters')
    .where({ tenant, event_id: row.event_id })
    .update({ ...change, updated_at: trx.fn.now() });
  if (updated > 0) return;
  await trx('dead_letters').insert({
    tenant,
    event_id: row.event_id,
    source: row.source,
    code: row.code,
    detail: row.detail,
    attempts: row.attempts,
    first_at: row.first_at,
    last_at: row.last_at,
    ...change,
  });
}

async function audit(
  trx: Knex.Transaction,
  actor: Actor,
  action: string,
  subject: string,
  after: Readonly<Record<string, unknown>>,
): Promise<void> {
  await trx('audit_log').insert({
    tenant: actor.tenant,
    id: randomUUID(),
    actor_type: actor.kind,
    actor_id: actor.id,
    action,
    subject_type: 'dead_letter',
    subject_id: subject,
    before: null,
    after: JSON.stringify(after),
  });
}
