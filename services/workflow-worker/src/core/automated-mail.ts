/**
 * Who is behind a message: a person, or which kind of machine? Judged by header fields first (RFC 3834, 3464, 8098, 2919, 2369 and
 * what older software writes in their place), by subject prefixes last, since those are words that a person may write as well.
 * Everything here is the sender's word. A false claim harms the claimant alone: mail that says it is automated is recorded and
 * gets no answer.
 */
import { keywordOf, valuesOf } from '@mailstream/shared/domain/header-fields';
import { hasOwnHeader, isOwnMessageId, OWN_MAIL_HEADER } from '@mailstream/shared/domain/own-mail';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { readDeliveryReport, type DeliveryReport } from './delivery-report.ts';
import { isAutoReplySubject, isBounceSubject } from './automated-subjects.ts';

export type MailOrigin =
  | {
      readonly kind: 'human';
      /** The sender asks for no automatic answer (`X-Auto-Response-Suppress`), or mails through a sending service (`Feedback-ID`). */
      readonly wantsNoAnswer: boolean;
    }
  | { readonly kind: 'autoReply'; readonly reason: AutoReplyReason }
  | { readonly kind: 'bounce'; readonly reason: BounceReason; readonly report: DeliveryReport }
  | { readonly kind: 'list'; readonly reason: 'list_header' | 'precedence_list' }
  | { readonly kind: 'bulk'; readonly reason: 'precedence_bulk' | 'unsubscribe_header' }
  | { readonly kind: 'notification'; readonly reason: NotificationReason }
  | { readonly kind: 'ownLoop'; readonly reason: 'own_header' | 'own_message_id' | 'own_mailbox' };

type AutoReplyReason =
  | 'auto_submitted'
  | 'auto_reply_header'
  | 'precedence_auto_reply'
  | 'out_of_office_subject'
  | 'challenge'
  | 'null_return_path';
type BounceReason = 'delivery_report' | 'failed_recipients_header' | 'mailer_daemon' | 'bounce_subject';
type NotificationReason = 'auto_submitted' | 'read_receipt' | 'no_reply_sender' | 'feedback_report';

export interface OwnMailboxes {
  /** Addresses of all mailboxes of the tenant, in any case; aliases that deliver into them count as well. */
  readonly addresses: readonly string[];
}

/** A message of this origin may open a closed ticket again. */
export function mayReopen(origin: MailOrigin): boolean {
  return origin.kind === 'human';
}

/** An acknowledgement or any other mail may be sent automatically because of this message. */
export function mayTriggerAnswer(origin: MailOrigin): boolean {
  return origin.kind === 'human' && !origin.wantsNoAnswer;
}

export function classifyMail(email: EmailData, own: OwnMailboxes): MailOrigin {
  return (
    reportOrigin(email) ??
    ownOrigin(email, own) ??
    bounceOrigin(email) ??
    responderOrigin(email) ??
    listOrigin(email, own) ??
    wordsOrigin(email) ?? { kind: 'human', wantsNoAnswer: wantsNoAnswer(email) }
  );
}

/** First of all: a report may name our Message-ID in its own headers and is no loop. */
function reportOrigin(email: EmailData): MailOrigin | null {
  switch (reportType(email)) {
    case 'delivery-status':
      return { kind: 'bounce', reason: 'delivery_report', report: readDeliveryReport(email) };
    case 'disposition-notification':
      return { kind: 'notification', reason: 'read_receipt' };
    case 'feedback-report':
      return { kind: 'notification', reason: 'feedback_report' };
    default:
      return null;
  }
}

/** RFC 6522 section 3. Some servers send the report's part alone. */
function reportType({ headers, attachments }: EmailData): string | null {
  const contentType = (valuesOf(headers, 'content-type')[0] ?? '').slice(0, 2000);
  const type = /^\s*multipart\/report\b[^]*?\breport-type\s*=\s*"?([a-z-]{1,60})/i.exec(contentType)?.[1];
  if (type !== undefined) return type.toLowerCase();
  const alone = /^\s*message\/(?:global-)?(delivery-status|disposition-notification)\b/i.exec(
    contentType,
  )?.[1];
  if (alone !== undefined) return alone.toLowerCase();
  const isReceipt = attachments.some(
    ({ contentType: part }) => part.toLowerCase() === 'message/disposition-notification',
  );
  return isReceipt ? 'disposition-notification' : null;
}

function ownOrigin({ id, headers, from }: EmailData, own: OwnMailboxes): MailOrigin | null {
  // What an agent of another tenant wrote is a person's mail, though the same program sent it.
  const isPersons = valuesOf(headers, OWN_MAIL_HEADER.toLowerCase()).map(keywordOf).includes('reply');
  if (!isPersons && hasOwnHeader(headers)) return { kind: 'ownLoop', reason: 'own_header' };
  if (!isPersons && isOwnMessageId(id)) return { kind: 'ownLoop', reason: 'own_message_id' };
  const addresses = new Set(own.addresses.map(bareAddress));
  const senders = [from.email, ...valuesOf(headers, 'sender').map(addressIn)];
  return senders.some((sender) => sender !== '' && addresses.has(bareAddress(sender)))
    ? { kind: 'ownLoop', reason: 'own_mailbox' }
    : null;
}

const DAEMON =
  /^(?:mailer[-_.]?daemon|postmaster|mail[-_.]?daemon|mdaemon|bounces?|microsoftexchange[0-9a-f]{16,40})$/;

