/** The ledger, as people search it. */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Message, MessageDetail, MessageListQuery, MessageStatus } from '../contracts/messages.ts';
import type { MessageStore } from '../ports.ts';
import { errorHint, errorText, messageStatusText } from '../use-cases/status-text.ts';
import { mailBody } from './pg-mail-bodies.ts';
import { contains, decodeCursor, exactTime, iso, isoOrNull, toPage } from './page-cursor.ts';

interface MessageRow {
  readonly event_id: string;
  readonly provider_id: string;
  readonly provider_name: string;
  readonly folder: string;
  readonly uid_validity: number;
  readonly uid: number;
  readonly message_id: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
  readonly size: number;
  readonly internal_date: Date | null;
  readonly status: MessageStatus;
  readonly reason: string | null;
  readonly attempts: number;
  readonly storage_key: string | null;
  readonly received_at: Date;
  readonly published_at: Date | null;
  readonly processed_at: Date | null;
  readonly publish_seq: number;
  readonly stream_entry_id: string | null;
  readonly content_hash: string | null;
  readonly exact_received_at: string;
}

interface ResultRow {
  readonly outcome: string;
  readonly ticket_id: string | null;
  readonly comment_id: string | null;
  readonly number: number | null;
  readonly rules: NonNullable<MessageDetail['result']>['rules'];
}

export function createMessageStore(database: Database): MessageStore {
  return {
    list: (tenant, query) =>
      database.withTenant(tenant, async (trx) =>
        toPage(await filtered(trx, tenant, query), query.limit, toMessage, (row) => [
          row.exact_received_at,
          row.event_id,
        ]),
      ),

    get: (tenant, eventId) =>
      database.withTenant(tenant, async (trx) => {
        const [row] = await messageQuery(trx, tenant).where('m.event_id', eventId);
        if (row === undefined) return null;
        const hasPreview = (await mailBody(trx, tenant, eventId)) !== null;
        return toDetail(row, await resultOf(trx, tenant, eventId), hasPreview);
      }),

    rawKey: (tenant, eventId) =>
      database.withTenant(tenant, async (trx) => {
        const row = (await trx('inbound_messages')
          .where({ tenant, event_id: eventId })
          .first('storage_key')) as { storage_key: string | null } | undefined;
        return row?.storage_key ?? null;
      }),

    body: (tenant, eventId) => database.withTenant(tenant, (trx) => mailBody(trx, tenant, eventId)),
  };
}

function messageQuery(trx: Knex.Transaction, tenant: TenantId): Knex.QueryBuilder<object, MessageRow[]> {
  return trx('inbound_messages as m')
    .join('email_providers as p', (on) => {
      on.on('p.tenant', 'm.tenant').andOn('p.id', 'm.provider_id');
    })
    .where('m.tenant', tenant)
    .select(
      'm.*',
      'p.provider_name',
      trx.raw(`${exactTime('m.received_at')} AS exact_received_at`),
    ) as unknown as Knex.QueryBuilder<object, MessageRow[]>;
}

async function filtered(
  trx: Knex.Transaction,
  tenant: TenantId,
  query: MessageListQuery,
): Promise<MessageRow[]> {
  const rows = messageQuery(trx, tenant);
  if (query.messageId !== undefined) {
    const bare = query.messageId.replace(/^<|>$/g, '');
    void rows.whereIn('m.message_id', [bare, `<${bare}>`]);
  }
  if (query.sender !== undefined) void rows.whereILike('m.sender', contains(query.sender));
  if (query.subject !== undefined) void rows.whereILike('m.subject', contains(query.subject));
  if (query.status !== undefined) void rows.where('m.status', query.status);
  if (query.providerId !== undefined) void rows.where('m.provider_id', query.providerId);
  if (query.since !== undefined) void rows.where('m.received_at', '>=', query.since);
  if (query.until !== undefined) void rows.where('m.received_at', '<', query.until);
  if (query.cursor !== undefined) {
    const [time, id] = decodeCursor(query.cursor, 'time');
    void rows.whereRaw('(m.received_at, m.event_id) < (?::timestamptz, ?::uuid)', [time, id]);
  }
  return rows
    .orderBy([
      { column: 'm.received_at', order: 'desc' },
      { column: 'm.event_id', order: 'desc' },
    ])
    .limit(query.limit + 1);
}

async function resultOf(trx: Knex.Transaction, tenant: TenantId, eventId: string): Promise<ResultRow | null> {
  const [row]: ResultRow[] = await trx('email_processed_messages as e')
    .leftJoin('tickets as t', (on) => {
      on.on('t.tenant', 'e.tenant').andOn('t.id', 'e.ticket_id');
    })
    .where({ 'e.tenant': tenant, 'e.event_id': eventId })
    .select('e.outcome', 'e.ticket_id', 'e.comment_id', 't.number', 'e.rules');
  return row ?? null;
}

function toMessage(row: MessageRow): Message {
  return {
    eventId: row.event_id,
    providerId: row.provider_id,
    providerName: row.provider_name,
    folder: row.folder,
    uidValidity: row.uid_validity,
    uid: row.uid,
    messageId: row.message_id,
    sender: row.sender,
    subject: row.subject,
    size: row.size,
    internalDate: isoOrNull(row.internal_date),
    status: row.status,
    statusText: messageStatusText(row.status, row.reason),
    reason: row.reason,
    attempts: row.attempts,
    hasRaw: row.storage_key !== null,
    receivedAt: iso(row.received_at),
    publishedAt: isoOrNull(row.published_at),
    processedAt: isoOrNull(row.processed_at),
  };
}

function toDetail(row: MessageRow, result: ResultRow | null, hasPreview: boolean): MessageDetail {
  // `parse:<text>` and others: the code is what comes first.
  const code = row.reason?.split(':', 1)[0] ?? null;
  return {
    ...toMessage(row),
    publishSeq: row.publish_seq,
    hasPreview,
    reasonText: errorText(code),
    reasonHint: errorHint(code),
    streamEntryId: row.stream_entry_id,
    contentHash: row.content_hash,
    result:
      result === null
        ? null
        : {
            outcome: result.outcome,
            ticketId: result.ticket_id,
            ticketNumber: result.number,
            commentId: result.comment_id,
            rules: result.rules,
          },
  };
}
