/**
 * The event (DESIGN section 6): flat string fields on the stream, the message in `payload_json`.
 * Version 1; only additions are allowed, so that a consumer of an older version keeps working.
 * `event_id` is a UUIDv5 of (tenant, provider, folder, UIDVALIDITY, UID): publishing again gives the same id,
 * and any consumer can drop the second copy.
 */
import { v5 as uuidv5 } from 'uuid';
import { z } from 'zod';
import type { MessageKey } from '../domain/message.ts';

export const EVENT_NAME = 'INBOUND_EMAIL_RECEIVED';
export const EVENT_VERSION = 1;
export const WORKER_GROUP = 'workflow-workers';
const GLOBAL_STREAM = 'workflow:events:global';

/** Stream of a tenant's events; one for all unless `IMAP_EVENT_CHANNEL_BY_TENANT` is on. */
export function streamName(tenant: string, byTenant: boolean): string {
  return byTenant ? `workflow:events:tenant:${tenant}` : GLOBAL_STREAM;
}

/** Entries that no attempt could process are copied here, besides the ledger. */
export function deadLetterStream(stream: string): string {
  return `${stream}:dlq`;
}

/** Fixed for ever: another namespace would give every message a new identity. */
const EVENT_NAMESPACE = 'b0f9a9a2-5d0e-5c39-9d3a-6f6b7a4d1c11';

export function eventId(key: MessageKey): string {
  // JSON array: no separator that a folder name could contain.
  return uuidv5(
    JSON.stringify([key.tenant, key.providerId, key.folder, key.uidValidity, key.uid]),
    EVENT_NAMESPACE,
  );
}

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

/** The stream entry: flat string fields, as the predecessor's consumers read them. */
export interface EmailReceivedEntry {
  readonly event_id: string;
  readonly execution_id: string;
  readonly event_name: typeof EVENT_NAME;
  readonly event_type: typeof EVENT_NAME;
  readonly tenant: string;
  /** When the event was made, ISO 8601. */
  readonly timestamp: string;
  readonly payload_json: string;
}

export function encodeEntry(key: MessageKey, payload: EmailReceivedPayload): EmailReceivedEntry {
  const id = eventId(key);
  return {
    event_id: id,
    // One execution per event: a redelivery is the same execution.
    execution_id: id,
    event_name: EVENT_NAME,
    event_type: EVENT_NAME,
    tenant: key.tenant,
    timestamp: payload.occurredAt,
    payload_json: JSON.stringify(payload),
  };
}

/** @throws z.ZodError or SyntaxError when the fields are not an event of this kind. */
export function decodeEntry(fields: Readonly<Record<string, string>>): {
  eventId: string;
  tenant: string;
  payload: EmailReceivedPayload;
} {
  const envelope = z
    .object({
      event_id: z.guid(),
      event_type: z.literal(EVENT_NAME),
      tenant: z.guid(),
      payload_json: z.string(),
    })
    .parse(fields);
  return {
    eventId: envelope.event_id,
    tenant: envelope.tenant,
    payload: emailReceivedPayloadSchema.parse(JSON.parse(envelope.payload_json)),
  };
}
