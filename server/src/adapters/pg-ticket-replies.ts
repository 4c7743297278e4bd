/**
 * Answers of agents: the comment, the mail that carries it and its line in the audit log are one transaction; the worker sends.
 *
 * A mail goes to the requester of the ticket alone, and only while he takes part in it: whoever else a mail named in To, Cc or Reply-To
 * was named by a stranger. One key is one answer: its comment's id is made from it.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { providerId as asProviderId } from '@mailstream/shared/domain/ids';
import { isSendableAddress, isSendableMessageId } from '@mailstream/shared/domain/mail-address';
import { ownMessageId } from '@mailstream/shared/domain/own-mail';
import { tokenFromBytes } from '@mailstream/shared/domain/reply-token';
import { answerSubject } from '@mailstream/shared/domain/ticket-subject';
import { messageIdHash } from '@mailstream/shared/mail/message-id-hash';
import { loadSmtpSettings, type SmtpSettings } from '@mailstream/shared/mail/smtp-settings';
import type { Actor, AnswerDraft, ReplyOutcome, ReplyStore } from '../ports.ts';
import { auditLine } from './pg-audit-line.ts';
import { findOutbound } from './pg-outbound.ts';

interface TicketRow {
  readonly number: number;
  readonly subject: string;
  readonly requester_email: string;
  readonly provider_id: string | null;
  readonly merged_into: string | null;
  readonly isParticipant: boolean;
  readonly isDoubtful: boolean;
  readonly isOwn: boolean;
}

interface FileRow {
  readonly name: string;
  readonly content_type: string;
  readonly size: number;
  readonly sha256: string;
  readonly storage_key: string;
}

const MAX_REFERENCES = 10;

const TICKET = `
SELECT t.number, t.subject, lower(t.requester_email) AS requester_email, t.provider_id, t.merged_into,
       EXISTS (SELECT FROM ticket_participants p WHERE p.tenant = t.tenant AND p.ticket_id = t.id AND p.email = lower(t.requester_email))
         AS "isParticipant",
       EXISTS (SELECT FROM ticket_attention a WHERE a.tenant = t.tenant AND a.ticket_id = t.id AND a.resolved_at IS NULL
                 AND a.reason IN ('sender_unverified', 'sender_missing')) AS "isDoubtful",
       EXISTS (SELECT FROM email_providers p WHERE p.tenant = t.tenant AND lower(p.mailbox) = lower(t.requester_email)) AS "isOwn"
  FROM tickets t WHERE t.tenant = :tenant AND t.id = :id FOR UPDATE OF t`;

export function createReplyStore(database: Database): ReplyStore {
  return {
    add: (actor, ticketId, draft) =>
      database.withTenant(actor.tenant, (trx) => add(trx, actor, ticketId, draft)),
  };
}

async function add(
  trx: Knex.Transaction,
  actor: Actor,
  ticketId: string,
  draft: AnswerDraft,
): Promise<ReplyOutcome> {
  const { tenant } = actor;
  const { rows } = await trx.raw<{ rows: TicketRow[] }>(TICKET, { tenant, id: ticketId });
  const [ticket] = rows;
  if (ticket === undefined) return { kind: 'notFound' };
  const commentId = draft.key === null ? randomUUID() : idOf(tenant, ticketId, draft.key);
  const earlier = await earlierAnswer(trx, tenant, commentId, draft);
  if (earlier !== null) return earlier;
  if (ticket.merged_into !== null) return { kind: 'merged' };
  const files = await filesOf(trx, tenant, ticketId, draft.attachmentIds);
  if (files === null) return { kind: 'refused', code: 'attachment' };

  const author = await authorOf(trx, actor);
  let mail: MailParts | null = null;
  if (!draft.isInternal) {
    const settings =
      ticket.provider_id === null
        ? null
        : await loadSmtpSettings(trx, tenant, asProviderId(ticket.provider_id));
    if (settings === null || ticket.provider_id === null) return { kind: 'refused', code: 'smtp' };
    if (!ticket.isParticipant || ticket.isOwn || !isSendableAddress(ticket.requester_email))
      return { kind: 'refused', code: 'recipient' };
    if (ticket.isDoubtful) return { kind: 'refused', code: 'doubtful' };
    mail = await mailParts(trx, tenant, ticketId, ticket, ticket.provider_id, settings);
  }
  await trx('ticket_comments').insert({
    tenant,
    id: commentId,
    ticket_id: ticketId,
    message_id: mail?.messageId ?? null,
    provider_id: mail?.providerId ?? null,
    author_email: author.email,
    author_name: author.name,
    author_kind: 'agent',
    user_id: actor.kind === 'user' ? actor.id : null,
    sender_check: 'verified',
    body_text: draft.text,
    body_html: draft.html,
    is_internal: draft.isInternal,
  });
  for (const file of files)
    await trx('ticket_attachments').insert({
      tenant,
      id: randomUUID(),
      ticket_id: ticketId,
      comment_id: commentId,
      ...file,
    });
  if (mail !== null) await writeMail(trx, tenant, ticketId, commentId, { draft, mail, ticket, files });
  await trx('tickets').where({ tenant, id: ticketId }).update({ updated_at: trx.fn.now() });
  await auditLine(
    trx,
    actor,
    draft.isInternal ? 'ticket.note' : 'ticket.reply',
    { type: 'ticket', id: ticketId },
    { before: null, after: { commentId, attachments: files.length } },
  );
  return { kind: 'added', commentId, mail: mail === null ? null : await mailOf(trx, tenant, commentId) };
}

/** @returns null for a new one. */
async function earlierAnswer(
  trx: Knex.Transaction,
  tenant: string,
  commentId: string,
  draft: AnswerDraft,
): Promise<ReplyOutcome | null> {
  const row: { body_text: string; body_html: string | null; is_internal: boolean } | undefined = await trx(
    'ticket_comments',
  )
    .where({ tenant, id: commentId })
    .first('body_text', 'body_html', 'is_internal');
  if (row === undefined) return null;
  const isSame =
    row.body_text === draft.text && row.body_html === draft.html && row.is_internal === draft.isInternal;
  if (!isSame) return { kind: 'refused', code: 'key' };
  return { kind: 'repeated', commentId, mail: await mailOf(trx, tenant, commentId) };
}

