/**
 * The ledger and the cursor in PostgreSQL, changed together, fenced.
 *
 * Every write names (provider, owner, epoch) and touches nothing unless the config row still says so; the row is locked for the
 * length of the statement, so that a takeover waits for it or comes first. `folder_state` is changed by setting one folder's key,
 * never read, changed and written back (DESIGN section 4).
 */
import type { Database } from '@mailstream/shared/db/database';
import {
  decodeFolderState,
  encodeFolderState,
  type FolderState,
} from '@mailstream/shared/domain/folder-state';
import { eventId } from '@mailstream/shared/events/email-received';
import type { Knex } from 'knex';
import type { FolderRef, Term } from '../ports/leases.ts';
import type { FolderReading, Ledger, LedgerRow } from '../ports/ledger.ts';
import { OWNED, PUT_STATE, RAISE_SEQUENCE, RECORD_BATCH } from './pg-ledger-sql.ts';

interface LedgerDbRow {
  readonly uid_validity: number;
  readonly uid: number;
  readonly publish_seq: number;
  readonly content_hash: string | null;
  readonly size: number;
  readonly internal_date: Date | null;
  readonly email_id: string | null;
  readonly reason: string | null;
  readonly storage_key: string | null;
}

export function createPgLedger(database: Database): Ledger {
  return {
    folderState: (folder) => database.withTenant(folder.tenant, (trx) => selectState(trx, folder)),

    readFolder: (folder, wanted) =>
      database.withTenant(folder.tenant, async (trx) => {
        const state = await selectState(trx, folder);
        const part = wanted(state);
        if (part === null) return { state, known: [], unended: new Map() };
        const known = await selectKnownUids(trx, folder, part.uidValidity, part.from);
        return { state, known, unended: await selectUnended(trx, folder, part.uidValidity) };
      }),

    async putFolderState(folder, term, state, expected) {
      const result = await database.withTenant(folder.tenant, (trx) =>
        trx.raw<{ rows: { unchanged: boolean }[] }>(PUT_STATE, {
          ...fence(folder, term),
          expectedValidity: expected?.uidValidity ?? null,
          expectedUid: expected?.lastUid ?? null,
          publishSeq: state.publishSeq,
          state: JSON.stringify(encodeFolderState(state)),
        }),
      );
      const [row] = result.rows;
      if (row === undefined) return { kind: 'fenced' };
      return row.unchanged ? { kind: 'stored' } : { kind: 'changed' };
    },

    async raiseSequence(folder, term, atLeast) {
      const owned = await database.withTenant(folder.tenant, (trx) =>
        trx.raw<{ rows: unknown[] }>(RAISE_SEQUENCE, { ...fence(folder, term), atLeast }),
      );
      return owned.rows.length === 0 ? { kind: 'fenced' } : { kind: 'stored' };
    },

    knownUids: (folder, uidValidity, from, limit) =>
      database.withTenant(folder.tenant, (trx) => selectKnownUids(trx, folder, uidValidity, from, limit)),

    async countAttempts(folder, term, uidValidity, uids) {
      const counted = await database.withTenant(folder.tenant, (trx) =>
        trx.raw<{ rows: unknown[] }>(
          `WITH ${OWNED}, counted AS (
             INSERT INTO ingest_attempts AS a (tenant, provider_id, folder, uid_validity, uid, attempts)
             SELECT CAST(:tenant AS uuid), CAST(:provider AS uuid), :folder, CAST(:uidValidity AS bigint), u.uid, 1
               FROM unnest(CAST(:uids AS bigint[])) AS u (uid) CROSS JOIN owned
             ON CONFLICT (tenant, provider_id, folder, uid_validity, uid)
             DO UPDATE SET attempts = a.attempts + 1, updated_at = now())
           SELECT seq FROM owned`,
          { ...fence(folder, term), uidValidity, uids: [...uids] },
        ),
      );
      return counted.rows.length === 0 ? { kind: 'fenced' } : { kind: 'counted' };
    },

    async countKill(folder, uidValidity, uid) {
      await database.withTenant(folder.tenant, (trx) =>
        trx('ingest_attempts')
          .where({
            tenant: folder.tenant,
            provider_id: folder.id,
            folder: folder.folder,
            uid_validity: uidValidity,
            uid,
          })
          .increment('kills'),
      );
    },

    async forgiveAttempts(folder, uidValidity, uids) {
      if (uids.length === 0) return;
      await database.withTenant(folder.tenant, (trx) =>
        trx.raw(
          `UPDATE ingest_attempts SET attempts = attempts - 1
            WHERE tenant = :tenant AND provider_id = :provider AND folder = :folder AND uid_validity = :uidValidity
              AND uid = ANY (CAST(:uids AS bigint[])) AND attempts > kills`,
          { tenant: folder.tenant, provider: folder.id, folder: folder.folder, uidValidity, uids: [...uids] },
        ),
      );
    },

    async recordBatch(folder, term, batch) {
      const messages = batch.messages.map((message) => ({
        uid: message.uid,
        event_id: eventId({
          tenant: folder.tenant,
          providerId: folder.id,
          folder: folder.folder,
          uidValidity: batch.state.uidValidity,
          uid: message.uid,
        }),
        message_id: message.messageId,
        content_hash: message.contentHash,
        size: message.size,
        internal_date: message.internalDate?.toISOString() ?? null,
        email_id: message.emailId,
        sender: message.sender,
        subject: message.subject,
        status: message.status,
        reason: message.reason,
        storage_key: message.storageKey,
      }));
      const result = await database.withTenant(folder.tenant, (trx) =>
        trx.raw<{
          rows: { previous_seq: number; unchanged: boolean; rows: { uid: number; publishSeq: number }[] }[];
        }>(RECORD_BATCH, {
          ...fence(folder, term),
          uidValidity: batch.state.uidValidity,
          state: JSON.stringify(encodeFolderState(batch.state)),
          expectedValidity: batch.expected.uidValidity,
          expectedUid: batch.expected.lastUid,
          messages: JSON.stringify(messages),
          finished: [...batch.finished],
        }),
      );
      const stored = result.rows[0];
      if (stored === undefined) return { kind: 'fenced' };
      if (!stored.unchanged) return { kind: 'changed' };
      return { kind: 'stored', previousSeq: Number(stored.previous_seq), rows: stored.rows };
    },

    async unmatchedContent(folder, uidValidity, { hashes, emailIds }) {
      const count = async (
        column: 'content_hash' | 'email_id',
        values: readonly string[],
      ): Promise<ReadonlyMap<string, number>> => {
        if (values.length === 0) return new Map();
        const found = await database.withTenant(folder.tenant, (trx) =>
          trx.raw<{ rows: { value: string; open: number }[] }>(
            // Originals of all times, because a matching that was interrupted by the next change left some out; or all of one
            // UIDVALIDITY, because originals may be older than what is kept.
            `SELECT value, greatest(0, greatest(coalesce(max(n) FILTER (WHERE uid_validity <> :uidValidity), 0),
                                                coalesce(sum(n - matched) FILTER (WHERE uid_validity <> :uidValidity), 0))
                                     - coalesce(max(matched) FILTER (WHERE uid_validity = :uidValidity), 0)) AS open
               FROM (SELECT ${column} AS value, uid_validity, count(*) AS n, count(*) FILTER (WHERE reason = 'same_content') AS matched
                       FROM inbound_messages
                      WHERE tenant = :tenant AND provider_id = :provider AND folder = :folder AND ${column} = ANY (CAST(:values AS text[]))
                        AND coalesce(reason, '') <> 'before_baseline'
                      GROUP BY 1, 2) AS counted
              GROUP BY value`,
            {
              tenant: folder.tenant,
              provider: folder.id,
              folder: folder.folder,
              uidValidity,
              values: [...values],
            },
          ),
        );
        return new Map(found.rows.map((row) => [row.value, Number(row.open)]));
      };
      return { byHash: await count('content_hash', hashes), byEmailId: await count('email_id', emailIds) };
    },

    async unpublished(folder, afterSeq, limit) {
      const rows = await database.withTenant(folder.tenant, (trx) =>
        trx('inbound_messages')
          .select<LedgerDbRow[]>(
            'uid_validity',
            'uid',
            'publish_seq',
            'content_hash',
            'size',
            'internal_date',
            'email_id',
            'reason',
            'storage_key',
          )
          .where({ tenant: folder.tenant, provider_id: folder.id, folder: folder.folder, status: 'received' })
          .andWhere('publish_seq', '>', afterSeq)
          .orderBy('publish_seq')
          .limit(limit),
      );
      return rows.map((row) => toLedgerRow(folder, row));
    },

    async unprocessed(folder, afterSeq, limit) {
      const rows = await database.withTenant(folder.tenant, (trx) =>
        trx('inbound_messages')
          .select<
            {
              uid_validity: number;
              uid: number;
              publish_seq: number;
              stream_entry_id: string | null;
              published_at: Date;
            }[]
          >('uid_validity', 'uid', 'publish_seq', 'stream_entry_id', 'published_at')
          .where({
            tenant: folder.tenant,
            provider_id: folder.id,
            folder: folder.folder,
            status: 'published',
          })
          .andWhere('publish_seq', '>', afterSeq)
          .orderBy('publish_seq')
          .limit(limit),
      );
      return rows.map((row) => ({
        tenant: folder.tenant,
        providerId: folder.id,
        folder: folder.folder,
        uidValidity: Number(row.uid_validity),
        uid: Number(row.uid),
        publishSeq: Number(row.publish_seq),
        entryId: row.stream_entry_id,
        publishedAt: row.published_at,
      }));
    },

    async requeue(folder, term, rows) {
      const requeued = await database.withTenant(folder.tenant, (trx) =>
        trx.raw<{ rows: { count: number }[] }>(
          `WITH ${OWNED}, locked AS (
             SELECT m.uid_validity, m.uid, m.publish_seq
               FROM inbound_messages m
               JOIN unnest(CAST(:uidValidities AS bigint[]), CAST(:uids AS bigint[]), CAST(:seqs AS bigint[]))
                    AS v (uid_validity, uid, publish_seq)
                 ON m.uid_validity = v.uid_validity AND m.uid = v.uid AND m.publish_seq = v.publish_seq
               CROSS JOIN owned
              WHERE m.tenant = :tenant AND m.provider_id = :provider AND m.folder = :folder AND m.status = 'published'
                FOR UPDATE OF m
           ), wanted AS (
             SELECT uid_validity, uid, row_number() OVER (ORDER BY publish_seq) AS place FROM locked
           ), again AS (
             UPDATE inbound_messages m
                SET status = 'received', publish_seq = o.seq + w.place, stream_entry_id = NULL, published_at = NULL, updated_at = now()
               FROM wanted w, owned o
              WHERE m.tenant = :tenant AND m.provider_id = :provider AND m.folder = :folder
                AND m.uid_validity = w.uid_validity AND m.uid = w.uid
             RETURNING m.publish_seq
           ), moved AS (
             UPDATE imap_email_provider_config c
                SET folder_state = jsonb_set(c.folder_state, ARRAY[:folder, 'publish_seq'],
                      to_jsonb(CAST(greatest(o.seq, (SELECT max(publish_seq) FROM again)) AS text)))
               FROM owned o
              WHERE c.tenant = :tenant AND c.email_provider_id = :provider)
           SELECT (SELECT count(*) FROM again) AS count FROM owned`,
          {
            ...fence(folder, term),
            uidValidities: rows.map((row) => row.uidValidity),
            uids: rows.map((row) => row.uid),
            seqs: rows.map((row) => row.publishSeq),
          },
        ),
      );
      const [result] = requeued.rows;
      return result === undefined ? { kind: 'fenced' } : { kind: 'stored', count: Number(result.count) };
    },

    async deadLetter(folder, term, row, reason) {
      const owned = await database.withTenant(folder.tenant, (trx) =>
        trx.raw<{ rows: unknown[] }>(
          `WITH ${OWNED}, given_up AS (
             UPDATE inbound_messages m SET status = 'dead_letter', reason = :reason, updated_at = now() FROM owned
              WHERE m.tenant = :tenant AND m.provider_id = :provider AND m.folder = :folder
                AND m.uid_validity = :uidValidity AND m.uid = :uid AND m.status IN ('received', 'published'))
           SELECT seq FROM owned`,
          { ...fence(folder, term), uidValidity: row.uidValidity, uid: row.uid, reason },
        ),
      );
      return owned.rows.length === 0 ? { kind: 'fenced' } : { kind: 'stored' };
    },

    async markPublished(folder, rows) {
      if (rows.length === 0) return;
      await database.withTenant(folder.tenant, (trx) =>
        trx.raw(
          // The worker may have been faster: then only the entry's id is missing.
          `UPDATE inbound_messages m
              SET status = CASE WHEN m.status = 'received' THEN 'published' ELSE m.status END,
                  stream_entry_id = coalesce(v.entry_id, m.stream_entry_id), published_at = coalesce(m.published_at, now()), updated_at = now()
             FROM unnest(CAST(:uidValidities AS bigint[]), CAST(:uids AS bigint[]), CAST(:seqs AS bigint[]), CAST(:entryIds AS text[]))
                  AS v (uid_validity, uid, publish_seq, entry_id)
            WHERE m.tenant = :tenant AND m.provider_id = :provider AND m.folder = :folder
              AND m.uid_validity = v.uid_validity AND m.uid = v.uid AND m.publish_seq = v.publish_seq`,
          {
            tenant: folder.tenant,
            provider: folder.id,
            folder: folder.folder,
            uidValidities: rows.map((row) => row.uidValidity),
            uids: rows.map((row) => row.uid),
            seqs: rows.map((row) => row.publishSeq),
            entryIds: rows.map((row) => row.entryId),
          },
        ),
      );
    },
  };
}

