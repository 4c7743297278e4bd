/** From the fields of an entry to an event whose parts agree, or to the reason why it is none. */
import { providerId, tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import { streamName } from '@mailstream/shared/events/email-received';
import { decodeEntry } from '@mailstream/shared/events/decode-entry';
import { z } from 'zod';
import type { InboundEmail, StreamEntry } from './ports.ts';

export type DecodedEntry =
  | { readonly kind: 'email'; readonly message: InboundEmail }
  | {
      readonly kind: 'invalid';
      readonly code: 'ENTRY_INVALID' | 'TENANT_MISMATCH';
      readonly detail: string;
      /** Whose ledger row to mark, where the entry's envelope at least tells that beyond doubt. */
      readonly identity: { readonly tenant: TenantId; readonly eventId: string } | null;
    };

export function decode(entry: StreamEntry): DecodedEntry {
  const fields = Object.fromEntries(pairs(entry.fields)) as Readonly<Record<string, string>>;
  let decoded: ReturnType<typeof decodeEntry>;
  try {
    decoded = decodeEntry(fields);
  } catch (error) {
    return { kind: 'invalid', code: 'ENTRY_INVALID', detail: why(error), identity: identityOf(fields) };
  }
  const { eventId, tenant, payload } = decoded;
  const email = payload.emailData;
  const mismatch = (detail: string): DecodedEntry => ({
    kind: 'invalid',
    code: 'TENANT_MISMATCH',
    detail,
    identity: null,
  });
  const named = [payload.tenant, payload.tenantId, email.tenant].map((value) => value.toLowerCase());
  if (named.some((value) => value !== tenant.toLowerCase()))
    return mismatch('envelope and payload name different tenants');
  if (payload.providerId !== email.providerId)
    return mismatch('payload and message name different providers');
  if (entry.stream !== streamName(tenant, false) && entry.stream !== streamName(tenant, true))
    return mismatch('the entry is in the stream of another tenant');
  try {
    return {
      kind: 'email',
      message: {
        eventId: eventId.toLowerCase(),
        tenant: tenantId(tenant),
        providerId: providerId(payload.providerId),
        email,
      },
    };
  } catch {
    return {
      kind: 'invalid',
      code: 'ENTRY_INVALID',
      detail: 'the provider id is not a UUID',
      identity: identityOf(fields),
    };
  }
}

/** Whose an entry says it is, unchecked; empty where it says none. */
export function tenantOf({ fields }: StreamEntry): string {
  for (const [name, value] of pairs(fields)) if (name === 'tenant') return value.toLowerCase();
  return '';
}

function* pairs(fields: readonly string[]): Generator<readonly [string, string]> {
  for (let index = 0; index + 1 < fields.length; index += 2)
    yield [fields[index] ?? '', fields[index + 1] ?? ''];
}

const envelopeSchema = z.object({ event_id: z.guid(), tenant: z.guid() });

function identityOf(fields: Readonly<Record<string, string>>): { tenant: TenantId; eventId: string } | null {
  const envelope = envelopeSchema.safeParse(fields);
  if (!envelope.success) return null;
  return { tenant: tenantId(envelope.data.tenant), eventId: envelope.data.event_id.toLowerCase() };
}

/** Names the fields that are wrong, never what is in them. */
function why(error: unknown): string {
  if (!(error instanceof z.ZodError)) return 'payload_json is not JSON';
  const paths = [...new Set(error.issues.map((issue) => issue.path.map(String).join('.') || 'the entry'))];
  return `wrong or missing: ${paths.slice(0, 10).join(', ')}`;
}
