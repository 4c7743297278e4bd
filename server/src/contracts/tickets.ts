/** What the worker made of the mails, and what agents do with it. */
import { z } from 'zod';
import { pageOf, pageQueryShape } from './paging.ts';
import { line, timestamp } from './text.ts';

export const ticketStatusSchema = z.enum(['open', 'pending', 'closed', 'needs_attention']);
export const prioritySchema = z.enum(['low', 'normal', 'high', 'urgent']);
export const attentionReasonSchema = z.enum([
  'sender_missing',
  'sender_unverified',
  'possible_reply',
  'client_unknown',
  'bounce',
  'message_flood',
]);

export const ticketListQuerySchema = z.strictObject({
  ...pageQueryShape,
  /** Part of the subject or the requester's address, or a number. */
  search: line(255).optional(),
  /** The same as `search`. */
  q: line(255).optional(),
  status: ticketStatusSchema.optional(),
  /** `true`: only tickets that somebody should look at, whatever their status; `false`: only the others. */
  needsAttention: z.stringbool().optional(),
  /** Only those of this client. */
  clientId: z.uuid().toLowerCase().optional(),
});

const person = z.object({ email: z.string(), name: z.string().nullable() });

export const attentionSchema = z.object({
  reason: attentionReasonSchema,
  /** The reason as a sentence. */
  text: z.string(),
  /** The message that gave the reason. */
  commentId: z.uuid().nullable(),
  since: timestamp,
});

export const ticketSchema = z
  .object({
    id: z.uuid(),
    /** Counts per tenant. */
    number: z.number(),
    subject: z.string(),
    status: ticketStatusSchema,
    priority: prioritySchema,
    queue: z.string().nullable(),
    tags: z.array(z.string()),
    requester: person,
    client: z.object({ id: z.uuid(), name: z.string() }).nullable(),
    providerId: z.uuid().nullable(),
    /** Why somebody should look at it; empty when nobody has to. */
    attention: z.array(attentionSchema),
    commentCount: z.number(),
    createdAt: timestamp,
    updatedAt: timestamp,
    closedAt: timestamp.nullable(),
    /** The ticket that has its comments now. */
    mergedInto: z.uuid().nullable(),
  })
  .meta({ id: 'Ticket' });

export const ticketAttachmentSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  contentType: z.string(),
  size: z.number(),
  isInline: z.boolean(),
});

export const ticketCommentSchema = z.object({
  id: z.uuid(),
  eventId: z.uuid().nullable(),
  messageId: z.string().nullable(),
  author: person,
  /** `unknown`: nobody can say who wrote it. An agent is one only where the mailbox's own server verified the sender. */
  authorKind: z.enum(['contact', 'agent', 'automated', 'unknown']),
  /** What the mailbox's own server says about the sender's address; `unknown` where it says nothing. */
  senderCheck: z.enum(['verified', 'failed', 'unknown']),
  /** Which kind of machine wrote it; null for a person. */
  automatedKind: z.string().nullable(),
  /** By what it came into this ticket; null for the first message. */
  matchedBy: z.enum(['token', 'reference', 'subject', 'bounce', 'agent']).nullable(),
  /** Untrusted text of the mail, without the part that it quotes. */
  bodyText: z.string(),
  /** The part that was taken away; null where nothing was. */
  quotedText: z.string().nullable(),
  /** The whole text; null where it is the same as `bodyText`. */
  fullText: z.string().nullable(),
  /** HTML is not handed out here: see `/api/tickets/{id}/comments/{commentId}/html`. */
  hasHtml: z.boolean(),
  isInternal: z.boolean(),
  createdAt: timestamp,
  attachments: z.array(ticketAttachmentSchema),
});

export const ticketDetailSchema = ticketSchema.extend({
  comments: z.array(ticketCommentSchema),
  /** Addresses that may write into it. */
  participants: z.array(z.object({ email: z.string(), source: z.enum(['requester', 'agent']) })),
  /** Tickets that it may belong to or follows. */
  links: z.array(
    z.object({
      kind: z.enum(['may_belong_to', 'follows']),
      ticketId: z.uuid(),
      number: z.number(),
      subject: z.string(),
    }),
  ),
});

export const commentHtmlSchema = z.object({
  /**
   * Written by a stranger and not sanitised: whoever shows it does that (DOMPurify, in a frame without scripts). Images of the mail
   * have addresses of this API; anything else it loads comes from foreign servers.
   */
  html: z.string(),
  /** Without the part that it quotes; null where nothing was taken away. */
  replyHtml: z.string().nullable(),
});

export const ticketPageSchema = pageOf(ticketSchema);

export const mergeBodySchema = z.strictObject({
  /** The ticket that gets the comments. */
  into: z.uuid(),
  /** Lets those who wrote into this ticket write into the other one from now on. */
  admitSenders: z.boolean().default(false),
});

export const assignClientBodySchema = z.strictObject({
  /** Null takes the client away. */
  clientId: z.uuid().nullable(),
});

/** Bodies of actions without any settings: none, or an empty object. */
export const noBodySchema = z.strictObject({}).nullish();

export type Ticket = z.infer<typeof ticketSchema>;
export type TicketDetail = z.infer<typeof ticketDetailSchema>;
export type TicketComment = z.infer<typeof ticketCommentSchema>;
export type CommentHtml = z.infer<typeof commentHtmlSchema>;
export type TicketStatus = z.infer<typeof ticketStatusSchema>;
export type TicketListQuery = z.infer<typeof ticketListQuerySchema>;
export type AttentionReason = z.infer<typeof attentionReasonSchema>;
export type MergeBody = z.infer<typeof mergeBodySchema>;
