/**
 * The ledger and the cursor in PostgreSQL, changed together, fenced.
 *
 * Every write names (provider, owner, epoch) and touches nothing unless the config row still says so; the row is locked for the
 * length of the statement, so that a takeover waits for it or comes first. `folder_state` is changed by setting one folder's key,
 * never read, changed and written back (DESIGN section 4).
 */
import type { Database } from '@mailstream/shared/db/database';
import { BEGINNING_PACE_MS, gatherPerTenant } from '@mailstream/shared/db/gather';
import {
  decodeFolderState,
  encodeFolderState,
  type FolderState,
} from '@mailstream/shared/domain/folder-state';
import { providerId } from '@mailstream/shared/domain/ids';
import { eventId } from '@mailstream/shared/events/email-received';
import type { FolderRef, Term } from '../ports/leases.ts';
import type { CursorPosition, FolderPart, Ledger, LedgerRow } from '../ports/ledger.ts';
import { gatherUnlocked } from './gather-unlocked.ts';
import {
  OUTSTANDING,
  OWNED,
  putStates,
  RAISE_SEQUENCE,
  RECORD_BATCH,
  SELECT_KNOWN,
  SELECT_STATES,
} from './pg-ledger-sql.ts';

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

interface KnownRow {
  readonly known: readonly number[];
  readonly unended: readonly (readonly [uid: number, attempts: number, kills: number])[];
}

interface StatePut extends FolderRef {
  readonly term: Term;
  readonly state: FolderState;
  readonly expected: CursorPosition | null;
}

interface OutstandingRow {
  readonly seq: number | null;
  readonly unpublished: boolean;
  readonly unprocessed: boolean;
}

/** The death of this process is what attempts outlive; one that PostgreSQL forgets when it crashes itself is made again. */
const SOON_DURABLE = { isDurable: false };
/** Folders that are asked about in one statement. */
const GATHERED = { maxItems: 100, everyMs: BEGINNING_PACE_MS };

