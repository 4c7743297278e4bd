/**
 * The effect of one event, in one statement: gate, ticket or place in one, comment, attachments, what later mails are found by, and the
 * ledger row.
 *
 * Every part takes its rows from the part before it, so that an event whose gate is taken changes nothing, and so that all transactions
 * take their locks in one order: gate, contact, ticket or counter, and then what only holders of the same one of these meet at, besides
 * the counts of rules. A contact comes first because many mails of one sender may meet there; the counter, which all new tickets of the
 * tenant share, is locked as late as possible.
 */
import type { Knex } from 'knex';
import { messageIdHash } from '@mailstream/shared/mail/message-id-hash';
import { z } from 'zod';
import type { Effect } from '../core/effect.ts';
import type { MatchedRule } from '../core/rule-verdict.ts';
import type { InboundEmail } from '../ports.ts';
import type { InboxTransaction } from './pg-inbox-lookup.ts';

const recordedSchema = z.object({
  /** False: another transaction has made the effect of this event. */
  isGated: z.boolean(),
  /** False: the ticket, or for a new one the conversation, changed after it was looked up. */
  isPlaced: z.boolean(),
  number: z.number().nullable(),
});

export type Recorded = z.infer<typeof recordedSchema>;

/** What was known of the conversation when it was decided. */
export interface SeenConversation {
  readonly hashes: readonly Buffer[];
  readonly mentions: number;
}

export async function record(
  { statements, ...transaction }: InboxTransaction,
  { tenant, eventId, providerId }: InboundEmail,
  effect: Effect,
  conversation: SeenConversation,
  matched: readonly MatchedRule[],
): Promise<Recorded> {
  const { comment, ticket, newContact } = effect;
  const rows = await statements.run(transaction, ticket === null ? INTO_TICKET : NEW_TICKET, {
    tenant,
    eventId,
    providerId,
    outcome: ticket === null ? 'comment' : 'ticket',
    ticketId: effect.ticketId,
    commentId: comment.id,
    messageId: comment.messageId,
    contactId: effect.contactId,
    newContactEmail: newContact?.email ?? null,
    newContactName: newContact?.name ?? null,
    newContactClient: newContact?.clientId ?? null,
    userId: effect.userId,
    seenStatus: effect.seenStatus,
    status: effect.status,
    subject: ticket?.subject ?? null,
    priority: ticket?.priority ?? null,
    queue: ticket?.queue ?? null,
    clientId: ticket?.clientId ?? null,
    participant: ticket?.participant ?? null,
    tags: ticket?.tags ?? [],
    linkId: ticket?.link?.ticketId ?? null,
    linkKind: ticket?.link?.kind ?? null,
    authorEmail: comment.authorEmail,
    authorName: comment.authorName,
    authorKind: comment.authorKind,
    senderCheck: comment.senderCheck,
    automatedKind: comment.automatedKind,
    matchedBy: comment.matchedBy,
    isAnswerable: comment.isAnswerable,
    bodyText: comment.bodyText,
    bodyHtml: comment.bodyHtml,
    replyText: comment.replyText,
    replyHtml: comment.replyHtml,
    quotedText: comment.quotedText,
    rawStorageKey: comment.rawStorageKey,
    textStorageKey: comment.textStorageKey,
    htmlStorageKey: comment.htmlStorageKey,
    attachments: JSON.stringify(effect.attachments),
    receivedHash: messageIdHash(comment.messageId),
    referencedHashes: effect.referencedIds.map(messageIdHash),
    attention: effect.attention,
    conversationHashes: conversation.hashes,
    mentions: conversation.mentions,
    ...ruleBindings(matched),
  });
  return recordedSchema.parse(rows[0]);
}

/** No ticket, by the tenant's own rule: gate and ledger say so, and which rule it was. */
export async function recordSkipped(
  trx: Knex.Transaction,
  { tenant, eventId, providerId }: InboundEmail,
  { messageId, reason }: { readonly messageId: string; readonly reason: string },
  conversation: SeenConversation,
  matched: readonly MatchedRule[],
): Promise<Recorded> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(SKIPPED, {
    tenant,
    eventId,
    providerId,
    messageId,
    reason,
    conversationHashes: conversation.hashes,
    mentions: conversation.mentions,
    ...ruleBindings(matched),
  });
  return recordedSchema.parse(rows[0]);
}

/** Rows that share a rule's count: mails of one rule rarely wait for each other. */
const SLOTS = 16;

function ruleBindings(matched: readonly MatchedRule[]): {
  readonly rules: string;
  readonly ruleIds: readonly string[];
  readonly slot: number;
} {
  return {
    rules: JSON.stringify(matched),
    ruleIds: matched.map(({ id }) => id),
    slot: Math.floor(Math.random() * SLOTS),
  };
}

