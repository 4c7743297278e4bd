/** Tickets as people search, read and change them. */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { TicketListQuery } from '../contracts/tickets.ts';
import type { StoredAttachment, TicketStore } from '../ports.ts';
import { withImageAddresses } from '../use-cases/image-addresses.ts';
import { contains, decodeCursor, toPage } from './page-cursor.ts';
import { commentBody } from './pg-mail-bodies.ts';
import { assignClient } from './pg-clients.ts';
import { changeTicket, mergeTicket } from './pg-ticket-actions.ts';
import { findDefaults, removeDefaults, writeDefaults } from './pg-ticket-defaults.ts';
import { detailOf, ticketQuery, toTicket, type TicketRow } from './pg-ticket-rows.ts';

const MAX_NUMBER_DIGITS = 15;

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
        return row === undefined ? null : detailOf(trx, tenant, row);
      }),

    attachment: (tenant, ticketId, id) =>
      database.withTenant(tenant, async (trx) => {
        const row: StoredAttachment | undefined = await trx('ticket_attachments')
          .where({ tenant, ticket_id: ticketId, id })
          .first('name', 'content_type as contentType', 'storage_key as storageKey');
        return row ?? null;
      }),

    html: (tenant, ticketId, commentId) =>
      database.withTenant(tenant, async (trx) => {
        const row: { html: string; replyHtml: string | null } | undefined = await trx('ticket_comments')
          .where({ tenant, ticket_id: ticketId, id: commentId })
          .whereNotNull('body_html')
          .first('body_html as html', 'reply_html as replyHtml');
        if (row === undefined) return null;
        const own: string[] = await trx('ticket_attachments')
          .where({ tenant, ticket_id: ticketId, comment_id: commentId })
          .pluck('id');
        return {
          html: withImageAddresses(row.html, ticketId, new Set(own)),
          replyHtml:
            row.replyHtml === null ? null : withImageAddresses(row.replyHtml, ticketId, new Set(own)),
        };
      }),

    body: (tenant, ticketId, commentId) =>
      database.withTenant(tenant, (trx) => commentBody(trx, tenant, { ticket_id: ticketId, id: commentId })),

    change: (actor, id, action) =>
      database.withTenant(actor.tenant, (trx) => changeTicket(trx, actor, id, action)),
    merge: (actor, id, options) =>
      database.withTenant(actor.tenant, (trx) => mergeTicket(trx, actor, id, options)),

    assignClient: (actor, id, clientId) =>
      database.withTenant(actor.tenant, (trx) => assignClient(trx, actor, id, clientId)),

    defaults: (tenant, provider) => database.withTenant(tenant, (trx) => findDefaults(trx, tenant, provider)),
    setDefaults: (actor, provider, defaults) =>
      database.withTenant(actor.tenant, (trx) => writeDefaults(trx, actor, provider, defaults)),
    removeDefaults: (actor, provider) =>
      database.withTenant(actor.tenant, (trx) => removeDefaults(trx, actor, provider)),
  };
}

async function filtered(
  trx: Knex.Transaction,
  tenant: TenantId,
  query: TicketListQuery,
): Promise<TicketRow[]> {
  const rows = ticketQuery(trx, tenant);
  for (const text of [query.search, query.q]) if (text !== undefined) search(rows, text);
  if (query.status !== undefined) void rows.where('t.status', query.status);
  if (query.clientId !== undefined) void rows.where('t.client_id', query.clientId);
  if (query.needsAttention !== undefined)
    void rows.whereRaw(
      `${query.needsAttention ? '' : 'NOT '}EXISTS (
        SELECT FROM ticket_attention a WHERE a.tenant = t.tenant AND a.ticket_id = t.id AND a.resolved_at IS NULL)`,
    );
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

function search(rows: Knex.QueryBuilder<object, TicketRow[]>, text: string): void {
  const number = /^#?(\d+)$/.exec(text)?.[1] ?? '';
  const pattern = contains(text);
  const isNumber = number !== '' && number.length <= MAX_NUMBER_DIGITS;
  void rows.whereRaw(
    `(t.subject ILIKE ? OR t.requester_email ILIKE ?${isNumber ? ' OR t.number = ?' : ''})`,
    isNumber ? [pattern, pattern, Number(number)] : [pattern, pattern],
  );
}
