/** What the worker made of the mails. */
import { z } from 'zod';
import { pageOf, pageQueryShape } from './paging.ts';
import { line, timestamp } from './text.ts';

export const ticketStatusSchema = z.enum(['open', 'pending', 'closed', 'needs_attention']);

export const ticketListQuerySchema = z.strictObject({
  ...pageQueryShape,
  /** Part of the subject or the requester's address. */
  search: line(255).optional(),
  status: ticketStatusSchema.optional(),
});

const person = z.object({ email: z.string(), name: z.string().nullable() });

export const ticketSchema = z
  .object({
    id: z.uuid(),
    /** Counts per tenant. */
    number: z.number(),
    subject: z.string(),
    status: ticketStatusSchema,
    requester: person,
    providerId: z.uuid().nullable(),
    commentCount: z.number(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Ticket' });

export const ticketAttachmentSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  contentType: z.string(),
  size: z.number(),
  isInline: z.boolean(),
});

export const ticketDetailSchema = ticketSchema.extend({
  comments: z.array(
    z.object({
      id: z.uuid(),
      eventId: z.uuid().nullable(),
      messageId: z.string().nullable(),
      author: person,
      /** Untrusted text of the mail. HTML is not handed out here. */
      bodyText: z.string(),
      hasHtml: z.boolean(),
      isInternal: z.boolean(),
      createdAt: timestamp,
      attachments: z.array(ticketAttachmentSchema),
    }),
  ),
});

export const ticketPageSchema = pageOf(ticketSchema);

export type Ticket = z.infer<typeof ticketSchema>;
export type TicketDetail = z.infer<typeof ticketDetailSchema>;
export type TicketStatus = z.infer<typeof ticketStatusSchema>;
export type TicketListQuery = z.infer<typeof ticketListQuerySchema>;