const GATE_AND_CONTACT = `
WITH gate AS (
  INSERT INTO email_processed_messages (tenant, event_id, provider_id, message_id, outcome, ticket_id, comment_id, rules)
  VALUES (:tenant, :eventId, :providerId, :messageId, :outcome, :ticketId, :commentId, CAST(:rules AS jsonb))
  ON CONFLICT (tenant, event_id) DO NOTHING
  RETURNING tenant
), met AS (
  INSERT INTO contacts (tenant, id, email, name, client_id)
  SELECT tenant, :contactId, CAST(:newContactEmail AS text), CAST(:newContactName AS text), CAST(:newContactClient AS uuid)
    FROM gate WHERE CAST(:newContactEmail AS text) IS NOT NULL
  -- An update, though of nothing, gives the id of a row that came in between.
  ON CONFLICT (tenant, email) DO UPDATE SET updated_at = contacts.updated_at
  RETURNING id
), passed AS (
  SELECT gate.tenant, CASE WHEN CAST(:newContactEmail AS text) IS NULL THEN CAST(:contactId AS uuid) ELSE met.id END AS contact_id
    FROM gate LEFT JOIN met ON true
)`;

/**
 * One more for each rule that matched, of those that are still there. All of a mail's rows are in one slot and are taken in the order
 * of their ids, after everything else: two mails never wait for each other in turns. A rule that is being deleted meanwhile is waited for
 * (KEY SHARE), and then not counted.
 */
const TALLIED = `tallied AS (
  INSERT INTO email_rule_counts AS n (tenant, rule_id, slot, matches, last_matched_at)
  SELECT r.tenant, r.id, CAST(:slot AS smallint), 1, now()
    FROM (SELECT e.tenant, e.id FROM placed JOIN email_rules e ON e.tenant = placed.tenant
           WHERE e.tenant = :tenant AND e.id = ANY(CAST(:ruleIds AS uuid[]))
           ORDER BY e.id FOR KEY SHARE OF e) AS r
  ON CONFLICT (tenant, rule_id, slot) DO UPDATE
    SET matches = n.matches + 1, last_matched_at = greatest(n.last_matched_at, excluded.last_matched_at)
)`;

const EVERYTHING_ELSE = `, comment AS (
  INSERT INTO ticket_comments (tenant, id, ticket_id, event_id, message_id, provider_id, author_email, author_name, author_kind, contact_id,
                               user_id, sender_check, automated_kind, matched_by, is_answerable, body_text, body_html, reply_text, reply_html,
                               quoted_text, raw_storage_key, text_storage_key, html_storage_key)
  SELECT tenant, :commentId, id, :eventId, :messageId, :providerId, :authorEmail, :authorName, :authorKind, contact_id,
         CAST(:userId AS uuid), :senderCheck, :automatedKind, :matchedBy, :isAnswerable, :bodyText, :bodyHtml, :replyText, :replyHtml,
         :quotedText, :rawStorageKey, :textStorageKey, :htmlStorageKey
    FROM placed
), attachment AS (
  INSERT INTO ticket_attachments (tenant, id, ticket_id, comment_id, name, content_type, size, sha256, storage_key, content_id, is_inline)
  SELECT placed.tenant, a.id, placed.id, :commentId, a.name, a."contentType", a.size, a.sha256, a."storageKey", a."contentId", a."isInline"
    FROM placed, jsonb_to_recordset(CAST(:attachments AS jsonb))
      AS a (id uuid, name text, "contentType" text, size bigint, sha256 text, "storageKey" text, "contentId" text, "isInline" boolean)
), known AS (
  INSERT INTO ticket_message_ids (tenant, id_hash, ticket_id, kind)
  SELECT placed.tenant, hash, placed.id, kind
    FROM placed, (SELECT CAST(:receivedHash AS bytea) AS hash, 'received' AS kind
                  UNION ALL SELECT unnest(CAST(:referencedHashes AS bytea[])), 'referenced') AS ids
  ON CONFLICT (tenant, id_hash, ticket_id) DO UPDATE
    SET kind = CASE WHEN ticket_message_ids.kind = 'referenced' THEN excluded.kind ELSE ticket_message_ids.kind END
), flagged AS (
  INSERT INTO ticket_attention (tenant, ticket_id, reason, comment_id)
  SELECT placed.tenant, placed.id, unnest(CAST(:attention AS text[])), :commentId FROM placed
  ON CONFLICT (tenant, ticket_id, reason) DO UPDATE
    SET comment_id = excluded.comment_id, created_at = excluded.created_at, resolved_at = NULL
), settled AS (
  UPDATE inbound_messages m
     SET status = 'processed', reason = CASE WHEN m.status = 'dead_letter' THEN NULL ELSE m.reason END,
         processed_at = now(), updated_at = now()
    FROM placed
   WHERE m.tenant = placed.tenant AND m.event_id = :eventId AND m.status <> 'processed'
), ${TALLIED}`;

