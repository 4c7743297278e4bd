/** Rows of tickets and comments, and what the API shows of them. */
import type { Knex } from 'knex';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type {
  AttentionReason,
  Ticket,
  TicketComment,
  TicketDetail,
  TicketStatus,
} from '../contracts/tickets.ts';
import { attentionText } from '../use-cases/attention-text.ts';
import { exactTime, iso, isoOrNull } from './page-cursor.ts';

export interface TicketRow {
  readonly id: string;
  readonly number: number;
  readonly subject: string;
  readonly status: TicketStatus;
  readonly priority: Ticket['priority'];
  readonly queue: string | null;
  readonly tags: string[];
  readonly requester_email: string;
  readonly requester_name: string | null;
  readonly client_id: string | null;
  readonly client_name: string | null;
  readonly provider_id: string | null;
  readonly attention: readonly {
    readonly reason: AttentionReason;
    readonly commentId: string | null;
    readonly since: string;
  }[];
  readonly comment_count: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly closed_at: Date | null;
  readonly merged_into: string | null;
  readonly exact_created_at: string;
}

interface CommentRow {
  readonly id: string;
  readonly event_id: string | null;
  readonly message_id: string | null;
  readonly author_email: string;
  readonly author_name: string | null;
  readonly author_kind: TicketComment['authorKind'];
  readonly sender_check: TicketComment['senderCheck'];
  readonly automated_kind: string | null;
  readonly matched_by: TicketComment['matchedBy'];
  readonly body_text: string;
  readonly reply_text: string | null;
  readonly quoted_text: string | null;
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

export function ticketQuery(trx: Knex.Transaction, tenant: TenantId): Knex.QueryBuilder<object, TicketRow[]> {
  return trx('tickets as t')
    .leftJoin('clients as cl', (on) => {
      on.on('cl.tenant', 't.tenant').andOn('cl.id', 't.client_id');
    })
    .where('t.tenant', tenant)
    .select(
      't.*',
      'cl.name as client_name',
      trx.raw(
        `(SELECT count(*) FROM ticket_comments c WHERE c.tenant = t.tenant AND c.ticket_id = t.id) AS comment_count,
         ARRAY(SELECT g.tag FROM ticket_tags g WHERE g.tenant = t.tenant AND g.ticket_id = t.id ORDER BY g.tag) AS tags,
         (SELECT COALESCE(jsonb_agg(jsonb_build_object('reason', a.reason, 'commentId', a.comment_id,
                                                       'since', ${exactTime('a.created_at')}) ORDER BY a.created_at, a.reason), '[]')
            FROM ticket_attention a
           WHERE a.tenant = t.tenant AND a.ticket_id = t.id AND a.resolved_at IS NULL) AS attention,
         ${exactTime('t.created_at')} AS exact_created_at`,
      ),
    ) as unknown as Knex.QueryBuilder<object, TicketRow[]>;
}

export function toTicket(row: TicketRow): Ticket {
  return {
    id: row.id,
    number: row.number,
    subject: row.subject,
    status: row.status,
    priority: row.priority,
    queue: row.queue,
    tags: row.tags,
    requester: { email: row.requester_email, name: row.requester_name },
    client:
      row.client_id === null || row.client_name === null
        ? null
        : { id: row.client_id, name: row.client_name },
    providerId: row.provider_id,
    attention: row.attention.map((one) => ({ ...one, text: attentionText(one.reason) })),
    commentCount: row.comment_count,
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
    closedAt: isoOrNull(row.closed_at),
    mergedInto: row.merged_into,
  };
}

export async function detailOf(
  trx: Knex.Transaction,
  tenant: TenantId,
  row: TicketRow,
): Promise<TicketDetail> {
  const own = { tenant, ticket_id: row.id };
  const comments: CommentRow[] = await trx('ticket_comments')
    .where(own)
    .orderBy([{ column: 'created_at' }, { column: 'id' }])
    .select('id', 'event_id', 'message_id', 'author_email', 'author_name', 'author_kind', 'sender_check')
    .select(
      'automated_kind',
      'matched_by',
      'body_text',
      'reply_text',
      'quoted_text',
      'is_internal',
      'created_at',
    )
    .select(trx.raw('body_html IS NOT NULL AS has_html'));
  const attachments: AttachmentRow[] = await trx('ticket_attachments')
    .where(own)
    .orderBy(['name', 'id'])
    .select('id', 'comment_id', 'name', 'content_type', 'size', 'is_inline');
  const participants: TicketDetail['participants'] = await trx('ticket_participants')
    .where(own)
    .orderBy('email')
    .select('email', 'source');
  const links: TicketDetail['links'] = await trx('ticket_links as l')
    .join('tickets as o', (on) => {
      on.on('o.tenant', 'l.tenant').andOn('o.id', 'l.other_ticket_id');
    })
    .where({ 'l.tenant': tenant, 'l.ticket_id': row.id })
    .orderBy('o.number')
    .select('l.kind', 'o.id as ticketId', 'o.number', 'o.subject');
  return {
    ...toTicket(row),
    comments: comments.map((comment) =>
      toComment(
        comment,
        attachments.filter((attachment) => attachment.comment_id === comment.id),
      ),
    ),
    participants,
    links,
  };
}

function toComment(comment: CommentRow, attachments: readonly AttachmentRow[]): TicketComment {
  const isTrimmed = comment.reply_text !== null;
  return {
    id: comment.id,
    eventId: comment.event_id,
    messageId: comment.message_id,
    author: { email: comment.author_email, name: comment.author_name },
    authorKind: comment.author_kind,
    senderCheck: comment.sender_check,
    automatedKind: comment.automated_kind,
    matchedBy: comment.matched_by,
    bodyText: comment.reply_text ?? comment.body_text,
    quotedText: comment.quoted_text,
    fullText: isTrimmed ? comment.body_text : null,
    hasHtml: comment.has_html,
    isInternal: comment.is_internal,
    createdAt: iso(comment.created_at),
    attachments: attachments.map(({ id, name, content_type: contentType, size, is_inline: isInline }) => ({
      id,
      name,
      contentType,
      size,
      isInline,
    })),
  };
}
