/**
 * Delivery reports (RFC 3464). The daemon puts the machine-readable part into the body's text, where its fields are read; what the
 * report is about, the returned message or its header, is an attachment (`returnedPart`), and its Message-ID says which of our
 * mails failed. Reports of servers that do not follow the RFC are read as far as they name addresses and codes.
 */
import { valuesOf } from '@mailstream/shared/domain/header-fields';
import type { EmailAttachment, EmailData } from '@mailstream/shared/events/email-received-schema';

export interface DeliveryReport {
  /** `expanded` and `relayed` are no failures; `unknown` where the report does not say. */
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded' | 'unknown';
  /** Enhanced status code (RFC 3463) such as `5.1.1`, or null. */
  readonly status: string | null;
  /** Addresses in lower case that the mail did not reach (or not yet). */
  readonly failedRecipients: readonly string[];
  /** Message-ID of the returned mail where the report's text tells it. */
  readonly originalMessageId: string | null;
  /** What the report answers by its own header. Weaker than the returned mail: some servers name there what that one answered. */
  readonly answeredMessageId: string | null;
}

const MAX_REPORT_LENGTH = 256 * 1024;
const MAX_LINES = 5000;
const MAX_RECIPIENTS = 100;
const MAX_MESSAGE_ID = 998;
const ACTIONS = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const;
const FIELD = /^([A-Za-z][A-Za-z-]{0,40}):[ \t]*(.*)$/;
const STATUS = /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])/;
const ADDRESS = /[^\s<>"'(),;:]{1,64}@[^\s<>"'(),;:@]{1,255}/;
const RETURNED_TYPES = new Set([
  'message/rfc822',
  'message/global',
  'message/rfc822-headers',
  'text/rfc822-headers',
  'message/global-headers',
]);

export function readDeliveryReport(email: EmailData): DeliveryReport {
  const fields = fieldsOf(email.body.text);
  const values = (name: string): readonly string[] =>
    fields.filter((field) => field.name === name).map(({ value }) => value);
  const recipients = [
    ...[...values('final-recipient'), ...values('original-recipient')].map(addressAfterType),
    ...valuesOf(email.headers, 'x-failed-recipients').flatMap((value) => value.slice(0, 4096).split(',')),
  ].map((value) => ADDRESS.exec(value)?.[0]?.toLowerCase() ?? null);
  return {
    action: actionOf(values('action')),
    status: statusOf(values('status'), email.body.text),
    failedRecipients: [...new Set(recipients.filter((address) => address !== null))].slice(0, MAX_RECIPIENTS),
    originalMessageId:
      values('original-message-id').map(messageIdOf).find(isKnown) ??
      values('message-id').map(messageIdOf).find(isKnown) ??
      null,
    answeredMessageId: messageIdOf(email.inReplyTo ?? '') ?? messageIdOf(email.references.at(-1) ?? ''),
  };
}

/**
 * Message-ID of the mail that a report is about; null where nothing tells it.
 * @param returnedHeader what {@link returnedPart} begins with, where it could be read
 */
export function originalMessageId(report: DeliveryReport, returnedHeader: string | null): string | null {
  const returned = returnedHeader === null ? null : messageIdInHeader(returnedHeader);
  return report.originalMessageId ?? returned ?? report.answeredMessageId;
}

/** The attachment that holds the returned message or its header: read it and hand it to {@link messageIdInHeader}. */
export function returnedPart(email: EmailData): EmailAttachment | null {
  return (
    email.attachments.find(({ contentType }) => RETURNED_TYPES.has(contentType.trim().toLowerCase())) ?? null
  );
}

/** @param message a message or its header alone; its first 64 KiB are enough */
export function messageIdInHeader(message: string): string | null {
  const [header = ''] = message
    .slice(0, 64 * 1024)
    .replace(/\r\n?/g, '\n')
    .split('\n\n', 1);
  const ids = fieldsOf(header).filter(({ name }) => name === 'message-id');
  return ids.map(({ value }) => messageIdOf(value)).find(isKnown) ?? null;
}

interface Field {
  readonly name: string;
  readonly value: string;
}

/** Every line of the form `Name: value`, with the lines that continue it (RFC 5322 section 2.2.3). */
function fieldsOf(text: string): readonly Field[] {
  const fields: Field[] = [];
  for (const line of text.slice(0, MAX_REPORT_LENGTH).split('\n', MAX_LINES)) {
    const last = fields.at(-1);
    if (/^[ \t]+\S/.test(line) && last !== undefined) {
      fields[fields.length - 1] = { name: last.name, value: `${last.value} ${line.trim()}`.slice(0, 4096) };
      continue;
    }
    const [, name, value] = FIELD.exec(line.slice(0, 4096)) ?? [];
    // An empty field ends what came before: nothing continues ordinary text.
    fields.push({ name: (name ?? '').toLowerCase(), value: (value ?? '').trim() });
  }
  return fields;
}

/** `rfc822; x@y` (RFC 3464 section 2.3.2). */
function addressAfterType(value: string): string {
  return value.slice(value.indexOf(';') + 1).trim();
}

function actionOf(values: readonly string[]): DeliveryReport['action'] {
  const words = values.map((value) => /^[a-z]+/.exec(value.toLowerCase())?.[0] ?? '');
  // One report may cover several recipients: the worst of them decides.
  return ACTIONS.find((action) => words.includes(action)) ?? 'unknown';
}

function statusOf(values: readonly string[], text: string): string | null {
  const codes = values
    .map((value) => STATUS.exec(value.slice(0, 200))?.[0])
    .filter((code) => code !== undefined);
  const worst = codes.find((code) => code.startsWith('5')) ?? codes.find((code) => code.startsWith('4'));
  return worst ?? codes[0] ?? STATUS.exec(text.slice(0, MAX_REPORT_LENGTH))?.[0] ?? null;
}

function messageIdOf(value: string): string | null {
  return /<[^<>\s]{3,}>/.exec(value.slice(0, MAX_MESSAGE_ID))?.[0] ?? null;
}

function isKnown(value: string | null): value is string {
  return value !== null;
}
