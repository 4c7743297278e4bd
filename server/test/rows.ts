/** Rows that the daemon and the worker would write. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';

let nextUid = 1;

export async function insertMessage(
  owner: pg.Pool,
  tenant: string,
  provider: string,
  row: {
    readonly status?: string;
    readonly storageKey?: string;
    readonly messageId?: string;
    readonly sender?: string;
    readonly subject?: string;
    readonly reason?: string;
    readonly receivedAt?: string;
    readonly internalDate?: string;
  } = {},
): Promise<string> {
  const eventId = randomUUID();
  await owner.query(
    `INSERT INTO inbound_messages (tenant, provider_id, folder, uid_validity, uid, publish_seq, event_id, size, status,
       storage_key, message_id, sender, subject, reason, received_at, internal_date)
     VALUES ($1, $2, 'INBOX', 1, $3, $3, $4, 100, $5, $6, $7, $8, $9, $10, COALESCE($11::timestamptz, now()), $12)`,
    [
      ...[tenant, provider, nextUid++, eventId, row.status ?? 'received', row.storageKey ?? null],
      ...[
        row.messageId ?? null,
        row.sender ?? null,
        row.subject ?? null,
        row.reason ?? null,
        row.receivedAt ?? null,
        row.internalDate ?? null,
      ],
    ],
  );
  return eventId;
}

let nextNumber = 1;

export async function insertTicket(
  owner: pg.Pool,
  tenant: string,
  row: { readonly subject?: string; readonly createdAt?: string; readonly comments?: number } = {},
): Promise<string> {
  const id = randomUUID();
  await owner.query(
    `INSERT INTO tickets (tenant, id, number, subject, requester_email, requester_name, created_at)
     VALUES ($1, $2, $3, $4, 'kunde@example.org', 'Kunde', COALESCE($5::timestamptz, now()))`,
    [tenant, id, nextNumber++, row.subject ?? 'Printer on fire', row.createdAt ?? null],
  );
  for (let i = 0; i < (row.comments ?? 1); i += 1) {
    const comment = randomUUID();
    await owner.query(
      `INSERT INTO ticket_comments (tenant, id, ticket_id, event_id, author_email, body_text, body_html, created_at)
       VALUES ($1, $2, $3, $4, 'kunde@example.org', $5, '<p>x</p>', now() + $6 * interval '1 second')`,
      [tenant, comment, id, randomUUID(), `Comment ${i}`, i],
    );
    await owner.query(
      `INSERT INTO ticket_attachments (tenant, id, ticket_id, comment_id, name, content_type, size, sha256, storage_key)
       VALUES ($1, $2, $3, $4, 'photo.jpg', 'image/jpeg', 2048, 'ab', 'k')`,
      [tenant, randomUUID(), id, comment],
    );
  }
  return id;
}
