/** From the event's message to what a ticket and a comment hold. Pure. */
import type { EmailData } from '@mailstream/shared/events/email-received';

export interface CommentDraft {
  readonly messageId: string;
  readonly authorEmail: string;
  readonly authorName: string | null;
  readonly bodyText: string;
  readonly bodyHtml: string | null;
}

export interface AttachmentDraft {
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  readonly sha256: string;
  readonly storageKey: string;
  readonly contentId: string | null;
  readonly isInline: boolean;
}

export interface TicketPlan {
  readonly subject: string;
  readonly comment: CommentDraft;
  readonly attachments: readonly AttachmentDraft[];
  /** Message-IDs this message answers, nearest first, without doubles. */
  readonly parents: readonly string[];
}

const MAX_SUBJECT = 998;
/** A forged References header may be long; real threads are found by their nearest messages. */
const MAX_PARENTS = 50;
const MAX_MESSAGE_ID = 998;

export function planTicket(email: EmailData): TicketPlan {
  return {
    subject: subjectOf(email.subject),
    comment: {
      messageId: storable(email.id),
      authorEmail: storable(email.from.email),
      authorName: email.from.name === undefined ? null : storable(email.from.name),
      bodyText: storable(email.body.text),
      bodyHtml: email.body.html === undefined ? null : storable(email.body.html),
    },
    attachments: email.attachments.map((attachment) => ({
      name: storable(attachment.name),
      contentType: storable(attachment.contentType),
      size: attachment.size,
      sha256: attachment.sha256,
      storageKey: attachment.storageKey,
      contentId: attachment.contentId === undefined ? null : storable(attachment.contentId),
      isInline: attachment.isInline ?? false,
    })),
    parents: parentsOf(email),
  };
}

/** PostgreSQL has no NUL in text; mail has. The original is in storage. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\ufffd');
}

function subjectOf(subject: string): string {
  const line = storable(subject).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_SUBJECT);
  return line === '' ? '(no subject)' : line;
}

/** In-Reply-To first, then References from the end: its last is the direct parent (RFC 5322 section 3.6.4). */
function parentsOf({ id, inReplyTo, references }: EmailData): readonly string[] {
  const nearestFirst = [
    ...(inReplyTo === undefined ? [] : messageIds(inReplyTo)),
    ...references.toReversed(),
  ];
  const usable = nearestFirst
    .map((reference) => storable(reference.trim()))
    .filter((reference) => reference !== '' && reference.length <= MAX_MESSAGE_ID && reference !== id);
  return [...new Set(usable)].slice(0, MAX_PARENTS);
}

/** Some programs put several ids, or words, into In-Reply-To. */
function messageIds(inReplyTo: string): readonly string[] {
  return inReplyTo.slice(0, 10 * MAX_MESSAGE_ID).match(/<[^<>\s]+>/g) ?? [inReplyTo];
}
