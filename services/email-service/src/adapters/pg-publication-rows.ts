/**
 * The ledger as far as it is on its way to the stream, in PostgreSQL: the other half of `pg-ledger.ts`, for `FolderPublication`
 * (DESIGN section 5, steps 6 and 7, recovery and reconciliation).
 */
import type { Database } from '@mailstream/shared/db/database';
import type { FolderRef } from '../ports/leases.ts';
import type { Ledger, LedgerRow } from '../ports/ledger.ts';
import { fence, named, OWNED, RAISE_SEQUENCE, SOON_DURABLE } from './pg-ledger-sql.ts';

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

/** What becomes of rows once they are recorded. */
export type PublicationRows = Pick<
  Ledger,
  'raiseSequence' | 'unpublished' | 'unprocessed' | 'requeue' | 'deadLetter' | 'markPublished'
>;

export function createPgPublicationRows(database: Database): PublicationRows {
  return {
    async raiseSequence(folder, term, atLeast) {
      const owned = await database.statement<unknown>(folder.tenant, RAISE_SEQUENCE, {
        ...fence(folder, term),
        atLeast,
      });
      return owned.length === 0 ? { kind: 'fenced' } : { kind: 'stored' };
    },

    async unpublished(folder, afterSeq, limit) {
      const rows = await database.statement<LedgerDbRow>(
        folder.tenant,
        `SELECT uid_validity, uid, publish_seq, content_hash, size, internal_date, email_id, reason, storage_key
           FROM inbound_messages
          WHERE tenant = :tenant AND provider_id = :provider AND folder = :folder AND status = 'received' AND publish_seq > :afterSeq
          ORDER BY publish_seq LIMIT :limit`,
        { ...named(folder), afterSeq, limit },
      );
      return rows.map((row) => toLedgerRow(folder, row));
    },

    async unprocessed(folder, afterSeq, limit) {
      const rows = await database.statement<{
        uid_validity: number;
        uid: number;
        publish_seq: number;
        stream_entry_id: string | null;
        published_at: Date;
      }>(
        folder.tenant,
        `SELECT uid_validity, uid, publish_seq, stream_entry_id, published_at
           FROM inbound_messages
          WHERE tenant = :tenant AND provider_id = :provider AND folder = :folder AND status = 'published' AND publish_seq > :afterSeq
          ORDER BY publish_seq LIMIT :limit`,
        { ...named(folder), afterSeq, limit },
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
      const requeued = await database.statement<{ count: number }>(
        folder.tenant,
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
      );
      const [result] = requeued;
      return result === undefined ? { kind: 'fenced' } : { kind: 'stored', count: Number(result.count) };
    },

    async deadLetter(folder, term, row, reason) {
      const owned = await database.statement<unknown>(
        folder.tenant,
        `WITH ${OWNED}, given_up AS (
             UPDATE inbound_messages m SET status = 'dead_letter', reason = :reason, updated_at = now() FROM owned
              WHERE m.tenant = :tenant AND m.provider_id = :provider AND m.folder = :folder
                AND m.uid_validity = :uidValidity AND m.uid = :uid AND m.status IN ('received', 'published'))
           SELECT seq FROM owned`,
        { ...fence(folder, term), uidValidity: row.uidValidity, uid: row.uid, reason },
      );
      return owned.length === 0 ? { kind: 'fenced' } : { kind: 'stored' };
    },

    async markPublished(folder, rows) {
      if (rows.length === 0) return;
      await database.statement(
        folder.tenant,
        // The worker may have been faster: then only the entry's id is missing.
        `UPDATE inbound_messages m
              SET status = CASE WHEN m.status = 'received' THEN 'published' ELSE m.status END,
                  stream_entry_id = coalesce(v.entry_id, m.stream_entry_id), published_at = coalesce(m.published_at, now()), updated_at = now()
             FROM unnest(CAST(:uidValidities AS bigint[]), CAST(:uids AS bigint[]), CAST(:seqs AS bigint[]), CAST(:entryIds AS text[]))
                  AS v (uid_validity, uid, publish_seq, entry_id)
            WHERE m.tenant = :tenant AND m.provider_id = :provider AND m.folder = :folder
              AND m.uid_validity = v.uid_validity AND m.uid = v.uid AND m.publish_seq = v.publish_seq`,
        {
          ...named(folder),
          uidValidities: rows.map((row) => row.uidValidity),
          uids: rows.map((row) => row.uid),
          seqs: rows.map((row) => row.publishSeq),
          entryIds: rows.map((row) => row.entryId),
        },
        SOON_DURABLE,
      );
    },
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
