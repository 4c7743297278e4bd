/**
 * Everything that is to be known before a mail is placed, in one statement: all of it is of one moment. A message that this one answers
 * is either still pending or has its ticket; two statements could see neither.
 */
import type { Knex } from 'knex';
import type { DatabaseLink } from '@mailstream/shared/db/prepared-statements';
import type { PreparedStatements } from '@mailstream/shared/db/prepared-statements';
import { messageIdHash } from '@mailstream/shared/mail/message-id-hash';
import { hashReplyToken } from '@mailstream/shared/mail/reply-token-secret';
import { z } from 'zod';
import type { Candidate } from '../core/conversation.ts';
import type { IncomingMail } from '../core/incoming-mail.ts';
import type { RuleVerdict } from '../core/rule-verdict.ts';
import type { InboundEmail } from '../ports.ts';

const MAX_CANDIDATES = 20;

const candidateSchema = z.object({
  ticketId: z.string(),
  status: z.enum(['open', 'pending', 'closed', 'needs_attention']),
  evidence: z.enum(['token', 'reference', 'subject', 'bounce']),
  isSendersOwn: z.boolean(),
  isClosedForGood: z.boolean(),
  isFlooded: z.boolean(),
}) satisfies z.ZodType<Candidate>;

const defaultsSchema = z.object({
  clientId: z.string().nullable(),
  priority: z.string(),
  queue: z.string().nullable(),
  tags: z.array(z.string()),
  authservIds: z.array(z.string()),
  authservWritesNoId: z.boolean(),
  authservFields: z.number(),
  requireVerifiedSender: z.boolean(),
});

const knownSchema = z.object({
  hasProvider: z.boolean(),
  isProcessed: z.boolean(),
  /** No other transaction works on this conversation, and none begins to before this one ends. */
  isAlone: z.boolean(),
  isParentPending: z.boolean(),
  /** How many tickets have the ids that {@link conversationHashes} gives. */
  mentions: z.number(),
  /** Of the mailbox, or the tenant's; null where neither has any. */
  defaults: defaultsSchema.nullable(),
  imapHost: z.string().nullable(),
  /** Addresses of the tenant's mailboxes, lower case. */
  mailboxes: z.array(z.string()),
  /** A user with the sender's address. */
  userId: z.string().nullable(),
  contactId: z.string().nullable(),
  /** By address, else by domain; active ones only. */
  clientId: z.string().nullable(),
  hasClients: z.boolean(),
  /** The mailbox answers new tickets of people by itself. */
  acknowledges: z.boolean(),
  candidates: z.array(candidateSchema),
  /** Of the tenant's rules as they are now; null where there are none. */
  rulesVersion: z.string().nullable(),
  /** The client that the rules name, if it gets new tickets. */
  ruledClientId: z.string().nullable(),
});

/** Large statements are prepared: see `prepared-statements.ts`. */
export interface InboxTransaction {
  readonly trx: Knex.Transaction;
  readonly link: DatabaseLink;
  readonly statements: PreparedStatements;
}

export type Known = z.infer<typeof knownSchema>;

/** Ids by which other mails of the conversation could make a ticket for it. */
export function conversationHashes(mail: IncomingMail): readonly Buffer[] {
  return [mail.messageId, ...mail.parentIds].map(messageIdHash);
}

/** Waits until no other transaction works on this conversation. */
export async function lockConversation(
  trx: Knex.Transaction,
  { tenant }: InboundEmail,
  mail: IncomingMail,
): Promise<void> {
  await trx.raw('SELECT pg_advisory_xact_lock(hashtextextended(:conversation, 0))', {
    conversation: `inbox:${tenant}:${mail.rootId}`,
  });
}

