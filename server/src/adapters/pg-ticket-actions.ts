/**
 * What agents do with tickets, each in one transaction with its line in the audit log.
 *
 * The worker changes tickets as well. It takes a ticket's row before anything of it, and looks again when status or `merged_into` are
 * no longer what it saw; here the rows are locked first, two of them in the order of their ids.
 */
import type { Knex } from 'knex';
import type { MergeBody, TicketStatus } from '../contracts/tickets.ts';
import type { Actor, MergeResult, TicketAction } from '../ports.ts';
import { auditLine } from './pg-audit-line.ts';

interface LockedTicket {
  readonly id: string;
  readonly status: TicketStatus;
  readonly merged_into: string | null;
}

export async function changeTicket(
  trx: Knex.Transaction,
  actor: Actor,
  id: string,
  action: TicketAction,
): Promise<'changed' | 'notFound' | 'merged'> {
  const [ticket] = await lock(trx, actor, [id]);
  if (ticket === undefined) return 'notFound';
  if (ticket.merged_into !== null) return 'merged';
  const status = statusAfter(action, ticket.status);
  if (status !== ticket.status)
    await trx('tickets')
      .where({ tenant: actor.tenant, id })
      .update({ status, closed_at: status === 'closed' ? trx.fn.now() : null, updated_at: trx.fn.now() });
  if (action !== 'reopen') await resolveAttention(trx, actor, id);
  const change = { before: { status: ticket.status }, after: { status } };
  await auditLine(trx, actor, `ticket.${action}`, { type: 'ticket', id }, change);
  return 'changed';
}

export async function mergeTicket(
  trx: Knex.Transaction,
  actor: Actor,
  id: string,
  { into, admitSenders }: MergeBody,
): Promise<MergeResult> {
  const locked = await lock(trx, actor, [id, into]);
  const source = locked.find((ticket) => ticket.id === id);
  const target = locked.find((ticket) => ticket.id === into);
  if (source === undefined) return 'notFound';
  if (target === undefined) return 'targetUnknown';
  if (source.id === target.id || target.merged_into !== null) return 'targetRefused';
  if (source.merged_into !== null) return 'merged';
  const own = { tenant: actor.tenant, ticket_id: id };
  if (admitSenders)
    await trx.raw(
      `INSERT INTO ticket_participants (tenant, ticket_id, email, source)
       SELECT tenant, :into, email, 'agent' FROM ticket_participants WHERE tenant = :tenant AND ticket_id = :id
       ON CONFLICT DO NOTHING`,
      { tenant: actor.tenant, id, into },
    );
  await trx.raw(
    `INSERT INTO ticket_message_ids (tenant, id_hash, ticket_id, kind)
     SELECT tenant, id_hash, :into, kind FROM ticket_message_ids WHERE tenant = :tenant AND ticket_id = :id
     ON CONFLICT (tenant, id_hash, ticket_id) DO UPDATE
       SET kind = CASE WHEN ticket_message_ids.kind = 'referenced' THEN excluded.kind ELSE ticket_message_ids.kind END`,
    { tenant: actor.tenant, id, into },
  );
  await trx('ticket_message_ids').where(own).delete();
  await trx('ticket_comments')
    .where(own)
    .update({ ticket_id: into, matched_by: trx.raw(`COALESCE(matched_by, 'agent')`) });
  await trx('ticket_attachments').where(own).update({ ticket_id: into });
  await trx('email_reply_tokens').where(own).update({ ticket_id: into });
  await trx('email_processed_messages').where(own).update({ ticket_id: into });
  await trx('outbound_messages').where(own).update({ ticket_id: into });
  // What was merged into this one before goes along: a chain never gets longer than one step.
  await trx('tickets')
    .where({ tenant: actor.tenant })
    .andWhere((rows) => void rows.where({ id }).orWhere({ merged_into: id }))
    .update({ merged_into: into, status: 'closed', closed_at: trx.fn.now(), updated_at: trx.fn.now() });
  await trx('tickets')
    .where({ tenant: actor.tenant, id: into })
    .update({
      status: target.status === 'closed' && source.status !== 'closed' ? 'open' : target.status,
      closed_at: trx.raw('CASE WHEN ? THEN NULL ELSE closed_at END', [source.status !== 'closed']),
      updated_at: trx.fn.now(),
    });
  await resolveAttention(trx, actor, id);
  const change = { before: { status: source.status }, after: { mergedInto: into, admitSenders } };
  await auditLine(trx, actor, 'ticket.merge', { type: 'ticket', id }, change);
  return 'changed';
}

function statusAfter(action: TicketAction, status: TicketStatus): TicketStatus {
  switch (action) {
    case 'close':
      return 'closed';
    case 'reopen':
      return 'open';
    case 'resolve-attention':
      return status === 'needs_attention' ? 'open' : status;
  }
}

async function lock(
  trx: Knex.Transaction,
  { tenant }: Actor,
  ids: readonly string[],
): Promise<readonly LockedTicket[]> {
  return trx('tickets')
    .where({ tenant })
    .whereIn('id', [...ids])
    .orderBy('id')
    .forUpdate()
    .select('id', 'status', 'merged_into');
}

async function resolveAttention(trx: Knex.Transaction, { tenant }: Actor, id: string): Promise<void> {
  await trx('ticket_attention')
    .where({ tenant, ticket_id: id })
    .whereNull('resolved_at')
    .update({ resolved_at: trx.fn.now() });
}