function fence(folder: FolderRef, term: Term): Record<string, string | number> {
  return {
    tenant: folder.tenant,
    provider: folder.id,
    folder: folder.folder,
    owner: term.owner,
    epoch: term.epoch,
  };
}

function toLedgerRow(folder: FolderRef, row: LedgerDbRow): LedgerRow {
  return {
    tenant: folder.tenant,
    providerId: folder.id,
    folder: folder.folder,
    uidValidity: Number(row.uid_validity),
    uid: Number(row.uid),
    publishSeq: Number(row.publish_seq),
    internalDate: row.internal_date,
    emailId: row.email_id,
    reason: row.reason,
    raw:
      row.storage_key === null || row.content_hash === null
        ? null
        : { storageKey: row.storage_key, sha256: row.content_hash, size: Number(row.size) },
  };
}

async function selectState(trx: Knex.Transaction, folder: FolderRef): Promise<FolderState | null> {
  const rows = await trx
    .select<{ state: unknown }[]>(trx.raw('folder_state -> ? AS state', [folder.folder]))
    .from('imap_email_provider_config')
    .where({ tenant: folder.tenant, email_provider_id: folder.id });
  return decodeFolderState(rows[0]?.state);
}

async function selectKnownUids(
  trx: Knex.Transaction,
  folder: FolderRef,
  uidValidity: number,
  from: number,
  limit?: number,
): Promise<readonly number[]> {
  const query = trx('inbound_messages')
    .select<{ uid: number }[]>('uid')
    .where({
      tenant: folder.tenant,
      provider_id: folder.id,
      folder: folder.folder,
      uid_validity: uidValidity,
    })
    .andWhere('uid', '>=', from)
    .orderBy('uid');
  const rows = await (limit === undefined ? query : query.limit(limit));
  return rows.map((row) => Number(row.uid));
}

async function selectUnended(
  trx: Knex.Transaction,
  folder: FolderRef,
  uidValidity: number,
): Promise<FolderReading['unended']> {
  const rows = await trx('ingest_attempts')
    .select<{ uid: number; attempts: number; kills: number }[]>('uid', 'attempts', 'kills')
    .where({
      tenant: folder.tenant,
      provider_id: folder.id,
      folder: folder.folder,
      uid_validity: uidValidity,
    })
    .andWhere('attempts', '>', 0);
  return new Map(rows.map(({ uid, attempts, kills }) => [Number(uid), { kills, crashes: attempts - kills }]));
}
