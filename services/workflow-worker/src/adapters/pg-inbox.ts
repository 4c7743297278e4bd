/**
 * The effect of an event and its gate, in one transaction of the event's tenant.
 *
 * The gate row (unique by tenant and event) is written before anything else is changed: a second transaction for the same event waits
 * there for the first and then finds that there is nothing to do. Whatever goes wrong undoes gate and effect together.
 */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { sqlState, unavailable } from '@mailstream/shared/db/database-faults';
import { planTicket, type TicketPlan } from '../core/ticket-plan.ts';
import type { EffectOutcome, Inbox, InboundEmail } from '../ports.ts';

/** Deadlock, serialization failure, lock not available: the same transaction works when it is run again. */
const RUN_AGAIN = new Set(['40P01', '40001', '55P03']);
const RUNS = 3;
/** Missing table or column: the schema is older than the program. Waiting for the migration, no message is to blame. */
const SCHEMA_MISSING = new Set(['42P01', '42703']);

export function createPgInbox(database: Database): Inbox {
  return {
    apply: async (message, { waitForParents }) => {
      for (let run = 1; ; run += 1) {
        try {
          return await database.withTenant(message.tenant, (trx) => apply(trx, message, waitForParents));
        } catch (error) {
          const state = sqlState(error) ?? '';
          if (SCHEMA_MISSING.has(state)) throw unavailable('the database has not been migrated', error);
          if (run >= RUNS || !RUN_AGAIN.has(state)) throw error;
        }
      }
    },
    markDeadLetter: (tenant, eventId, reason) =>
      database.withTenant(tenant, async (trx) => {
        await trx('inbound_messages')
          .where({ tenant, event_id: eventId })
          .whereIn('status', ['received', 'published'])
          .update({ status: 'dead_letter', reason, updated_at: trx.fn.now() });
      }),
    ping: () => database.ping(),
  };
}

async function apply(
  trx: Knex.Transaction,
  message: InboundEmail,
  waitForParents: boolean,
): Promise<EffectOutcome> {
  const { tenant, eventId, providerId } = message;
  const known = await lookUp(trx, message);
  if (known.isProcessed) {
    await settleLedger(trx, message);
    return { kind: 'duplicate' };
  }
  if (!known.hasProvider)
    return { kind: 'rejected', code: 'PROVIDER_UNKNOWN', detail: 'the tenant has no such mailbox' };

  const plan = planTicket(message.email);
  // In this order: each statement sees what is committed when it begins. A parent that is no longer pending in the first one has its
  // ticket in the second; the other way round a commit in between would show neither.
  const isWaiting = waitForParents && (await isParentPending(trx, message, plan));
  const thread = await findTicket(trx, message, plan);
  if (thread === null && isWaiting) return { kind: 'parentPending' };

  const ticketId = thread ?? randomUUID();
  const commentId = randomUUID();
  const gate = await trx('email_processed_messages')
    .insert({
      tenant,
      event_id: eventId,
      provider_id: providerId,
      message_id: plan.comment.messageId,
      outcome: thread === null ? 'ticket' : 'comment',
      ticket_id: ticketId,
      comment_id: commentId,
    })
    .onConflict(['tenant', 'event_id'])
    .ignore()
    .returning('event_id');
  if (gate.length === 0) {
    await settleLedger(trx, message);
    return { kind: 'duplicate' };
  }
  const number = thread === null ? await openTicket(trx, message, plan, ticketId) : null;
  if (thread !== null) await reopenTicket(trx, message, ticketId);
  await addComment(trx, message, plan, { ticketId, commentId });
  await settleLedger(trx, message);
  return number === null ? { kind: 'comment', ticketId } : { kind: 'ticket', ticketId, number };
}

async function lookUp(
  trx: Knex.Transaction,
  { tenant, eventId, providerId }: InboundEmail,
): Promise<{ readonly hasProvider: boolean; readonly isProcessed: boolean }> {
  const { rows } = await trx.raw<{ rows: { hasProvider: boolean; isProcessed: boolean }[] }>(
    `SELECT EXISTS (SELECT FROM email_providers WHERE tenant = :tenant AND id = :providerId) AS "hasProvider",
            EXISTS (SELECT FROM email_processed_messages WHERE tenant = :tenant AND event_id = :eventId) AS "isProcessed"`,
    { tenant, eventId, providerId },
  );
  return rows[0] ?? { hasProvider: false, isProcessed: false };
}