export async function lookUp(
  { statements, ...transaction }: InboxTransaction,
  { tenant, eventId, providerId }: InboundEmail,
  mail: IncomingMail,
  { clientId }: RuleVerdict,
): Promise<Known> {
  const rows = await statements.run(transaction, LOOKUP, {
    tenant,
    eventId,
    providerId,
    conversation: `inbox:${tenant}:${mail.rootId}`,
    sender: mail.sender.email,
    domain: mail.sender.email.slice(mail.sender.email.lastIndexOf('@') + 1),
    parents: mail.parentIds,
    parentHashes: mail.parentIds.map(messageIdHash),
    ownHash: messageIdHash(mail.messageId),
    conversationHashes: conversationHashes(mail),
    bounceHashes: mail.bouncedIds.map(messageIdHash),
    tokenHashes: mail.tokens.map(hashReplyToken),
    numbers: mail.ticketNumbers,
    limit: MAX_CANDIDATES,
    ruledClient: clientId,
  });
  return knownSchema.parse(rows[0]);
}

/**
 * A reply waits for its parent only if the same person wrote it: nobody can hold up somebody else's mail.
 * What leads to a ticket is looked for first, and each ticket then by its id (LATERAL, LIMIT 1): where the statistics are old, the
 * planner would go through all tickets of the tenant instead, or through all messages that are not processed (OFFSET 0).
 */
