/** The event's message as the database takes it, and what it can be found by. Pure. */
import type { EmailAttachment, EmailData } from '@mailstream/shared/events/email-received-schema';
import { classifyMail } from './automated-mail.ts';
import { originalMessageId, returnedPart, type DeliveryReport } from './delivery-report.ts';
import { findReplyReferences } from './reply-reference.ts';

export interface AttachmentDraft {
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  readonly sha256: string;
  readonly storageKey: string;
  readonly contentId: string | null;
  readonly isInline: boolean;
}

export interface IncomingMail {
  readonly messageId: string;
  /** `email` is in lower case, and empty where there is none that a person could be known by; `shown` is what stood in the mail. */
  readonly sender: { readonly email: string; readonly name: string | null; readonly shown: string };
  readonly subject: string;
  readonly bodyText: string;
  readonly bodyHtml: string | null;
  readonly attachments: readonly AttachmentDraft[];
  /** Message-IDs that this mail answers, nearest first, without doubles. */
  readonly parentIds: readonly string[];
  /** The oldest message of the conversation that this one names, or itself: the same for all that keep their References. */
  readonly rootId: string;
  readonly tokens: readonly string[];
  readonly ticketNumbers: readonly number[];
  /** Of the mail that this one, a delivery report, says was not delivered. */
  readonly bouncedIds: readonly string[];
  /** The report says that it will not be delivered, rather than not yet. */
  readonly isBounceFinal: boolean;
}

const MAX_SUBJECT = 998;
/** RFC 5321 section 4.5.3.1: 64 and 255 and the at sign. Nobody is known by a longer one. */
const MAX_ADDRESS = 320;
const MAX_NAME = 998;

/** @param returnedHeader of the mail that a delivery report brings back, where that is an attachment and could be read */
export function readMail(email: EmailData, returnedHeader: string | null = null): IncomingMail {
  const references = findReplyReferences(email);
  const parentIds = references.messageIds.map(storable);
  const messageId = storable(email.id);
  return {
    messageId,
    sender: {
      email: usableAddress(email.from.email),
      name: email.from.name === undefined ? null : oneLine(email.from.name).slice(0, MAX_NAME),
      shown: storable(email.from.email),
    },
    subject: subjectOf(email.subject),
    bodyText: storable(email.body.text),
    bodyHtml: email.body.html === undefined ? null : storable(email.body.html),
    attachments: email.attachments.map((attachment) => ({
      name: storable(attachment.name),
      contentType: storable(attachment.contentType),
      size: attachment.size,
      sha256: attachment.sha256,
      storageKey: attachment.storageKey,
      contentId: attachment.contentId === undefined ? null : storable(attachment.contentId),
      isInline: attachment.isInline ?? false,
    })),
    parentIds,
    rootId: parentIds.at(-1) ?? messageId,
    tokens: references.tokens,
    ticketNumbers: references.ticketNumbers,
    ...bounceOf(email, returnedHeader),
  };
}

function bounceOf(
  email: EmailData,
  returnedHeader: string | null,
): Pick<IncomingMail, 'bouncedIds' | 'isBounceFinal'> {
  const origin = classifyMail(email, { addresses: [] });
  if (origin.kind !== 'bounce') return { bouncedIds: [], isBounceFinal: false };
  const id = originalMessageId(origin.report, returnedHeader);
  return { bouncedIds: id === null ? [] : [storable(id)], isBounceFinal: isFinal(origin.report) };
}

/** Where no field says it, the class of the code does (RFC 3463 section 2): reports in prose end with one. */
function isFinal({ action, status }: DeliveryReport): boolean {
  return action === 'failed' || (action === 'unknown' && (status ?? '').startsWith('5'));
}

/** The attachment whose header has to be read before {@link readMail}; null where nothing has to be. */
export function partToRead(email: EmailData): EmailAttachment | null {
  // Nearly every mail: a look at its attachments is all it costs.
  const part = returnedPart(email);
  if (part === null) return null;
  const origin = classifyMail(email, { addresses: [] });
  return origin.kind === 'bounce' && origin.report.originalMessageId === null ? part : null;
}

/** PostgreSQL has no NUL in text and no lone surrogates in JSON; mail has. The original is in storage. */
export function storable(text: string): string {
  return Buffer.from(text.replaceAll('\u0000', '\ufffd'), 'utf8').toString('utf8');
}

function oneLine(text: string): string {
  return storable(text).replaceAll(/\s+/g, ' ').trim();
}

function subjectOf(subject: string): string {
  const line = oneLine(subject).slice(0, MAX_SUBJECT);
  return line === '' ? '(no subject)' : line;
}

function usableAddress(address: string): string {
  const email = storable(address).trim().toLowerCase();
  const isUsable = email.length <= MAX_ADDRESS && /^[^\s@][^\s]*@[^\s@]+$/.test(email);
  return isUsable ? email : '';
}
