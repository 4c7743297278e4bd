import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Ticket, TicketDetail, TicketListQuery, TicketStatus } from '../contracts/tickets.ts';
import type { TicketStore } from '../ports.ts';
import { contains, decodeCursor, exactTime, iso, toPage } from './page-cursor.ts';

interface TicketRow {
  readonly id: string;
  readonly number: number;
  readonly subject: string;
  readonly status: TicketStatus;
  readonly requester_email: string;
  readonly requester_name: string | null;
  readonly provider_id: string | null;
  readonly comment_count: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly exact_created_at: string;
}

interface CommentRow {
  readonly id: string;
  readonly event_id: string | null;
  readonly message_id: string | null;
  readonly author_email: string;
  readonly author_name: string | null;
  readonly body_text: string;
  readonly has_html: boolean;
  readonly is_internal: boolean;
  readonly created_at: Date;
}

interface AttachmentRow {
  readonly id: string;
  readonly comment_id: string;
  readonly name: string;
  readonly content_type: string;
  readonly size: number;
  readonly is_inline: boolean;
}

export function createTicketStore(database: Database): TicketStore {
  return {
    list: (tenant, query) =>
      database.withTenant(tenant, async (trx) =>
        toPage(await filtered(trx, tenant, query), query.limit, toTicket, (row) => [
          row.exact_created_at,
          row.id,
        ]),
      ),

    get: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        const [row] = await ticketQuery(trx, tenant).where('t.id', id);
        if (row === undefined) return null;
        const comments: CommentRow[] = await trx('ticket_comments')
          .where({ tenant, ticket_id: id })
          .orderBy([{ column: 'created_at' }, { column: 'id' }])
          .select(
            'id',
            'event_id',
            'message_id',
            'author_email',
            'author_name',
            'body_text',
            'is_internal',
            'created_at',
          )
          .select(trx.raw('body_html IS NOT NULL AS has_html'));
        const attachments: AttachmentRow[] = await trx('ticket_attachments')
          .where({ tenant, ticket_id: id })
          .orderBy('name')
          .select('id', 'comment_id', 'name', 'content_type', 'size', 'is_inline');
        return toDetail(row, comments, attachments);
      }),
  };
}

function ticketQuery(trx: Knex.Transaction, tenant: TenantId): Knex.QueryBuilder<object, TicketRow[]> {
  return trx('tickets as t')
    .where('t.tenant', tenant)
    .select(
      't.*',
      trx.raw(
        '(SELECT count(*) FROM ticket_comments c WHERE c.tenant = t.tenant AND c.ticket_id = t.id) AS comment_count',
      ),
      trx.raw(`${exactTime('t.created_at')} AS exact_created_at`),
    ) as unknown as Knex.QueryBuilder<object, TicketRow[]>;
}

async function filtered(
  trx: Knex.Transaction,
  tenant: TenantId,
  query: TicketListQuery,
): Promise<TicketRow[]> {
  const rows = ticketQuery(trx, tenant);
  if (query.search !== undefined) {
    const pattern = contains(query.search);
    void rows.whereRaw('(t.subject ILIKE ? OR t.requester_email ILIKE ?)', [pattern, pattern]);
  }
  if (query.status !== undefined) void rows.where('t.status', query.status);
  if (query.cursor !== undefined) {
    const [time, id] = decodeCursor(query.cursor, 'time');
    void rows.whereRaw('(t.created_at, t.id) < (?::timestamptz, ?::uuid)', [time, id]);
  }
  return rows
    .orderBy([
      { column: 't.created_at', order: 'desc' },
      { column: 't.id', order: 'desc' },
    ])
    .limit(query.limit + 1);
}

function toTicket(row: TicketRow): Ticket {
  return {
    id: row.id,
    number: row.number,
    subject: row.subject,
    status: row.status,
    requester: { email: row.requester_email, name: row.requester_name },
    providerId: row.provider_id,
    commentCount: row.comment_count,
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
  };
}

function toDetail(
  row: TicketRow,
  comments: readonly CommentRow[],
  attachments: readonly AttachmentRow[],
): TicketDetail {
  return {
    ...toTicket(row),
    comments: comments.map((comment) => ({
      id: comment.id,
      eventId: comment.event_id,
      messageId: comment.message_id,
      author: { email: comment.author_email, name: comment.author_name },
      bodyText: comment.body_text,
      hasHtml: comment.has_html,
      isInternal: comment.is_internal,
      createdAt: iso(comment.created_at),
      attachments: attachments
        .filter((attachment) => attachment.comment_id === comment.id)
        .map(({ id, name, content_type: contentType, size, is_inline: isInline }) => ({
          id,
          name,
          contentType,
          size,
          isInline,
        })),
    })),
  };
}
