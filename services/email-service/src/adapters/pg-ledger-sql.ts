/** The longer statements of the ledger, and what its statements have in common. */
import type { FolderRef, Term } from '../ports/leases.ts';
import type { AtLock } from './gather-unlocked.ts';

/**
 * The death of this process is what attempts outlive; one that PostgreSQL forgets when it crashes itself is made again. So is the mark of
 * what is in the stream: that it is there, Redis knows (DESIGN section 5, step 7). A recovery makes it; where nobody noticed the crash,
 * the worker, when it is done with the message, or the next audit.
 */
export const SOON_DURABLE = { isDurable: false };

/** Parameters that name a folder. */
export function named(folder: FolderRef): {
  readonly tenant: string;
  readonly provider: string;
  readonly folder: string;
} {
  return { tenant: folder.tenant, provider: folder.id, folder: folder.folder };
}

/** The same, and the term that must still hold. See `OWNED`. */
export function fence(folder: FolderRef, term: Term): Record<string, string | number> {
  return { ...named(folder), owner: term.owner, epoch: term.epoch };
}

/**
 * Locks the provider's row if the term still holds; the CTE is empty otherwise. What it selects is of the locked row, after any
 * wait; another look at the table would be of the statement's snapshot, from before the wait.
 */
export const OWNED = `owned AS (
  SELECT coalesce((folder_state -> :folder ->> 'publish_seq')::bigint, 0) AS seq,
         folder_state -> :folder ->> 'uid_validity' AS uid_validity, folder_state -> :folder ->> 'last_uid' AS last_uid
    FROM imap_email_provider_config
   WHERE tenant = :tenant AND email_provider_id = :provider AND lease_owner = :owner AND lease_epoch = :epoch
     FOR UPDATE
)`;

/** The folders that are asked about; what is selected for them comes in their order. */
const ASKED =
  'unnest(CAST(:ids AS uuid[]), CAST(:folders AS text[])) WITH ORDINALITY AS asked (id, folder, place)';

/** The lowest UIDVALIDITY is at one end of an index; EXISTS, and LIMIT alone, are answered by reading a table that holds nothing of the folder. */
export const SELECT_STATES = `
SELECT c.folder_state -> asked.folder AS state,
       (SELECT min(m.uid_validity) FROM inbound_messages m
         WHERE m.tenant = :tenant AND m.provider_id = asked.id AND m.folder = asked.folder) IS NULL
   AND (SELECT min(a.uid_validity) FROM ingest_attempts a
         WHERE a.tenant = :tenant AND a.provider_id = asked.id AND a.folder = asked.folder) IS NULL AS blank
  FROM ${ASKED}
  LEFT JOIN imap_email_provider_config c ON c.tenant = :tenant AND c.email_provider_id = asked.id
 ORDER BY asked.place`;

/** What is known of folders above a UID: rows of the ledger, and attempts that did not end. */
export const SELECT_KNOWN = `
SELECT (SELECT coalesce(json_agg(m.uid ORDER BY m.uid), '[]') FROM inbound_messages m
         WHERE m.tenant = :tenant AND m.provider_id = asked.id AND m.folder = asked.folder
           AND m.uid_validity = asked.uid_validity AND m.uid >= asked.from_uid) AS known,
       (SELECT coalesce(json_agg(json_build_array(a.uid, a.attempts, a.kills)), '[]') FROM ingest_attempts a
         WHERE a.tenant = :tenant AND a.provider_id = asked.id AND a.folder = asked.folder
           AND a.uid_validity = asked.uid_validity AND a.attempts > 0) AS unended
  FROM unnest(CAST(:ids AS uuid[]), CAST(:folders AS text[]), CAST(:uidValidities AS bigint[]), CAST(:froms AS bigint[]))
       WITH ORDINALITY AS asked (id, folder, uid_validity, from_uid, place)
 ORDER BY asked.place`;

/** How far the stream should be, and whether anything is on its way there or to the worker. */
export const OUTSTANDING = `
SELECT CASE WHEN c.folder_state -> asked.folder ->> 'last_uid' IS NULL THEN NULL
            ELSE coalesce((c.folder_state -> asked.folder ->> 'publish_seq')::bigint, 0) END AS seq,
       EXISTS (SELECT FROM inbound_messages m
                WHERE m.tenant = :tenant AND m.provider_id = asked.id AND m.folder = asked.folder AND m.status = 'received') AS unpublished,
       EXISTS (SELECT FROM inbound_messages m
                WHERE m.tenant = :tenant AND m.provider_id = asked.id AND m.folder = asked.folder AND m.status = 'published') AS unprocessed
  FROM ${ASKED}
  LEFT JOIN imap_email_provider_config c ON c.tenant = :tenant AND c.email_provider_id = asked.id
 ORDER BY asked.place`;

/**
 * States of folders of different providers, each where its term holds and the row still holds what was read. Anything that is not a
 * whole cursor counts as none.
 */
