/** What the event `INBOUND_EMAIL_RECEIVED` holds (see `email-received.ts`). */
import { z } from 'zod';

const address = z.object({ email: z.string(), name: z.string().optional() });

const attachment = z.object({
  id: z.string(),
  name: z.string(),
  contentType: z.string(),
  /** Bytes after decoding. */
  size: z.number().int().nonnegative(),
  contentId: z.string().optional(),
  isInline: z.boolean().optional(),
  sha256: z.string(),
  storageKey: z.string(),
});

/**
 * What of the message is not in the event. The raw form has it.
 * `attachment_over_max_bytes`, `attachment_total_bytes_exceeded`, `attachment_count_exceeded`, `raw_mime_over_max_bytes`: `size` in
 * bytes, `cap` the setting. `recipients_cut`, `headers_cut`: `size` is how many the message has, `cap` how many the event has.
 */
const ingressSkipReason = z.object({
  type: z.enum(['attachment', 'raw_mime', 'recipients', 'headers']),
  reason: z.string(),
  attachmentId: z.string().optional(),
  attachmentName: z.string().optional(),
  size: z.number().int().nonnegative(),
  cap: z.number().int().nonnegative(),
});

export const emailDataSchema = z.object({
  /** Message-ID with its angle brackets, or `imap-hash-<sha256>` where the message has none. */
  id: z.string(),
  provider: z.literal('imap'),
  providerId: z.string(),
  tenant: z.string(),
  /** INTERNALDATE, ISO 8601. */
  receivedAt: z.string(),
  /** `email` is empty where the message names no sender's address. */
  from: address,
  to: z.array(address),
  cc: z.array(address),
  bcc: z.array(address),
  replyTo: z.array(address),
  subject: z.string(),
  body: z.object({
    text: z.string(),
    html: z.string().optional(),
    /** Where the whole text is when `bodyTruncated`. */
    textStorageKey: z.string().optional(),
    htmlStorageKey: z.string().optional(),
  }),
  attachments: z.array(attachment),
  threadId: z.string().optional(),
  inReplyTo: z.string().optional(),
  references: z.array(z.string()),
  /** All header fields in the order and case of the message, values unfolded, not decoded. */
  headers: z.array(z.object({ name: z.string(), value: z.string() })),
  /** The sender's Date header, ISO 8601: informative, never used to select mail. */
  date: z.string().optional(),
  /** RFC 3834 section 5, or the conventions that older software uses for it. */
  autoSubmitted: z.boolean(),
  /** Authentication-Results as the receiving server wrote it, topmost first, not judged here. */
  authentication: z.array(z.string()).optional(),
  folder: z.string(),
  uid: z.number().int().positive(),
  uidValidity: z.number().int().nonnegative(),
  raw: z.object({ storageKey: z.string(), sha256: z.string(), size: z.number().int().nonnegative() }),
  ingressSkipReasons: z.array(ingressSkipReason).optional(),
  parseError: z.string().optional(),
  bodyTruncated: z.boolean().optional(),
});

export const emailReceivedPayloadSchema = z.object({
  tenantId: z.string(),
  tenant: z.string(),
  occurredAt: z.string(),
  providerId: z.string(),
  emailData: emailDataSchema,
});

export type EmailAddress = z.infer<typeof address>;
export type EmailAttachment = z.infer<typeof attachment>;
export type IngressSkipReason = z.infer<typeof ingressSkipReason>;
export type EmailData = z.infer<typeof emailDataSchema>;
export type EmailReceivedPayload = z.infer<typeof emailReceivedPayloadSchema>;
