/** Messages of the ledger: where each mail is and why ("why is there no ticket?"). */
import { z } from 'zod';
import { pageOf, pageQueryShape } from './paging.ts';
import { line, timestamp } from './text.ts';

export const messageStatusSchema = z.enum(['received', 'published', 'processed', 'skipped', 'dead_letter']);

export const messageListQuerySchema = z.strictObject({
  ...pageQueryShape,
  /** Exact, with or without its angle brackets. */
  messageId: line(998).optional(),
  /** Part of the sender's address. */
  sender: line(320).optional(),
  /** Part of the subject. */
  subject: line(998).optional(),
  status: messageStatusSchema.optional(),
  providerId: z.uuid().optional(),
  /** Received at or after this. */
  since: timestamp.optional(),
  /** Received before this. */
  until: timestamp.optional(),
});

export const messageSchema = z
  .object({
    eventId: z.uuid(),
    providerId: z.uuid(),
    providerName: z.string(),
    folder: z.string(),
    uidValidity: z.number(),
    uid: z.number(),
    messageId: z.string().nullable(),
    sender: z.string().nullable(),
    subject: z.string().nullable(),
    /** Bytes of the raw message. */
    size: z.number(),
    internalDate: timestamp.nullable(),
    status: messageStatusSchema,
    /** The status as a sentence. */
    statusText: z.string(),
    reason: z.string().nullable(),
    attempts: z.number(),
    hasRaw: z.boolean(),
    receivedAt: timestamp,
    publishedAt: timestamp.nullable(),
    processedAt: timestamp.nullable(),
  })
  .meta({ id: 'Message' });

export const messageDetailSchema = messageSchema.extend({
  publishSeq: z.number(),
  /** `/api/email/messages/{eventId}/preview` has something to show. */
  hasPreview: z.boolean(),
  /** The text of `reason`, where it is a code of the catalogue, and what to do about it. */
  reasonText: z.string().nullable(),
  reasonHint: z.string().nullable(),
  streamEntryId: z.string().nullable(),
  /** Hex SHA-256 of the raw message. */
  contentHash: z.string().nullable(),
  /** What the worker made of it; null before that. */
  result: z
    .object({
      outcome: z.string(),
      ticketId: z.uuid().nullable(),
      ticketNumber: z.number().nullable(),
      commentId: z.uuid().nullable(),
      /** Rules that matched it, in their order, as they were called then. */
      rules: z.array(z.object({ id: z.uuid(), name: z.string(), isDryRun: z.boolean() })),
    })
    .nullable(),
});

export const messagePageSchema = pageOf(messageSchema);

export type Message = z.infer<typeof messageSchema>;
export type MessageDetail = z.infer<typeof messageDetailSchema>;
export type MessageStatus = z.infer<typeof messageStatusSchema>;
export type MessageListQuery = z.infer<typeof messageListQuerySchema>;
