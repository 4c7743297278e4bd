/** Events as the daemon makes them, for tests. */
import { createHash } from 'node:crypto';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { encodeEntry, type EmailReceivedEntry } from '@mailstream/shared/events/email-received';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';

const NOBODY = '00000000-0000-4000-8000-000000000000';

export function anEmail(change: Partial<EmailData> = {}): EmailData {
  return {
    id: '<message@example.org>',
    provider: 'imap',
    providerId: NOBODY,
    tenant: NOBODY,
    receivedAt: '2026-01-02T03:04:05.000Z',
    from: { email: 'jane@example.org', name: 'Jane' },
    to: [{ email: 'support@example.com' }],
    cc: [],
    bcc: [],
    replyTo: [],
    subject: 'Hello',
    body: { text: 'Hello' },
    attachments: [],
    references: [],
    headers: [{ name: 'Subject', value: 'Hello' }],
    autoSubmitted: false,
    folder: 'INBOX',
    uid: 1,
    uidValidity: 7,
    raw: { storageKey: 'raw', sha256: createHash('sha256').digest('hex'), size: 5 },
    ...change,
  };
}

export interface EntryOptions {
  readonly tenant: string;
  readonly providerId: string;
  readonly uid: number;
  readonly folder?: string;
  readonly email?: Partial<EmailData>;
}

export function anEntry({
  tenant,
  providerId: id,
  uid,
  folder = 'INBOX',
  email = {},
}: EntryOptions): EmailReceivedEntry {
  const key = { tenant: tenantId(tenant), providerId: providerId(id), folder, uidValidity: 7, uid };
  const emailData = anEmail({ id: `<${uid}@example.org>`, ...email, tenant, providerId: id, folder, uid });
  return encodeEntry(key, {
    tenantId: tenant,
    tenant,
    occurredAt: '2026-01-02T03:04:06.000Z',
    providerId: id,
    emailData,
  });
}

export function fieldsOf(entry: EmailReceivedEntry): readonly string[] {
  return Object.entries(entry as unknown as Record<string, string>).flat();
}
