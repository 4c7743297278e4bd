/** Header fields to what the event says about a message. Nothing here throws: what cannot be read is absent. */
import type { EmailAddress } from '@mailstream/shared/events/email-received-schema';
import { shortText, storableText } from '../core/storable-text.ts';
import type { ParsedMail } from '../ports/mail.ts';
import { decodeBinaryString } from './mail-charset.ts';
import { mailDate } from './mail-date.ts';
import type { HeaderLine, ParsedHeaders } from './mail-parser-internals.ts';

export type MailFields = Pick<
  ParsedMail,
  | 'messageId'
  | 'from'
  | 'to'
  | 'cc'
  | 'bcc'
  | 'replyTo'
  | 'subject'
  | 'date'
  | 'inReplyTo'
  | 'references'
  | 'headers'
>;

/** A line of a message may have 998 octets (RFC 5322 section 2.1.1); a longer id is not one. */
const MAX_ID_LENGTH = 998;
const MAX_SUBJECT_LENGTH = 4000;
const MAX_NAME_LENGTH = 500;
/** RFC 5321 section 4.5.3.1 allows 64 + 1 + 255. */
const MAX_ADDRESS_LENGTH = 500;
const MAX_HEADER_FIELDS = 10_000;
const MAX_VALUE_LENGTH = 64 * 1024;
const MAX_ADDRESSES = 20_000;
/** Field, list, group, list: nothing valid is deeper. */
const MAX_GROUP_DEPTH = 6;

export function mailFields(lines: readonly HeaderLine[], parsed: ParsedHeaders): MailFields {
  const headers = headerFields(lines);
  const value = (name: string): string | undefined =>
    headers.find((header) => header.name.toLowerCase() === name)?.value;
  const subject = parsed.get('subject');
  return {
    messageId: messageId(value('message-id') ?? ''),
    from: addresses(parsed.get('from'))[0] ?? null,
    to: recipients(parsed.get('to')),
    cc: recipients(parsed.get('cc')),
    bcc: recipients(parsed.get('bcc')),
    replyTo: recipients(parsed.get('reply-to')),
    subject: typeof subject === 'string' ? shortText(subject, MAX_SUBJECT_LENGTH) : '',
    date: mailDate(value('date') ?? ''),
    inReplyTo: messageIds(value('in-reply-to') ?? '')[0] ?? null,
    references: messageIds(
      headers
        .filter((header) => header.name.toLowerCase() === 'references')
        .map((header) => header.value)
        .join(' '),
    ),
    headers,
  };
}

/** All fields in their order, the name as sent, the value unfolded (RFC 5322 section 2.2.3) and not decoded. */
export function headerFields(lines: readonly HeaderLine[]): ParsedMail['headers'] {
  return lines
    .slice(0, MAX_HEADER_FIELDS)
    .filter(({ line }) => line.indexOf(':') > 0)
    .map(({ line }) => {
      const colon = line.indexOf(':');
      const unfolded = line
        .slice(colon + 1)
        .replace(/\r\n(?=[ \t])/g, '')
        .replace(/[\r\n]/g, ' ');
      return {
        name: shortText(decodeBinaryString(line.slice(0, colon)).trim(), MAX_NAME_LENGTH),
        value: shortText(decodeBinaryString(unfolded).trim(), MAX_VALUE_LENGTH),
      };
    });
}

/** With its angle brackets, which older software leaves out. */
function messageId(value: string): string | null {
  const id = (/<([^<>]+)>/.exec(value)?.[1] ?? value).trim();
  if (id === '' || id.length > MAX_ID_LENGTH || /[<>]/.test(id)) return null;
  return `<${storableText(id)}>`;
}

/** The ids of References or In-Reply-To, without doubles; words around them are ignored (RFC 5322 section 4.5.4). */
function messageIds(value: string): readonly string[] {
  const bracketed = value.match(/<[^<>\s]+>/g) ?? [];
  const found =
    bracketed.length > 0
      ? bracketed
      : value.split(/[\s,]+/).filter((word) => /^[^<>@"]+@[^<>@"]+$/.test(word));
  const ids = found
    .map((id) => (id.startsWith('<') ? id : `<${id}>`))
    .filter((id) => id.length <= MAX_ID_LENGTH);
  return [...new Set(ids.map(storableText))];
}

/** What the address parser of mailparser gives for a field, or for several of the same name; groups are opened. */
function addresses(field: unknown, depth = 0): EmailAddress[] {
  if (depth > MAX_GROUP_DEPTH) return [];
  if (Array.isArray(field)) {
    return field.slice(0, MAX_ADDRESSES).flatMap((item) => addresses(item, depth + 1));
  }
  if (!isRecord(field)) return [];
  if ('value' in field) return addresses(field['value'], depth + 1);
  if (Array.isArray(field['group'])) return addresses(field['group'], depth + 1);
  return address(field['address'], field['name']);
}

function address(email: unknown, name: unknown): EmailAddress[] {
  const shown = typeof name === 'string' ? shortText(name.trim(), MAX_NAME_LENGTH) : '';
  const mailbox = typeof email === 'string' ? shortText(email.trim(), MAX_ADDRESS_LENGTH) : '';
  if (shown === '' && mailbox === '') return [];
  return [shown === '' ? { email: mailbox } : { email: mailbox, name: shown }];
}

/** Somebody without an address can have sent a message, but cannot have received it. */
function recipients(field: unknown): readonly EmailAddress[] {
  return addresses(field).filter((found) => found.email !== '');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