/** The ticket of a message that this one answers, if its requester is the sender: nobody else gets into a ticket by a header. */
async function findTicket(
  trx: Knex.Transaction,
  message: InboundEmail,
  plan: TicketPlan,
): Promise<string | null> {
  if (plan.parents.length === 0 || plan.comment.authorEmail === '') return null;
  const { rows } = await trx.raw<{ rows: { ticket_id: string }[] }>(
    `SELECT c.ticket_id
       FROM ticket_comments c
       JOIN tickets t ON t.tenant = c.tenant AND t.id = c.ticket_id
      WHERE c.tenant = :tenant AND c.message_id = ANY(CAST(:parents AS text[])) AND lower(t.requester_email) = lower(:sender)
      ORDER BY array_position(CAST(:parents AS text[]), c.message_id), c.created_at DESC
      LIMIT 1`,
    { tenant: message.tenant, parents: plan.parents, sender: plan.comment.authorEmail },
  );
  return rows[0]?.ticket_id ?? null;
}

/**
 * Another worker, or a later attempt, may still be about to process the message that this one answers. The caller bounds the wait, for
 * two messages may name each other.
 */
async function isParentPending(
  trx: Knex.Transaction,
  message: InboundEmail,
  plan: TicketPlan,
): Promise<boolean> {
  if (plan.parents.length === 0) return false;
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `SELECT FROM inbound_messages
      WHERE tenant = :tenant AND message_id = ANY(CAST(:parents AS text[])) AND status IN ('received', 'published')
        AND event_id <> :eventId AND lower(sender) = lower(:sender) AND received_at > now() - interval '10 minutes'
      LIMIT 1`,
    {
      tenant: message.tenant,
      parents: plan.parents,
      eventId: message.eventId,
      sender: plan.comment.authorEmail,
    },
  );
  return rows.length > 0;
}

async function openTicket(
  trx: Knex.Transaction,
  { tenant, providerId }: InboundEmail,
  plan: TicketPlan,
  ticketId: string,
): Promise<number> {
  // Taken as late as possible: the row stays locked until COMMIT, and the tenant's other tickets wait for it.
  const { rows } = await trx.raw<{ rows: { value: number }[] }>(
    `INSERT INTO tenant_counters (tenant, name, value) VALUES (:tenant, 'ticket', 1)
     ON CONFLICT (tenant, name) DO UPDATE SET value = tenant_counters.value + 1
     RETURNING value`,
    { tenant },
  );
  const number = rows[0]?.value ?? 0;
  await trx('tickets').insert({
    tenant,
    id: ticketId,
    number,
    subject: plan.subject,
    requester_email: plan.comment.authorEmail,
    requester_name: plan.comment.authorName,
    provider_id: providerId,
  });
  return number;
}

/** A customer who writes again is waiting again. */
async function reopenTicket(
  trx: Knex.Transaction,
  { tenant }: InboundEmail,
  ticketId: string,
): Promise<void> {
  await trx('tickets')
    .where({ tenant, id: ticketId })
    .update({
      status: trx.raw(`CASE WHEN status IN ('pending', 'closed') THEN 'open' ELSE status END`),
      updated_at: trx.fn.now(),
    });
}

async function addComment(
  trx: Knex.Transaction,
  { tenant, eventId }: InboundEmail,
  { comment, attachments }: TicketPlan,
  { ticketId, commentId }: { readonly ticketId: string; readonly commentId: string },
): Promise<void> {
  await trx('ticket_comments').insert({
    tenant,
    id: commentId,
    ticket_id: ticketId,
    event_id: eventId,
    message_id: comment.messageId,
    author_email: comment.authorEmail,
    author_name: comment.authorName,
    body_text: comment.bodyText,
    body_html: comment.bodyHtml,
  });
  if (attachments.length === 0) return;
  await trx.batchInsert(
    'ticket_attachments',
    attachments.map((attachment) => ({
      tenant,
      id: randomUUID(),
      ticket_id: ticketId,
      comment_id: commentId,
      name: attachment.name,
      content_type: attachment.contentType,
      size: attachment.size,
      sha256: attachment.sha256,
      storage_key: attachment.storageKey,
      content_id: attachment.contentId,
      is_inline: attachment.isInline,
    })),
    500,
  );
}

/** The row may be missing: a database that lost its last commits still has its events on the stream. */
async function settleLedger(trx: Knex.Transaction, { tenant, eventId }: InboundEmail): Promise<void> {
  await trx('inbound_messages')
    .where({ tenant, event_id: eventId })
    .whereNot('status', 'processed')
    .update({
      status: 'processed',
      reason: trx.raw(`CASE WHEN status = 'dead_letter' THEN NULL ELSE reason END`),
      processed_at: trx.fn.now(),
      updated_at: trx.fn.now(),
    });
}