const LOOKUP = `
WITH settings AS (
  SELECT d.*, (SELECT c.id FROM clients c WHERE c.tenant = d.tenant AND c.id = d.client_id AND c.is_active) AS active_client_id
    FROM ticket_defaults d
   WHERE d.tenant = :tenant AND (d.provider_id = :providerId OR d.provider_id IS NULL)
   ORDER BY d.provider_id NULLS LAST LIMIT 1
), hit AS (
  SELECT k.ticket_id, 'token' AS evidence, 0 AS strength, 0 AS distance, k.expires_at > now() AS is_usable, k.recipient_email
    FROM email_reply_tokens k
   WHERE k.tenant = :tenant AND k.token_hash = ANY(CAST(:tokenHashes AS bytea[]))
  UNION ALL
  SELECT m.ticket_id, 'reference', CASE m.kind WHEN 'referenced' THEN 2 ELSE 1 END,
         array_position(CAST(:parentHashes AS bytea[]), m.id_hash), true, NULL
    FROM ticket_message_ids m
   WHERE m.tenant = :tenant AND m.id_hash = ANY(CAST(:parentHashes AS bytea[]))
  UNION ALL
  SELECT m.ticket_id, 'reference', 2, 0, true, NULL
    FROM ticket_message_ids m
   WHERE m.tenant = :tenant AND m.id_hash = :ownHash AND m.kind = 'referenced'
  UNION ALL
  SELECT m.ticket_id, 'bounce', 1, 0, true, NULL
    FROM ticket_message_ids m
   WHERE m.tenant = :tenant AND m.id_hash = ANY(CAST(:bounceHashes AS bytea[])) AND m.kind = 'sent'
  UNION ALL
  SELECT t.id, 'subject', 3, named.place, true, NULL
    FROM unnest(CAST(:numbers AS bigint[])) WITH ORDINALITY AS named (number, place)
   CROSS JOIN LATERAL (SELECT id FROM tickets WHERE tenant = :tenant AND tickets.number = named.number LIMIT 1) t
), pointed AS (
  SELECT t.*, h.evidence, h.strength, h.distance, t.provider_id IS NOT DISTINCT FROM :providerId AS is_same_mailbox,
         h.is_usable AND :sender <> '' AND (COALESCE(lower(h.recipient_email) = :sender, false) OR EXISTS (
           SELECT FROM ticket_participants p WHERE p.tenant = t.tenant AND p.ticket_id = t.id AND p.email = :sender)) AS is_own
    FROM hit h
   CROSS JOIN LATERAL (SELECT COALESCE(merged_into, id) AS id FROM tickets WHERE tenant = :tenant AND id = h.ticket_id LIMIT 1) s
   CROSS JOIN LATERAL (SELECT * FROM tickets WHERE tenant = :tenant AND tickets.id = s.id LIMIT 1) t
), candidate AS (
  SELECT p.id AS "ticketId", p.status, p.evidence, p.is_own AS "isSendersOwn",
         p.status = 'closed' AND COALESCE(p.closed_at, p.updated_at)
           < now() - make_interval(hours => COALESCE((SELECT reopen_within_hours FROM settings), 168)) AS "isClosedForGood",
         (SELECT count(*) FROM (
            SELECT FROM ticket_comments c
             WHERE c.tenant = p.tenant AND c.ticket_id = p.id AND c.created_at > now() - interval '1 hour' AND c.author_kind <> 'agent'
             LIMIT COALESCE((SELECT max_messages_per_hour FROM settings), 30)) recent
         ) >= COALESCE((SELECT max_messages_per_hour FROM settings), 30) AS "isFlooded",
         p.strength, p.distance, p.is_same_mailbox, p.created_at
    FROM pointed p
   -- Many people answer the same announcement: that they do makes their tickets nothing to each other.
   WHERE p.strength <> 2 OR p.is_own
   -- Of equals the older one: whoever takes up a known Message-ID later does not draw its answers to himself.
   ORDER BY p.strength, p.distance, p.is_same_mailbox DESC, p.created_at, p.id
   LIMIT :limit
), person AS (
  SELECT c.id, (SELECT cl.id FROM clients cl WHERE cl.tenant = c.tenant AND cl.id = c.client_id AND cl.is_active) AS client_id
    FROM contacts c WHERE c.tenant = :tenant AND c.email = :sender
)
SELECT EXISTS (SELECT FROM email_providers WHERE tenant = :tenant AND id = :providerId) AS "hasProvider",
       EXISTS (SELECT FROM email_processed_messages WHERE tenant = :tenant AND event_id = :eventId) AS "isProcessed",
       pg_try_advisory_xact_lock(hashtextextended(:conversation, 0)) AS "isAlone",
       EXISTS (
         SELECT FROM unnest(CAST(:parents AS text[])) AS parent (id)
          CROSS JOIN LATERAL (SELECT * FROM inbound_messages WHERE tenant = :tenant AND message_id = parent.id OFFSET 0) m
          WHERE m.status IN ('received', 'published') AND m.event_id <> :eventId AND lower(m.sender) = :sender
            AND m.received_at > now() - interval '10 minutes'
       ) AS "isParentPending",
       (SELECT count(*) FROM ticket_message_ids
         WHERE tenant = :tenant AND id_hash = ANY(CAST(:conversationHashes AS bytea[]))) AS mentions,
       (SELECT jsonb_build_object('clientId', active_client_id, 'priority', priority, 'queue', queue, 'tags', tags,
                                  'authservIds', authserv_ids,
                                  'authservWritesNoId', authserv_writes_no_id, 'authservFields', authserv_fields,
                                  'requireVerifiedSender', require_verified_sender)
          FROM settings) AS defaults,
       (SELECT host FROM imap_email_provider_config WHERE tenant = :tenant AND email_provider_id = :providerId) AS "imapHost",
       (SELECT COALESCE(jsonb_agg(lower(mailbox)), '[]') FROM email_providers WHERE tenant = :tenant) AS mailboxes,
       (SELECT id FROM users WHERE tenant = :tenant AND lower(email) = :sender AND disabled_at IS NULL LIMIT 1) AS "userId",
       (SELECT id FROM person) AS "contactId",
       COALESCE((SELECT client_id FROM person),
                (SELECT d.client_id FROM client_domains d JOIN clients c ON c.tenant = d.tenant AND c.id = d.client_id AND c.is_active
                  WHERE d.tenant = :tenant AND d.domain = :domain)) AS "clientId",
       EXISTS (SELECT FROM clients WHERE tenant = :tenant AND is_active) AS "hasClients",
       (SELECT version FROM email_rule_sets WHERE tenant = :tenant) AS "rulesVersion",
       (SELECT id FROM clients WHERE tenant = :tenant AND id = CAST(:ruledClient AS uuid) AND is_active) AS "ruledClientId",
       EXISTS (SELECT FROM smtp_settings WHERE tenant = :tenant AND provider_id = :providerId AND acknowledge) AS acknowledges,
       (SELECT COALESCE(jsonb_agg(to_jsonb(c) ORDER BY c.strength, c.distance, c.is_same_mailbox DESC, c.created_at, c."ticketId"), '[]')
          FROM candidate c) AS candidates`;
