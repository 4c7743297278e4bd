/** A past for a mailbox: rows of messages that were published and processed long ago, and the cursor behind them. */
import type { QueryResultRow } from 'pg';
import { encodeFolderState } from '@mailstream/shared/domain/folder-state';
import type { SeededMailbox } from './mailboxes.ts';

/** As owner of the tables. */
export type Sql = <Row extends QueryResultRow>(
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Row[]>;

/** UIDs 1 to `rows` of INBOX under UIDVALIDITY 1, as the farm has them. PostgreSQL's statistics know nothing of them yet. */
export async function fillLedger(
  { sql }: { readonly sql: Sql },
  mailbox: Pick<SeededMailbox, 'tenant' | 'id'>,
  rows: number,
): Promise<void> {
  await sql(
    `INSERT INTO inbound_messages (tenant, provider_id, folder, uid_validity, uid, publish_seq, event_id, message_id, content_hash, size,
                                   internal_date, sender, subject, status, attempts, storage_key, stream_entry_id,
                                   received_at, published_at, processed_at)
     SELECT $1, $2, 'INBOX', 1, n, n, gen_random_uuid(), n || '.past@example.org', md5(n::text) || md5((-n)::text), 8000,
            at.time, 'customer@example.org', 'past-' || n, 'processed', 1, 'raw/' || md5(n::text), n || '-0', at.time, at.time, at.time
       FROM generate_series(1, $3::bigint) AS n, LATERAL (SELECT now() - make_interval(secs => $3 - n) AS time) AS at`,
    [mailbox.tenant, mailbox.id, rows],
  );
  await sql(
    `UPDATE imap_email_provider_config SET folder_state = jsonb_build_object('INBOX', $3::jsonb)
      WHERE tenant = $1 AND email_provider_id = $2`,
    [mailbox.tenant, mailbox.id, JSON.stringify(stateAfter(rows))],
  );
}

function stateAfter(rows: number): object {
  return encodeFolderState({
    uidValidity: 1,
    baselineUid: 0,
    baselineDate: null,
    baselineTies: 0,
    lastUid: rows,
    holes: [],
    publishSeq: rows,
    revalidateUpTo: 0,
    lastSeenAt: null,
  });
}