export const putStates = (atLock: AtLock): string => `
WITH owned AS (
  SELECT c.email_provider_id AS id, asked.folder, asked.state,
         greatest(coalesce((c.folder_state -> asked.folder ->> 'publish_seq')::bigint, 0), asked.publish_seq) AS seq,
         CASE WHEN coalesce(c.folder_state -> asked.folder ->> 'uid_validity' ~ '^[0-9]+$'
                        AND c.folder_state -> asked.folder ->> 'last_uid' ~ '^[0-9]+$', false)
              THEN c.folder_state -> asked.folder ->> 'uid_validity' = asked.expected_validity
               AND c.folder_state -> asked.folder ->> 'last_uid' = asked.expected_uid
              ELSE asked.expected_uid IS NULL END AS is_unchanged
    FROM unnest(CAST(:ids AS uuid[]), CAST(:folders AS text[]), CAST(:owners AS uuid[]), CAST(:epochs AS bigint[]),
                CAST(:expectedValidities AS text[]), CAST(:expectedUids AS text[]), CAST(:publishSeqs AS bigint[]), CAST(:states AS jsonb[]))
         AS asked (id, folder, owner, epoch, expected_validity, expected_uid, publish_seq, state)
    JOIN imap_email_provider_config c ON c.tenant = :tenant AND c.email_provider_id = asked.id
   WHERE c.lease_owner IS NOT DISTINCT FROM asked.owner AND c.lease_epoch = asked.epoch
     FOR UPDATE OF c ${atLock}
), moved AS (
  UPDATE imap_email_provider_config c
     SET folder_state = jsonb_set(c.folder_state, ARRAY[o.folder], o.state || jsonb_build_object('publish_seq', CAST(o.seq AS text)))
    FROM owned o
   WHERE c.tenant = :tenant AND c.email_provider_id = o.id AND o.is_unchanged
)
SELECT id, coalesce(is_unchanged, false) AS unchanged FROM owned`;

export const RAISE_SEQUENCE = `
WITH ${OWNED}, raised AS (
  UPDATE imap_email_provider_config c
     SET folder_state = jsonb_set(c.folder_state, ARRAY[:folder, 'publish_seq'], to_jsonb(CAST(:atLeast AS text)))
    FROM owned o
   WHERE c.tenant = :tenant AND c.email_provider_id = :provider AND o.seq < CAST(:atLeast AS bigint)
     AND o.last_uid IS NOT NULL
)
SELECT seq FROM owned`;

/** One batch: rows, their numbers, the cursor and the attempts that ended, or nothing of it. */
export const RECORD_BATCH = `
WITH ${OWNED}, unchanged AS (
  SELECT seq FROM owned
   WHERE uid_validity = CAST(:expectedValidity AS text) AND last_uid = CAST(:expectedUid AS text)
), input AS (
  SELECT * FROM jsonb_to_recordset(CAST(:messages AS jsonb)) AS m (
    uid bigint, event_id uuid, message_id text, content_hash text, size bigint, internal_date timestamptz, email_id text,
    sender text, subject text, status text, reason text, storage_key text)
), fresh AS (
  SELECT i.*, CASE WHEN i.status = 'received' THEN o.seq + count(*) FILTER (WHERE i.status = 'received') OVER (ORDER BY i.uid)
                   ELSE 0 END AS publish_seq
    FROM input i CROSS JOIN unchanged o
   WHERE NOT EXISTS (SELECT FROM inbound_messages l
                      WHERE l.tenant = :tenant AND l.provider_id = :provider AND l.folder = :folder
                        AND l.uid_validity = :uidValidity AND l.uid = i.uid)
), inserted AS (
  INSERT INTO inbound_messages (tenant, provider_id, folder, uid_validity, uid, publish_seq, event_id, message_id, content_hash, size,
                                internal_date, email_id, sender, subject, status, reason, attempts, storage_key)
  SELECT CAST(:tenant AS uuid), CAST(:provider AS uuid), :folder, CAST(:uidValidity AS bigint), f.uid, f.publish_seq, f.event_id, f.message_id, f.content_hash, f.size,
         f.internal_date, f.email_id, f.sender, f.subject, f.status, f.reason,
         coalesce((SELECT a.attempts FROM ingest_attempts a
                    WHERE a.tenant = :tenant AND a.provider_id = :provider AND a.folder = :folder
                      AND a.uid_validity = :uidValidity AND a.uid = f.uid), 0), f.storage_key
    FROM fresh f
  RETURNING uid, publish_seq
), cleared AS (
  DELETE FROM ingest_attempts a USING unchanged
   WHERE a.tenant = :tenant AND a.provider_id = :provider AND a.folder = :folder AND a.uid_validity = :uidValidity
     AND a.uid = ANY (CAST(:finished AS bigint[]))
), moved AS (
  UPDATE imap_email_provider_config c
     SET folder_state = jsonb_set(c.folder_state, ARRAY[:folder], CAST(:state AS jsonb) || jsonb_build_object(
           'publish_seq', CAST(greatest(o.seq, (SELECT max(publish_seq) FROM fresh)) AS text), 'last_seen_at', to_jsonb(now()))),
         last_processed_message_id = coalesce(
           (SELECT i.message_id FROM input i WHERE i.message_id IS NOT NULL ORDER BY i.uid DESC LIMIT 1), c.last_processed_message_id)
    FROM unchanged o
   WHERE c.tenant = :tenant AND c.email_provider_id = :provider
)
SELECT o.seq AS previous_seq, EXISTS (SELECT FROM unchanged) AS unchanged,
       coalesce((SELECT json_agg(json_build_object('uid', uid, 'publishSeq', publish_seq) ORDER BY publish_seq)
                   FROM inserted WHERE publish_seq > 0), '[]') AS rows
  FROM owned o`;
