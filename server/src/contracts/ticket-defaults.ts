/** What a new ticket gets, and whose mail may enter one: of the tenant, or of one mailbox. */
import { z } from 'zod';
import { line } from './text.ts';
import { prioritySchema } from './tickets.ts';

export const ticketDefaultsBodySchema = z.strictObject({
  /** For senders whose client is not known; null lets an agent decide. */
  clientId: z.uuid().nullable().default(null),
  priority: prioritySchema.default('normal'),
  queue: line(100).nullable().default(null),
  tags: z.array(line(100)).max(20).default([]),
  /** A reply to a ticket that was closed for longer opens a new one. */
  reopenWithinHours: z.number().int().min(0).max(87_600).default(168),
  /** Of one ticket; what comes above it is recorded, but reopens nothing and gets no answer. */
  maxMessagesPerHour: z.number().int().min(1).max(100_000).default(30),
  /** Names under which the mailbox's own server writes Authentication-Results. Only mail that passed there is believed then. */
  authservIds: z.array(line(253)).max(10).default([]),
  /** It writes no name at all (Microsoft 365). */
  authservWritesNoId: z.boolean().default(false),
  /** How many such fields it writes on one mail. */
  authservFields: z.number().int().min(1).max(5).default(1),
  /** Where the server writes none: lets nobody but the owner of a reply token into a ticket. */
  requireVerifiedSender: z.boolean().default(false),
  /** Ignored: so that what was read can be written back. */
  source: z.unknown().optional(),
});

export const ticketDefaultsSchema = ticketDefaultsBodySchema
  .extend({
    /** Whose they are: the mailbox's own, those of all mailboxes, or the built-in ones. */
    source: z.enum(['mailbox', 'tenant', 'builtIn']),
  })
  .meta({ id: 'TicketDefaults' });

export type TicketDefaultsBody = Omit<z.infer<typeof ticketDefaultsBodySchema>, 'source'>;
export type TicketDefaults = z.infer<typeof ticketDefaultsSchema>;
