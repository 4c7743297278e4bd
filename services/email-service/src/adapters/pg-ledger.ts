/**
 * The ledger and the cursor in PostgreSQL, changed together, fenced.
 *
 * Every write names (provider, owner, epoch) and touches nothing unless the config row still says so; the row is locked for the
 * length of the statement, so that a takeover waits for it or comes first. `folder_state` is changed by setting one folder's key,
 * never read, changed and written back (DESIGN section 4). What becomes of recorded rows is in `pg-publication-rows.ts`.
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
import type { CursorPosition, FolderPart, Ledger } from '../ports/ledger.ts';
import { gatherUnlocked } from './gather-unlocked.ts';
import {
  fence,
  named,
  OUTSTANDING,
  OWNED,
  putStates,
  RECORD_BATCH,
  SELECT_KNOWN,
  SELECT_STATES,
  SOON_DURABLE,
} from './pg-ledger-sql.ts';
import { createPgPublicationRows } from './pg-publication-rows.ts';

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

    ...createPgPublicationRows(database),
  };
}

function columns(folders: readonly FolderRef[]): { readonly ids: string[]; readonly folders: string[] } {
  return { ids: folders.map(({ id }) => id), folders: folders.map(({ folder }) => folder) };
}