function bounceOrigin(email: EmailData): MailOrigin | null {
  const { headers, from, subject } = email;
  const isFromDaemon = DAEMON.test(localPart(from.email));
  const reason =
    valuesOf(headers, 'x-failed-recipients').length > 0
      ? 'failed_recipients_header'
      : isFromDaemon && (isBounceSubject(subject) || hasNullReturnPath(email))
        ? 'mailer_daemon'
        : hasNullReturnPath(email) && isBounceSubject(subject)
          ? 'bounce_subject'
          : null;
  return reason === null ? null : { kind: 'bounce', reason, report: readDeliveryReport(email) };
}

const AUTO_REPLY_HEADERS = [
  'x-autoreply',
  'x-autorespond',
  'x-auto-reply',
  'x-autoresponder',
  'x-autoreply-from',
  'x-mail-autoreply',
  'x-vacation',
  'x-autogenerated',
];

function responderOrigin(email: EmailData): MailOrigin | null {
  const { headers } = email;
  const submitted = valuesOf(headers, 'auto-submitted')
    .map(keywordOf)
    .find((word) => word !== '' && word !== 'no');
  if (submitted !== undefined) {
    return submitted.startsWith('auto-replied')
      ? { kind: 'autoReply', reason: 'auto_submitted' }
      : { kind: 'notification', reason: 'auto_submitted' };
  }
  const marked = headers.some(
    ({ name, value }) => AUTO_REPLY_HEADERS.includes(name.toLowerCase()) && keywordOf(value) !== 'no',
  );
  if (marked) return { kind: 'autoReply', reason: 'auto_reply_header' };
  if (precedences(email).some((word) => /^auto[-_]?reply$/.test(word))) {
    return { kind: 'autoReply', reason: 'precedence_auto_reply' };
  }
  if (
    valuesOf(headers, 'x-delivery-agent').some((value) => /^tmda\b/i.test(value)) ||
    valuesOf(headers, 'x-boxtrapper').length > 0
  ) {
    return { kind: 'autoReply', reason: 'challenge' };
  }
  return hasNullReturnPath(email) ? { kind: 'autoReply', reason: 'null_return_path' } : null;
}

const LIST_HEADERS = [
  'list-id',
  'list-post',
  'list-help',
  'list-subscribe',
  'list-owner',
  'list-archive',
  'mailing-list',
  'x-mailman-version',
];

/** A group that delivers into one of the tenant's own mailboxes is that mailbox's other name, not a list it reads. */
function listOrigin(email: EmailData, own: OwnMailboxes): MailOrigin | null {
  const { headers } = email;
  if (isOwnGroup(email, own)) return null;
  if (headers.some(({ name }) => LIST_HEADERS.includes(name.toLowerCase()))) {
    return { kind: 'list', reason: 'list_header' };
  }
  const words = precedences(email);
  if (words.includes('list')) return { kind: 'list', reason: 'precedence_list' };
  if (words.includes('bulk') || words.includes('junk')) return { kind: 'bulk', reason: 'precedence_bulk' };
  return headers.some(({ name }) => name.toLowerCase().startsWith('list-unsubscribe'))
    ? { kind: 'bulk', reason: 'unsubscribe_header' }
    : null;
}

function isOwnGroup({ headers }: EmailData, own: OwnMailboxes): boolean {
  const groups = own.addresses.map(bareAddress);
  const post = valuesOf(headers, 'list-post').map(
    (value) => /<mailto:([^>?]{1,320})/i.exec(value)?.[1] ?? '',
  );
  const ids = valuesOf(headers, 'list-id').map(
    (value) => /<([^<>]{1,320})>/.exec(value)?.[1]?.toLowerCase() ?? '',
  );
  return groups.some(
    (group) =>
      post.some((address) => bareAddress(address) === group) || ids.includes(group.replace('@', '.')),
  );
}

const NO_REPLY =
  /^(?:(?:no|not|do[-_.]?not|dont|never)[-_.]?(?:reply|respond|answer)|nereply|noresponse|ne[-_.]?pas[-_.]?repondre|nicht[-_.]?antworten|keine[-_.]?antwort)(?:[-_.+].*)?$/;

function wordsOrigin({ subject, from }: EmailData): MailOrigin | null {
  if (isAutoReplySubject(subject)) return { kind: 'autoReply', reason: 'out_of_office_subject' };
  return NO_REPLY.test(localPart(from.email)) ? { kind: 'notification', reason: 'no_reply_sender' } : null;
}

/** `X-Auto-Response-Suppress` asks not to be answered, it does not say that the message is an answer. */
function wantsNoAnswer({ headers }: EmailData): boolean {
  const asks = valuesOf(headers, 'x-auto-response-suppress').some((value) =>
    /\b(?:all|oof|autoreply)\b/i.test(value.slice(0, 200)),
  );
  return asks || valuesOf(headers, 'feedback-id').length > 0;
}

function precedences({ headers }: EmailData): readonly string[] {
  return [...valuesOf(headers, 'precedence'), ...valuesOf(headers, 'x-precedence')].map(keywordOf);
}

/** RFC 5321 section 4.5.5. */
function hasNullReturnPath({ headers }: EmailData): boolean {
  return valuesOf(headers, 'return-path').some((value) => keywordOf(value).replace(/\s/g, '') === '<>');
}

function localPart(address: string): string {
  return address
    .slice(0, Math.max(0, address.lastIndexOf('@')))
    .trim()
    .toLowerCase();
}

function addressIn(value: string): string {
  return /[^\s<>"(),;:]{1,64}@[^\s<>"(),;:@]{1,255}/.exec(value.slice(0, 1000))?.[0] ?? '';
}

/** Without the part after a plus, which names no other mailbox. */
function bareAddress(address: string): string {
  return address
    .trim()
    .toLowerCase()
    .replace(/\+[^@]*(?=@)/, '');
}
