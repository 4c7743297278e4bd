/**
 * The form of the mails that we send: who they are from, what they answer, and by what machines and we ourselves know them. Pure.
 *
 * - Every mail bears our marks: no Mailstream answers what another one sent by itself, and each knows an agent's answer for a person's.
 * - What is sent without a person says so (RFC 3834 section 5) and has no return path (section 3.3): nobody answers its failures.
 * - The reply token stands in Reply-To where the mailbox takes plus addresses, else in the body. Never in both: a mail that is passed
 *   on should not carry it twice.
 */
import { headerLine, isSendableAddress, isSendableMessageId } from '@mailstream/shared/domain/mail-address';
import { LOOP_HEADER, LOOP_VALUE, OWN_MAIL_HEADER } from '@mailstream/shared/domain/own-mail';
import { hiddenMarker, replyAddress, visibleMarker } from '@mailstream/shared/domain/reply-token';

export type OutgoingKind = 'acknowledgement' | 'agent_reply' | 'alert';

export interface OutgoingMail {
  readonly kind: OutgoingKind;
  readonly recipient: string;
  readonly subject: string;
  readonly bodyText: string;
  /** Sanitised; null for text alone. */
  readonly bodyHtml: string | null;
  readonly messageId: string;
  readonly inReplyTo: string | null;
  /** Oldest first. */
  readonly references: readonly string[];
  readonly replyToken: string;
}

export interface Sender {
  readonly fromEmail: string;
  readonly fromName: string | null;
  readonly plusAddressing: boolean;
}

export interface MailForm {
  readonly from: { readonly address: string; readonly name: string };
  readonly to: string;
  readonly replyTo: string | null;
  /** Empty for the null return path. */
  readonly returnPath: string;
  readonly subject: string;
  readonly messageId: string;
  readonly inReplyTo: string | null;
  readonly references: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly html: string | null;
}

const MAX_SUBJECT = 250;
const MAX_NAME = 100;
const MAX_REFERENCES = 20;
/** What is below it in an answer is not new: see `reply-words.ts`. */
export const REPLY_ABOVE_LINE = '##- Please type your reply above this line -##';

/** Null where an address is none: such a mail cannot be sent. */
export function formMail(mail: OutgoingMail, sender: Sender): MailForm | null {
  if (!isSendableAddress(mail.recipient) || !isSendableAddress(sender.fromEmail)) return null;
  if (!isSendableMessageId(mail.messageId)) return null;
  const isAutomatic = mail.kind !== 'agent_reply';
  const replyTo = sender.plusAddressing ? replyAddress(sender.fromEmail, mail.replyToken) : null;
  const marker = replyTo === null ? mail.replyToken : null;
  return {
    from: { address: sender.fromEmail, name: headerLine(sender.fromName ?? '', MAX_NAME) },
    to: mail.recipient,
    replyTo,
    returnPath: isAutomatic ? '' : sender.fromEmail,
    subject: headerLine(mail.subject, MAX_SUBJECT),
    messageId: mail.messageId,
    inReplyTo: mail.inReplyTo !== null && isSendableMessageId(mail.inReplyTo) ? mail.inReplyTo : null,
    references: mail.references.filter(isSendableMessageId).slice(-MAX_REFERENCES),
    headers: {
      [OWN_MAIL_HEADER]: mail.kind === 'agent_reply' ? 'reply' : mail.kind,
      ...(isAutomatic ? { [LOOP_HEADER]: LOOP_VALUE } : {}),
      ...(isAutomatic ? { 'Auto-Submitted': autoSubmitted(mail.kind) } : {}),
      ...(isAutomatic ? { Precedence: 'auto_reply' } : {}),
      // Also on answers of people: an absence notice for them would come to the ticket.
      'X-Auto-Response-Suppress': isAutomatic ? 'All' : 'OOF, AutoReply',
    },
    text: textOf(mail.bodyText, marker),
    html: mail.bodyHtml === null ? null : htmlOf(mail.bodyHtml, marker),
  };
}

function autoSubmitted(kind: OutgoingKind): string {
  return kind === 'acknowledgement' ? 'auto-replied' : 'auto-generated';
}

function textOf(body: string, token: string | null): string {
  const text = `${REPLY_ABOVE_LINE}\n\n${body.trim()}\n`;
  return token === null ? text : `${text}\n${visibleMarker(token)}\n`;
}

function htmlOf(body: string, token: string | null): string {
  const above = `<p style="color:#777">${REPLY_ABOVE_LINE}</p>`;
  return token === null ? `${above}${body}` : `${above}${body}${hiddenMarker(token)}`;
}
