/** Whom the tenant works for, and the domains by which their people are known. */
import { z } from 'zod';
import { pageOf, pageQueryShape } from './paging.ts';
import { line } from './text.ts';

/** Lower case, without a final dot; labels as in RFC 1035 section 2.3.1, internationalised ones in their ASCII form. */
const domain = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(
    /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/,
    'This must be a domain such as example.com.',
  );

export const clientBodySchema = z.strictObject({
  name: line(255),
  /** Mail from an address of these domains is the client's, unless the contact has another one. Exact: `mail.example.com` is none of `example.com`. */
  domains: z.array(domain).max(200).default([]),
  /** One that is not gets no new tickets. */
  isActive: z.boolean().default(true),
});

export const clientSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    domains: z.array(z.string()),
    isActive: z.boolean(),
  })
  .meta({ id: 'Client' });

/** With what belongs to it. */
export const clientDetailSchema = clientSchema
  .extend({
    contactCount: z.number(),
    ticketCount: z.number(),
    /** Of its tickets, those that are not closed. */
    openTicketCount: z.number(),
  })
  .meta({ id: 'ClientDetail' });

/** Somebody who wrote, or whom an agent entered. */
export const contactSchema = z
  .object({ id: z.uuid(), email: z.string(), name: z.string().nullable() })
  .meta({ id: 'Contact' });

export const contactPageSchema = pageOf(contactSchema);

export const contactListQuerySchema = z.strictObject(pageQueryShape);

export const clientListQuerySchema = z.strictObject({
  ...pageQueryShape,
  /** Part of the name. */
  search: line(255).optional(),
});

export const clientPageSchema = pageOf(clientSchema);

export type Client = z.infer<typeof clientSchema>;
export type ClientBody = z.infer<typeof clientBodySchema>;
export type ClientListQuery = z.infer<typeof clientListQuerySchema>;
export type ClientDetail = z.infer<typeof clientDetailSchema>;
export type Contact = z.infer<typeof contactSchema>;
export type ContactListQuery = z.infer<typeof contactListQuerySchema>;