interface MailParts {
  readonly providerId: string;
  readonly messageId: string;
  readonly inReplyTo: string | null;
  readonly references: readonly string[];
}

async function mailParts(
  trx: Knex.Transaction,
  tenant: string,
  ticketId: string,
  { number }: TicketRow,
  providerId: string,
  { fromEmail }: SmtpSettings,
): Promise<MailParts> {
  const rows: { message_id: string; author_kind: string }[] = await trx('ticket_comments')
    .where({ tenant, ticket_id: ticketId })
    .whereNotNull('message_id')
    .orderBy('created_at')
    .select('message_id', 'author_kind');
  const known = rows.filter((row) => isSendableMessageId(row.message_id));
  const answered = known.findLast((row) => row.author_kind !== 'agent') ?? known.at(-1);
  const ids = known.map((row) => row.message_id);
  const references =
    ids.length > MAX_REFERENCES ? [...ids.slice(0, 1), ...ids.slice(1 - MAX_REFERENCES)] : ids;
  return {
    providerId,
    inReplyTo: answered?.message_id ?? null,
    references,
    messageId: ownMessageId({
      ticketish: `t-${number}`,
      random: tokenFromBytes(randomBytes(16)),
      domain: fromEmail.slice(fromEmail.lastIndexOf('@') + 1),
    }),
  };
}

async function writeMail(
  trx: Knex.Transaction,
  tenant: string,
  ticketId: string,
  commentId: string,
  parts: {
    readonly draft: AnswerDraft;
    readonly mail: MailParts;
    readonly ticket: TicketRow;
    readonly files: readonly FileRow[];
  },
): Promise<void> {
  const { draft, mail, ticket, files } = parts;
  await trx('outbound_messages').insert({
    tenant,
    id: randomUUID(),
    provider_id: mail.providerId,
    ticket_id: ticketId,
    comment_id: commentId,
    kind: 'agent_reply',
    priority: draft.priority,
    dedupe_key: `reply:${commentId}`,
    recipient: ticket.requester_email,
    subject: answerSubject(ticket.subject, ticket.number),
    body_text: draft.text,
    body_html: draft.html,
    attachments: JSON.stringify(
      files.map((file) => ({
        name: file.name,
        contentType: file.content_type,
        storageKey: file.storage_key,
        size: file.size,
      })),
    ),
    message_id: mail.messageId,
    in_reply_to: mail.inReplyTo,
    reference_ids: [...mail.references],
  });
  await trx('ticket_message_ids').insert({
    tenant,
    id_hash: messageIdHash(mail.messageId),
    ticket_id: ticketId,
    kind: 'sent',
  });
}

/** Of this ticket only; null where one is not. */
async function filesOf(
  trx: Knex.Transaction,
  tenant: string,
  ticketId: string,
  ids: readonly string[],
): Promise<readonly FileRow[] | null> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return [];
  const rows: FileRow[] = await trx('ticket_attachments')
    .where({ tenant, ticket_id: ticketId })
    .whereIn('id', wanted)
    .select('name', 'content_type', 'size', 'sha256', 'storage_key');
  return rows.length === wanted.length ? rows : null;
}

async function authorOf(
  trx: Knex.Transaction,
  { tenant, kind, id }: Actor,
): Promise<{ readonly email: string; readonly name: string | null }> {
  if (kind === 'api_token') {
    const row: { name: string } | undefined = await trx('api_tokens').where({ tenant, id }).first('name');
    return { email: '', name: row?.name ?? null };
  }
  const row: { email: string; display_name: string } | undefined = await trx('users')
    .where({ tenant, id })
    .first('email', 'display_name');
  return { email: row?.email ?? '', name: row?.display_name ?? null };
}

async function mailOf(
  trx: Knex.Transaction,
  tenant: string,
  commentId: string,
): Promise<Awaited<ReturnType<typeof findOutbound>>> {
  return findOutbound(trx, tenant, { comment_id: commentId });
}

/** A UUID (version 8, RFC 9562 section 5.8) that the key gives every time. */
function idOf(tenant: string, ticketId: string, key: string): string {
  const hex = createHash('sha256')
    .update(JSON.stringify(['answer', tenant, ticketId, key]))
    .digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
