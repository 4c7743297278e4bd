/**
 * What a mail that came in makes us send, or tells of what we sent: in the transaction of its effect, so that neither is without the other.
 *
 * An acknowledgement goes to the address that opened the ticket, never to another one that the mail names, and only where
 * - a person wrote it (no machine, list, report or mail of ours), and the mailbox's server does not speak against the sender;
 * - the address is none of our own, and got none within the hour (`acknowledge_per_hour`), and few within the day.
 * The last rule ends the talk of two machines of which one does not say that it is one. New tickets of a tenant come one after the
 * other (they take its counter), so the count is exact. What is not sent is kept as `suppressed`, with the reason.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { isSendableAddress } from '@mailstream/shared/domain/mail-address';
import { ownMessageId } from '@mailstream/shared/domain/own-mail';
import { tokenFromBytes } from '@mailstream/shared/domain/reply-token';
import { answerSubject } from '@mailstream/shared/domain/ticket-subject';
import { messageIdHash } from '@mailstream/shared/mail/message-id-hash';
import { loadSmtpSettings } from '@mailstream/shared/mail/smtp-settings';
import { acknowledgementText } from '../core/acknowledgement.ts';
import type { Assessment, Effect } from '../core/effect.ts';
import type { InboundEmail } from '../ports.ts';

const PER_DAY = 5;

export async function acknowledge(
  trx: Knex.Transaction,
  { tenant, eventId, providerId, email }: InboundEmail,
  { ticketId, ticket, comment }: Effect,
  number: number,
  mayBelieveSender: boolean,
): Promise<void> {
  const settings = await loadSmtpSettings(trx, tenant, providerId);
  const recipient = ticket?.participant ?? '';
  if (settings === null || !settings.acknowledge || !isSendableAddress(recipient)) return;
  const subject = ticket?.subject ?? '';
  const messageId = ownMessageId({
    ticketish: `t-${number}`,
    random: tokenFromBytes(randomBytes(16)),
    domain: settings.fromEmail.slice(settings.fromEmail.lastIndexOf('@') + 1),
  });
  await trx.raw(INSERT, {
    tenant,
    id: randomUUID(),
    providerId,
    ticketId,
    commentId: comment.id,
    dedupeKey: `acknowledgement:${eventId}`,
    recipient,
    subject: answerSubject(subject, number),
    bodyText: acknowledgementText(settings.acknowledgeText, { number, subject, name: comment.authorName }),
    messageId,
    messageIdHash: messageIdHash(messageId),
    inReplyTo: comment.messageId,
    mayBelieveSender,
    receivedAt: email.receivedAt,
    perHour: settings.acknowledgePerHour,
    perDay: Math.max(PER_DAY, settings.acknowledgePerHour),
  });
}

const INSERT = `
WITH recent AS (
  SELECT count(*) FILTER (WHERE created_at > now() - interval '1 hour') AS hour, count(*) AS day
    FROM outbound_messages
   WHERE tenant = :tenant AND kind = 'acknowledgement' AND recipient = :recipient AND state <> 'suppressed'
     AND created_at > now() - interval '1 day'
), verdict AS (
  SELECT CASE
    WHEN EXISTS (SELECT FROM email_providers WHERE tenant = :tenant AND lower(mailbox) = :recipient)
      OR EXISTS (SELECT FROM smtp_settings WHERE tenant = :tenant AND lower(from_email) = :recipient) THEN 'OWN_MAILBOX'
    WHEN NOT CAST(:mayBelieveSender AS boolean) THEN 'SENDER_UNVERIFIED'
    -- A mailbox that begins with its last hundred mails, or that was away for long.
    WHEN CAST(:receivedAt AS timestamptz) < now() - interval '1 day' THEN 'TOO_OLD'
    WHEN recent.hour >= :perHour OR recent.day >= :perDay THEN 'RECIPIENT_LIMIT' END AS reason
    FROM recent
), mail AS (
  INSERT INTO outbound_messages (tenant, id, provider_id, ticket_id, comment_id, kind, priority, state, dedupe_key, recipient, subject,
                                 body_text, message_id, in_reply_to, reference_ids, error_code)
  SELECT :tenant, :id, :providerId, :ticketId, :commentId, 'acknowledgement', 'low',
         CASE WHEN reason IS NULL THEN 'queued' ELSE 'suppressed' END, :dedupeKey, :recipient, :subject, :bodyText, :messageId,
         CAST(:inReplyTo AS text), ARRAY[CAST(:inReplyTo AS text)], reason
    FROM verdict
  ON CONFLICT (tenant, dedupe_key) DO NOTHING
  RETURNING tenant, ticket_id, state
)
INSERT INTO ticket_message_ids (tenant, id_hash, ticket_id, kind)
SELECT tenant, CAST(:messageIdHash AS bytea), ticket_id, 'sent' FROM mail WHERE state = 'queued'
ON CONFLICT DO NOTHING`;

/** A report says that a mail of ours was not delivered. Anybody can write one: it changes what we show, and nothing else. */
export async function noteBounce(
  trx: Knex.Transaction,
  { tenant }: InboundEmail,
  bouncedIds: readonly string[],
  isFinal: boolean,
): Promise<void> {
  await trx('outbound_messages')
    .where({ tenant, state: 'sent' })
    .whereIn('message_id', [...bouncedIds])
    .update({
      ...(isFinal ? { state: 'bounced' } : {}),
      error_code: isFinal ? 'BOUNCED' : 'DELAYED',
      updated_at: trx.fn.now(),
    });
}

/** Where the mailbox's server checks senders, or nobody may be believed without proof, only proof will do. */
export function mayBelieve({ check, serverVerifies }: Assessment, requiresProof: boolean): boolean {
  return check === 'verified' || (check === 'unknown' && !serverVerifies && !requiresProof);
}