export function createPgLedger(database: Database): Ledger {
  const stateOf = gatherPerTenant<FolderRef, { readonly state: unknown; readonly blank: boolean }>(
    (tenant, folders) => database.statement(tenant, SELECT_STATES, { tenant, ...columns(folders) }),
    GATHERED,
  );
  const knownOf = gatherPerTenant<FolderRef & FolderPart, KnownRow>(
    (tenant, parts) =>
      database.statement(tenant, SELECT_KNOWN, {
        tenant,
        ...columns(parts),
        uidValidities: parts.map(({ uidValidity }) => uidValidity),
        froms: parts.map(({ from }) => from),
      }),
    GATHERED,
  );
  const outstandingOf = gatherPerTenant<FolderRef, OutstandingRow>(
    (tenant, folders) => database.statement(tenant, OUTSTANDING, { tenant, ...columns(folders) }),
    GATHERED,
  );
  const putState = gatherUnlocked<StatePut, boolean>(async (tenant, puts, atLock) => {
    const rows = await database.statement<{ id: string; unchanged: boolean }>(tenant, putStates(atLock), {
      ...{ tenant, ...columns(puts) },
      owners: puts.map(({ term }) => term.owner),
      epochs: puts.map(({ term }) => term.epoch),
      expectedValidities: puts.map(({ expected }) => expected?.uidValidity ?? null),
      expectedUids: puts.map(({ expected }) => expected?.lastUid ?? null),
      publishSeqs: puts.map(({ state }) => state.publishSeq),
      states: puts.map(({ state }) => JSON.stringify(encodeFolderState(state))),
    });
    return new Map(rows.map((row) => [providerId(row.id), row.unchanged]));
  }, GATHERED);

  return {
    async readFolder(folder, wanted) {
      const { state: encoded, blank: isBlank } = await stateOf(folder);
      const state = decodeFolderState(encoded);
      const part = wanted(state);
      if (part === null || isBlank) return { state, isBlank, known: [], unended: new Map() };
      const { known, unended } = await knownOf({ ...folder, ...part });
      return {
        ...{ state, isBlank, known },
        unended: new Map(
          unended.map(([uid, attempts, kills]) => [uid, { kills, crashes: attempts - kills }]),
        ),
      };
    },

    async outstanding(folder) {
      const { seq, unpublished, unprocessed } = await outstandingOf(folder);
      return { publishSeq: seq, isUnpublished: unpublished, isUnprocessed: unprocessed };
    },

    async putFolderState(folder, term, state, expected) {
      const isUnchanged = await putState({ ...folder, term, state, expected });
      if (isUnchanged === null) return { kind: 'fenced' };
      return isUnchanged ? { kind: 'stored' } : { kind: 'changed' };
    },

    async raiseSequence(folder, term, atLeast) {
      const owned = await database.statement<unknown>(folder.tenant, RAISE_SEQUENCE, {
        ...fence(folder, term),
        atLeast,
      });
      return owned.length === 0 ? { kind: 'fenced' } : { kind: 'stored' };
    },

    async knownUids(folder, uidValidity, from, limit) {
      const rows = await database.statement<{ uid: number }>(
        folder.tenant,
        `SELECT uid FROM inbound_messages
          WHERE tenant = :tenant AND provider_id = :provider AND folder = :folder AND uid_validity = :uidValidity AND uid >= :from
          ORDER BY uid LIMIT :limit`,
        { ...named(folder), uidValidity, from, limit: limit ?? null },
      );
      return rows.map((row) => Number(row.uid));
    },

    async countAttempts(folder, term, uidValidity, uids) {
      const counted = await database.statement<unknown>(
        folder.tenant,
        `WITH ${OWNED}, counted AS (
             INSERT INTO ingest_attempts AS a (tenant, provider_id, folder, uid_validity, uid, attempts)
             SELECT CAST(:tenant AS uuid), CAST(:provider AS uuid), :folder, CAST(:uidValidity AS bigint), u.uid, 1
               FROM unnest(CAST(:uids AS bigint[])) AS u (uid) CROSS JOIN owned
             ON CONFLICT (tenant, provider_id, folder, uid_validity, uid)
             DO UPDATE SET attempts = a.attempts + 1, updated_at = now())
           SELECT seq FROM owned`,
        { ...fence(folder, term), uidValidity, uids: [...uids] },
        SOON_DURABLE,
      );
      return counted.length === 0 ? { kind: 'fenced' } : { kind: 'counted' };
    },

    async countKill(folder, uidValidity, uid) {
      await database.statement(
        folder.tenant,
        `UPDATE ingest_attempts SET kills = kills + 1
          WHERE tenant = :tenant AND provider_id = :provider AND folder = :folder AND uid_validity = :uidValidity AND uid = :uid`,
        { ...named(folder), uidValidity, uid },
      );
    },

    async forgiveAttempts(folder, uidValidity, uids) {
      if (uids.length === 0) return;
      await database.statement(
        folder.tenant,
        `UPDATE ingest_attempts SET attempts = attempts - 1
            WHERE tenant = :tenant AND provider_id = :provider AND folder = :folder AND uid_validity = :uidValidity
              AND uid = ANY (CAST(:uids AS bigint[])) AND attempts > kills`,
        { ...named(folder), uidValidity, uids: [...uids] },
        SOON_DURABLE,
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
      const [stored] = await database.statement<{
        previous_seq: number;
        unchanged: boolean;
        rows: { uid: number; publishSeq: number }[];
      }>(folder.tenant, RECORD_BATCH, {
        ...fence(folder, term),
        uidValidity: batch.state.uidValidity,
        state: JSON.stringify(encodeFolderState(batch.state)),
        expectedValidity: batch.expected.uidValidity,
        expectedUid: batch.expected.lastUid,
        messages: JSON.stringify(messages),
        finished: [...batch.finished],
      });
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
        const found = await database.statement<{ value: string; open: number }>(
          folder.tenant,
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
            ...named(folder),
            uidValidity,
            values: [...values],
          },
        );
        return new Map(found.map((row) => [row.value, Number(row.open)]));
      };
      return { byHash: await count('content_hash', hashes), byEmailId: await count('email_id', emailIds) };
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
      );
    },
  };
}

function named(folder: FolderRef): {
  readonly tenant: string;
  readonly provider: string;
  readonly folder: string;
} {
  return { tenant: folder.tenant, provider: folder.id, folder: folder.folder };
}

function columns(folders: readonly FolderRef[]): { readonly ids: string[]; readonly folders: string[] } {
  return { ids: folders.map(({ id }) => id), folders: folders.map(({ folder }) => folder) };
}

function fence(folder: FolderRef, term: Term): Record<string, string | number> {
  return { ...named(folder), owner: term.owner, epoch: term.epoch };
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
