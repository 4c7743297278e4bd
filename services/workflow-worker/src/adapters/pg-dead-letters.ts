/**
 * Dead letters in PostgreSQL: one row per event, in one transaction with the note in the ledger. An entry of which we cannot tell
 * whose it is goes to a table of its own, which belongs to no tenant.
 */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { sqlState } from '@mailstream/shared/db/database-faults';
import { tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import type { DeadLetter, DeadLetters, RequestedReplay, StreamEntry } from '../ports.ts';

const FOREIGN_KEY_VIOLATION = '23503';

/**
 * The same entry once more changes nothing. Another entry of the event, from a replay or from the daemon's reconciliation, is a new
 * failure of the same letter.
 */
const KEEP = `
INSERT INTO dead_letters AS d (tenant, event_id, source, stream, entry_id, entry, code, detail, attempts, history)
VALUES (:tenant, :eventId, 'worker', :stream, :entryId, :entry, :code, :detail, :attempts, CAST(:history AS jsonb))
ON CONFLICT (tenant, event_id) DO UPDATE
   SET source = 'worker', state = 'open', stream = excluded.stream, entry_id = excluded.entry_id, entry = excluded.entry,
       code = excluded.code, detail = excluded.detail, attempts = d.attempts + excluded.attempts,
       history = d.history || excluded.history, last_at = now(), updated_at = now()
 WHERE (d.stream, d.entry_id) IS DISTINCT FROM (excluded.stream, excluded.entry_id)`;

const NOTE = `
UPDATE inbound_messages SET status = 'dead_letter', reason = :reason, updated_at = now()
 WHERE tenant = :tenant AND event_id = :eventId AND status IN ('received', 'published')`;

/** The daemon's reconciliation must find the new entry, or it would publish the event a third time. */
const REPLAYED = `
WITH done AS (
  UPDATE dead_letters SET state = 'replayed', replays = replays + 1, replay_entry_id = :entryId, updated_at = now()
   WHERE tenant = :tenant AND event_id = :eventId AND state = 'replaying' AND replay_id = :replayId
  RETURNING event_id)
UPDATE inbound_messages m
   SET status = 'published', reason = NULL, stream_entry_id = :entryId, published_at = now(), updated_at = now()
  FROM done
 WHERE m.tenant = :tenant AND m.event_id = done.event_id AND m.status = 'dead_letter'`;

export function createPgDeadLetters(database: Database): DeadLetters {
  return {
    keep: async (entry, identity, letter) => {
      if (identity === null) return keepStray(database, entry, letter);
      try {
        return await database.withTenant(identity.tenant, (trx) => keep(trx, entry, identity, letter));
      } catch (error) {
        // The entry names a tenant that there is not.
        if (sqlState(error) === FOREIGN_KEY_VIOLATION) return keepStray(database, entry, letter);
        throw error;
      }
    },
    requested: async (limit) => {
      const found = await database.asDaemon<{ tenant: string; event_id: string }[]>(async (trx) =>
        trx('dead_letters')
          .where({ state: 'replaying' })
          .orderBy('replay_requested_at')
          .limit(limit)
          .select('tenant', 'event_id'),
      );
      const replays: RequestedReplay[] = [];
      for (const row of found) {
        const replay = await requestedReplay(database, tenantId(row.tenant), row.event_id);
        if (replay !== null) replays.push(replay);
      }
      return replays;
    },
    replayed: async ({ tenant, eventId, replayId }, entryId) => {
      await database.withTenant(tenant, (trx) => trx.raw(REPLAYED, { tenant, eventId, replayId, entryId }));
    },
    countOpen: () =>
      database.asDaemon(async (trx) => {
        const row = await trx('dead_letters').where({ state: 'open' }).count({ count: '*' }).first();
        return Number(row?.['count'] ?? 0);
      }),
  };
}

async function keep(
  trx: Knex.Transaction,
  { stream, id, fields }: StreamEntry,
  { tenant, eventId }: { readonly tenant: TenantId; readonly eventId: string },
  { code, detail, attempts, past, isUntouchable = false }: DeadLetter,
): Promise<'kept' | 'processed'> {
  const gate = await trx('email_processed_messages').where({ tenant, event_id: eventId }).first('event_id');
  if (gate !== undefined) return 'processed';
  await trx.raw(KEEP, {
    tenant,
    eventId,
    stream,
    entryId: id,
    entry: isUntouchable ? null : JSON.stringify(fields),
    code,
    detail,
    attempts,
    history: JSON.stringify(past),
  });
  await trx.raw(NOTE, { tenant, eventId, reason: `${code}: ${detail}` });
  return 'kept';
}

async function keepStray(
  database: Database,
  { stream, id, fields }: StreamEntry,
  { code, detail }: DeadLetter,
): Promise<'kept'> {
  await database.asDaemon((trx) =>
    trx.raw(
      `INSERT INTO stray_dead_letters (stream, entry_id, entry, code, detail)
       VALUES (:stream, :id, :entry, :code, :detail) ON CONFLICT DO NOTHING`,
      { stream, id, entry: JSON.stringify(fields), code, detail },
    ),
  );
  return 'kept';
}

async function requestedReplay(
  database: Database,
  tenant: TenantId,
  eventId: string,
): Promise<RequestedReplay | null> {
  const row = await database.withTenant(tenant, async (trx) =>
    trx('dead_letters')
      .where({ tenant, event_id: eventId, state: 'replaying' })
      .whereNotNull('entry')
      .first<{ stream: string; entry: string; replay_id: string } | undefined>(
        'stream',
        'entry',
        'replay_id',
      ),
  );
  if (row === undefined) return null;
  const fields = JSON.parse(row.entry) as readonly string[];
  return { tenant, eventId, replayId: row.replay_id, stream: row.stream, fields };
}
