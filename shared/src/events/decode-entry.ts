import { z } from 'zod';
import { EVENT_NAME } from './email-received.ts';
import { emailReceivedPayloadSchema, type EmailReceivedPayload } from './email-received-schema.ts';

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