const INTO_TICKET = `${GATE_AND_CONTACT}, placed AS (
  UPDATE tickets t
     SET status = :status, closed_at = CASE WHEN :status = 'closed' THEN t.closed_at END, updated_at = now()
    FROM passed
   WHERE t.tenant = passed.tenant AND t.id = :ticketId AND t.status = :seenStatus AND t.merged_into IS NULL
  RETURNING t.tenant, t.id, passed.contact_id
)${EVERYTHING_ELSE}
SELECT EXISTS (SELECT FROM gate) AS "isGated", EXISTS (SELECT FROM placed) AS "isPlaced", NULL AS number`;

const NEW_TICKET = `${GATE_AND_CONTACT}, counted AS (
  INSERT INTO tenant_counters (tenant, name, value) SELECT passed.tenant, 'ticket', 1 FROM passed
   -- The look-up began before it had the lock: whatever was committed in between shows here.
   WHERE :mentions = (SELECT count(*) FROM ticket_message_ids m
                       WHERE m.tenant = passed.tenant AND m.id_hash = ANY(CAST(:conversationHashes AS bytea[])))
  ON CONFLICT (tenant, name) DO UPDATE SET value = tenant_counters.value + 1
  RETURNING value
), placed AS (
  INSERT INTO tickets (tenant, id, number, subject, status, closed_at, requester_email, requester_name, provider_id, contact_id, client_id,
                       priority, queue)
  SELECT passed.tenant, :ticketId, counted.value, :subject, :status, CASE WHEN :status = 'closed' THEN now() END, :authorEmail, :authorName,
         :providerId, passed.contact_id, CAST(:clientId AS uuid), :priority, :queue
    FROM passed, counted
  RETURNING tenant, id, contact_id, number
), participant AS (
  INSERT INTO ticket_participants (tenant, ticket_id, email, source)
  SELECT tenant, id, CAST(:participant AS text), 'requester' FROM placed WHERE CAST(:participant AS text) IS NOT NULL
), tagged AS (
  INSERT INTO ticket_tags (tenant, ticket_id, tag) SELECT tenant, id, unnest(CAST(:tags AS text[])) FROM placed ON CONFLICT DO NOTHING
), linked AS (
  INSERT INTO ticket_links (tenant, ticket_id, other_ticket_id, kind)
  SELECT tenant, id, CAST(:linkId AS uuid), CAST(:linkKind AS text) FROM placed WHERE CAST(:linkId AS uuid) IS NOT NULL
)${EVERYTHING_ELSE}
SELECT EXISTS (SELECT FROM gate) AS "isGated", EXISTS (SELECT FROM placed) AS "isPlaced", (SELECT number FROM placed) AS number`;

const SKIPPED = `
WITH gate AS (
  INSERT INTO email_processed_messages (tenant, event_id, provider_id, message_id, outcome, reason, rules)
  VALUES (:tenant, :eventId, :providerId, :messageId, 'skipped', :reason, CAST(:rules AS jsonb))
  ON CONFLICT (tenant, event_id) DO NOTHING
  RETURNING tenant
), placed AS (
  SELECT gate.tenant FROM gate
   -- As for a new ticket: that it belongs to none may have changed since.
   WHERE :mentions = (SELECT count(*) FROM ticket_message_ids m
                       WHERE m.tenant = gate.tenant AND m.id_hash = ANY(CAST(:conversationHashes AS bytea[])))
), settled AS (
  UPDATE inbound_messages m
     SET status = 'skipped', reason = :reason, processed_at = now(), updated_at = now()
    FROM placed
   WHERE m.tenant = placed.tenant AND m.event_id = :eventId AND m.status NOT IN ('processed', 'skipped')
), ${TALLIED}
SELECT EXISTS (SELECT FROM gate) AS "isGated", EXISTS (SELECT FROM placed) AS "isPlaced", NULL AS number`;

/**
 * The ledger of an event that has its effect says what the gate says. The row may be missing: a database that lost its last commits
 * still has its events on the stream.
 */
export async function settleLedger(trx: Knex.Transaction, { tenant, eventId }: InboundEmail): Promise<void> {
  await trx.raw(
    `UPDATE inbound_messages m
        SET status = CASE g.outcome WHEN 'skipped' THEN 'skipped' ELSE 'processed' END,
            reason = CASE WHEN g.outcome = 'skipped' THEN g.reason WHEN m.status = 'dead_letter' THEN NULL ELSE m.reason END,
            processed_at = now(), updated_at = now()
       FROM email_processed_messages g
      WHERE g.tenant = :tenant AND g.event_id = :eventId AND m.tenant = g.tenant AND m.event_id = g.event_id
        AND m.status NOT IN ('processed', 'skipped')`,
    { tenant, eventId },
  );
}
