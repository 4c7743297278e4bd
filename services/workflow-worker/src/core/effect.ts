/** From a mail, and what is known about its sender and conversation, to the rows that it becomes. Pure. */
import {
  authorKind,
  place,
  type AttentionReason,
  type AuthorKind,
  type Candidate,
  type Evidence,
  type SenderCheck,
  type TicketStatus,
  type Writer,
} from './conversation.ts';
import type { AttachmentDraft, IncomingMail } from './incoming-mail.ts';
import { bareContentId, rewriteInlineImages } from './inline-images.ts';
import type { RuleVerdict } from './rule-verdict.ts';

/** What the mail says about itself, judged. */
export interface Assessment {
  readonly check: SenderCheck;
  /** Null for a person's mail. */
  readonly automatedKind: string | null;
  readonly isForRecordOnly: boolean;
  readonly isBounce: boolean;
  readonly wantsNoAnswer: boolean;
  readonly rawStorageKey: string;
  readonly textStorageKey: string | null;
  readonly htmlStorageKey: string | null;
  readonly serverVerifies: boolean;
}

/** A mail without what it quotes. */
export interface Reply {
  readonly text: string;
  readonly html: string | null;
  /** Empty where nothing was taken away. */
  readonly quotedText: string;
}

export interface Surroundings {
  readonly defaults: {
    readonly clientId: string | null;
    readonly priority: string;
    readonly queue: string | null;
    readonly tags: readonly string[];
    readonly requireVerifiedSender: boolean;
  } | null;
  readonly userId: string | null;
  readonly contactId: string | null;
  readonly clientId: string | null;
  readonly hasClients: boolean;
  readonly candidates: readonly Candidate[];
  readonly verdict: RuleVerdict;
  /** The client that the rules name; null where they name none, or one that gets no new tickets. */
  readonly ruledClientId: string | null;
}

export interface Effect {
  readonly ticketId: string;
  /** The status on which the decision rests; null for a new ticket. */
  readonly seenStatus: TicketStatus | null;
  readonly status: TicketStatus;
  /** Null puts the comment into a ticket that is there. */
  readonly ticket: NewTicket | null;
  readonly contactId: string | null;
  readonly newContact: {
    readonly email: string;
    readonly name: string | null;
    readonly clientId: string | null;
  } | null;
  readonly userId: string | null;
  readonly comment: NewComment;
  readonly attachments: readonly (AttachmentDraft & { readonly id: string })[];
  /** Message-IDs that a new ticket's first mail answers, and that later ones may answer too. */
  readonly referencedIds: readonly string[];
  readonly attention: readonly AttentionReason[];
}

export interface NewTicket {
  readonly subject: string;
  readonly priority: string;
  readonly queue: string | null;
  readonly clientId: string | null;
  readonly participant: string | null;
  readonly tags: readonly string[];
  readonly link: { readonly ticketId: string; readonly kind: 'follows' | 'may_belong_to' } | null;
}

export interface NewComment {
  readonly id: string;
  readonly messageId: string;
  readonly authorEmail: string;
  readonly authorName: string | null;
  readonly authorKind: AuthorKind;
  readonly senderCheck: SenderCheck;
  readonly automatedKind: string | null;
  readonly matchedBy: Evidence | null;
  readonly isAnswerable: boolean;
  readonly bodyText: string;
  readonly bodyHtml: string | null;
  readonly replyText: string | null;
  readonly replyHtml: string | null;
  readonly quotedText: string | null;
  readonly rawStorageKey: string;
  readonly textStorageKey: string | null;
  readonly htmlStorageKey: string | null;
}

/** Of an answer whose parents are not here: enough to find each other again, too few to fill a table. */
const MAX_REFERENCED = 10;

