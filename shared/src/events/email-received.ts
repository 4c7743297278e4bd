/**
 * The event (DESIGN section 6): flat string fields on the stream, the message in `payload_json`.
 * Version 1; only additions are allowed, so that a consumer of an older version keeps working.
 * `event_id` is a UUIDv5 of (tenant, provider, folder, UIDVALIDITY, UID): publishing again gives the same id,
 * and any consumer can drop the second copy. What the payload holds stands in `email-received-schema.ts`, and how an entry is read
 * in `decode-entry.ts`: threads that make events load neither.
 */
import type { MessageKey } from '../domain/message.ts';
import type { EmailReceivedPayload } from './email-received-schema.ts';
import { uuidV5 } from './uuid-v5.ts';

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
  return uuidV5(
    JSON.stringify([key.tenant, key.providerId, key.folder, key.uidValidity, key.uid]),
    EVENT_NAMESPACE,
  );
}

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
