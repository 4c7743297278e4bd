/** Mails that we send, as people see them; and trying one again. */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import type { OutboundMail } from '../contracts/outbound.ts';
import type { OutboundStore } from '../ports.ts';
import { decodeCursor, exactTime, iso, isoOrNull, toPage } from './page-cursor.ts';
import { auditLine } from './pg-audit-line.ts';

interface Row {
  readonly id: string;
  readonly ticket_id: string;
  readonly comment_id: string | null;
  readonly provider_id: string;
  readonly kind: OutboundMail['kind'];
  readonly priority: OutboundMail['priority'];
  readonly state: OutboundMail['state'];
  readonly recipient: string;
  readonly subject: string;
  readonly message_id: string;
  readonly attempts: number;
  readonly error_code: string | null;
  readonly error_detail: string | null;
  readonly next_attempt_at: Date;
  readonly sent_at: Date | null;
  readonly created_at: Date;
  readonly exact_created_at: string;
}

const COLUMNS = [
  ...[
    'id',
    'ticket_id',
    'comment_id',
    'provider_id',
    'kind',
    'priority',
    'state',
    'recipient',
    'subject',
    'message_id',
  ],
  ...['attempts', 'error_code', 'error_detail', 'next_attempt_at', 'sent_at', 'created_at'],
];

export function createOutboundStore(database: Database): OutboundStore {
  return {
    list: (tenant, query) =>
      database.withTenant(tenant, async (trx) => {
        const rows = rowsOf(trx, tenant);
        if (query.state !== undefined) void rows.where({ state: query.state });
        if (query.ticketId !== undefined) void rows.where({ ticket_id: query.ticketId });
        if (query.providerId !== undefined) void rows.where({ provider_id: query.providerId });
        if (query.cursor !== undefined) {
          const [time, id] = decodeCursor(query.cursor, 'time');
          void rows.whereRaw('(created_at, id) < (?::timestamptz, ?::uuid)', [time, id]);
        }
        const found: Row[] = await rows
          .orderBy([
            { column: 'created_at', order: 'desc' },
            { column: 'id', order: 'desc' },
          ])
          .limit(query.limit + 1);
        return toPage(found, query.limit, toMail, (row) => [row.exact_created_at, row.id]);
      }),
    get: (tenant, id) => database.withTenant(tenant, (trx) => findOutbound(trx, tenant, { id })),
    retry: (actor, id) =>
      database.withTenant(actor.tenant, async (trx) => {
        const row: { state: string } | undefined = await trx('outbound_messages')
          .where({ tenant: actor.tenant, id })
          .forUpdate()
          .first('state');
        if (row === undefined) return 'notFound';
        if (row.state !== 'failed' && row.state !== 'queued') return 'notFailed';
        await trx('outbound_messages').where({ tenant: actor.tenant, id }).update({
          state: 'queued',
          attempts: 0,
          next_attempt_at: trx.fn.now(),
          relayed_at: null,
          updated_at: trx.fn.now(),
        });
        await auditLine(
          trx,
          actor,
          'outbound.retry',
          { type: 'outbound_message', id },
          { before: { state: row.state }, after: { state: 'queued' } },
        );
        return 'queued';
      }),
  };
}

export async function findOutbound(
  trx: Knex.Transaction,
  tenant: string,
  where: { readonly id: string } | { readonly comment_id: string },
): Promise<OutboundMail | null> {
  const row: Row | undefined = await rowsOf(trx, tenant).where(where).first();
  return row === undefined ? null : toMail(row);
}

function rowsOf(trx: Knex.Transaction, tenant: string): Knex.QueryBuilder<object, Row[]> {
  return trx('outbound_messages')
    .where({ tenant })
    .select(...COLUMNS, trx.raw(`${exactTime('created_at')} AS exact_created_at`));
}

function toMail(row: Row): OutboundMail {
  const waits = row.state === 'queued';
  return {
    id: row.id,
    ticketId: row.ticket_id,
    commentId: row.comment_id,
    providerId: row.provider_id,
    kind: row.kind,
    priority: row.priority,
    state: row.state,
    to: row.recipient,
    subject: row.subject,
    messageId: row.message_id,
    attempts: row.attempts,
    errorCode: row.error_code,
    errorDetail: row.error_detail,
    nextAttemptAt: waits ? iso(row.next_attempt_at) : null,
    sentAt: isoOrNull(row.sent_at),
    createdAt: iso(row.created_at),
  };
}