/** @param newId a new random UUID at each call */
export function planEffect(
  mail: IncomingMail,
  reply: Reply,
  assessment: Assessment,
  known: Surroundings,
  newId: () => string,
): Effect {
  const writer: Writer = {
    email: mail.sender.email,
    check: assessment.check,
    isAutomated: assessment.automatedKind !== null,
    isForRecordOnly: assessment.isForRecordOnly,
    isBounce: assessment.isBounce,
    wantsNoAnswer: assessment.wantsNoAnswer,
    isUser: known.userId !== null,
  };
  const placement = place(writer, known.candidates, {
    serverVerifies: assessment.serverVerifies,
    requireVerifiedSender: known.defaults?.requireVerifiedSender ?? false,
  });
  const kind = authorKind(writer);
  const contact = contactOf(mail, kind, known, newId);
  const isNew = placement.kind === 'ticket';
  const ticket = isNew ? newTicket(mail, kind, placement.link, known) : null;
  const attention: readonly AttentionReason[] =
    isNew && placement.isWork && ticket?.clientId === null && known.hasClients && kind !== 'agent'
      ? [...placement.attention, 'client_unknown']
      : placement.attention;
  const isTrimmed = reply.quotedText !== '';
  const { html, replyHtml, attachments } = withInlineImages(mail, isTrimmed ? reply.html : null, newId);
  return {
    ticketId: isNew ? newId() : placement.ticketId,
    seenStatus: isNew ? null : placement.seenStatus,
    status: isNew ? firstStatus(placement.isWork, attention) : placement.status,
    ticket,
    ...contact,
    userId: kind === 'agent' ? known.userId : null,
    comment: {
      id: newId(),
      messageId: mail.messageId,
      authorEmail: mail.sender.shown,
      authorName: mail.sender.name,
      authorKind: kind,
      senderCheck: assessment.check,
      automatedKind: assessment.automatedKind,
      matchedBy: isNew ? null : placement.evidence,
      isAnswerable: placement.isAnswerable,
      bodyText: mail.bodyText,
      bodyHtml: html,
      replyText: isTrimmed ? reply.text : null,
      replyHtml,
      quotedText: isTrimmed ? reply.quotedText : null,
      rawStorageKey: assessment.rawStorageKey,
      textStorageKey: assessment.textStorageKey,
      htmlStorageKey: assessment.htmlStorageKey,
    },
    attachments,
    referencedIds: isNew ? mail.parentIds.slice(0, MAX_REFERENCED) : [],
    attention,
  };
}

function firstStatus(isWork: boolean, attention: readonly AttentionReason[]): TicketStatus {
  if (!isWork) return 'closed';
  return attention.length === 0 ? 'open' : 'needs_attention';
}

function newTicket(
  mail: IncomingMail,
  kind: AuthorKind,
  link: NewTicket['link'],
  { defaults, clientId, verdict, ruledClientId }: Surroundings,
): NewTicket {
  return {
    subject: mail.subject,
    priority: verdict.priority ?? defaults?.priority ?? 'normal',
    queue: verdict.queue ?? defaults?.queue ?? null,
    // Nobody becomes a client's by a From that the own server calls wrong.
    clientId: (kind === 'unknown' ? null : (ruledClientId ?? clientId)) ?? defaults?.clientId ?? null,
    participant: mail.sender.email === '' ? null : mail.sender.email,
    tags: [...new Set([...(defaults?.tags ?? []), ...verdict.tags])],
    link,
  };
}

/** People alone become contacts: not machines, not users of the tenant, not addresses that were found to be forged. */
function contactOf(
  mail: IncomingMail,
  kind: AuthorKind,
  { contactId, clientId }: Surroundings,
  newId: () => string,
): Pick<Effect, 'contactId' | 'newContact'> {
  if (kind !== 'contact') return { contactId: null, newContact: null };
  if (contactId !== null) return { contactId, newContact: null };
  return {
    contactId: newId(),
    newContact: { email: mail.sender.email, name: mail.sender.name, clientId },
  };
}

function withInlineImages(
  mail: IncomingMail,
  replyHtml: string | null,
  newId: () => string,
): {
  readonly html: string | null;
  readonly replyHtml: string | null;
  readonly attachments: Effect['attachments'];
} {
  const attachments = mail.attachments.map((attachment) => ({ ...attachment, id: newId() }));
  if (mail.bodyHtml === null) return { html: null, replyHtml: null, attachments };
  const ids = new Map(
    attachments.flatMap(({ id, contentId }) =>
      contentId === null ? [] : [[bareContentId(contentId), id] as const],
    ),
  );
  const { html, shown } = rewriteInlineImages(mail.bodyHtml, ids);
  return {
    html,
    replyHtml: replyHtml === null ? null : rewriteInlineImages(replyHtml, ids).html,
    attachments: attachments.map((attachment) =>
      shown.has(attachment.id) ? { ...attachment, isInline: true } : attachment,
    ),
  };
}
