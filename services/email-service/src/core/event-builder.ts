/** From a processed message to the event (DESIGN section 6). Pure: the same arguments give the same payload. */
import type { MessageKey } from '@mailstream/shared/domain/message';
import type {
  EmailAttachment,
  EmailData,
  EmailReceivedPayload,
} from '@mailstream/shared/events/email-received-schema';
import type { EventContext, ParsedMail, ProcessedMail, StoredAttachment } from '../ports/mail.ts';
import { isAutoSubmitted } from './auto-submitted.ts';
import { cutToJsonBytes } from './json-size.ts';
import { fitMail } from './mail-budget.ts';
import { storableText } from './storable-text.ts';

/** The mailbox's own server writes one to three; more are the sender's. */
const MAX_AUTHENTICATION_RESULTS = 8;
const MAX_AUTHENTICATION_BYTES = 2048;
const MAX_NAME_BYTES = 4096;

/** Always under 512 KiB as an entry, and always valid by the schema: a message without a sender has `from: {email: ''}`. */
export function buildPayload(
  key: MessageKey,
  processed: ProcessedMail,
  context: EventContext,
): EmailReceivedPayload {
  return {
    tenantId: key.tenant,
    tenant: key.tenant,
    occurredAt: context.occurredAt.toISOString(),
    providerId: key.providerId,
    emailData: emailData(key, processed, context),
  };
}

function emailData(key: MessageKey, processed: ProcessedMail, context: EventContext): EmailData {
  const { raw } = processed;
  // The processor has fitted it already; this is for whatever else implements the port.
  const mail = fitMail(processed.mail);
  const received = Number.isNaN(context.internalDate.getTime()) ? context.occurredAt : context.internalDate;
  const authentication = authenticationResults(mail);
  const isCut =
    mail.textStorageKey !== null ||
    mail.htmlStorageKey !== null ||
    mail.text !== processed.mail.text ||
    mail.html !== processed.mail.html;
  return {
    id: mail.messageId ?? `imap-hash-${raw.sha256}`,
    provider: 'imap',
    providerId: key.providerId,
    tenant: key.tenant,
    receivedAt: received.toISOString(),
    from: mail.from ?? { email: '' },
    to: [...mail.to],
    cc: [...mail.cc],
    bcc: [...mail.bcc],
    replyTo: [...mail.replyTo],
    subject: mail.subject,
    body: body(mail),
    attachments: mail.attachments.map(attachment),
    ...present('threadId', context.threadId === null ? null : storable(context.threadId)),
    ...present('inReplyTo', mail.inReplyTo),
    references: [...mail.references],
    headers: [...mail.headers],
    ...present('date', mail.date),
    autoSubmitted: isAutoSubmitted(mail.headers),
    ...present('authentication', authentication.length === 0 ? null : authentication),
    folder: storable(key.folder),
    uid: key.uid,
    uidValidity: key.uidValidity,
    raw: { ...raw },
    ...present('ingressSkipReasons', mail.skipReasons.length === 0 ? null : [...mail.skipReasons]),
    ...present('parseError', mail.parseError),
    ...present('bodyTruncated', isCut ? true : null),
  };
}

function body(mail: ParsedMail): EmailData['body'] {
  return {
    text: mail.text,
    ...present('html', mail.html),
    ...present('textStorageKey', mail.textStorageKey),
    ...present('htmlStorageKey', mail.htmlStorageKey),
  };
}

function attachment(stored: StoredAttachment): EmailAttachment {
  const { contentId, ...rest } = stored;
  return { ...rest, ...present('contentId', contentId) };
}

/** Topmost first, as the receiving servers wrote them; which of them to believe is for the consumer to say (RFC 8601 section 5). */
function authenticationResults(mail: ParsedMail): string[] {
  return mail.headers
    .filter((header) => header.name.toLowerCase() === 'authentication-results')
    .slice(0, MAX_AUTHENTICATION_RESULTS)
    .map((header) => cutToJsonBytes(header.value, MAX_AUTHENTICATION_BYTES));
}

function storable(text: string): string {
  return cutToJsonBytes(storableText(text), MAX_NAME_BYTES);
}

/** An optional field is absent, not null: null means "no such thing" on our side only. */
function present<Name extends string, Value>(name: Name, value: Value | null): { [key in Name]?: Value } {
  return value === null ? {} : ({ [name]: value } as { [key in Name]: Value });
}
