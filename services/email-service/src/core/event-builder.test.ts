import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import type { MessageKey } from '@mailstream/shared/domain/message';
import { encodeEntry } from '@mailstream/shared/events/email-received';
import { emailReceivedPayloadSchema } from '@mailstream/shared/events/email-received-schema';
import type { ParsedMail, ProcessedMail } from '../ports/mail.ts';
import { buildPayload } from './event-builder.ts';

const KEY: MessageKey = {
  tenant: tenantId('7f1b8e9a-1111-4222-8333-444455556666'),
  providerId: providerId('0b1b8e9a-1111-4222-8333-444455556666'),
  folder: 'INBOX',
  uidValidity: 7,
  uid: 42,
};
const AT = new Date('2026-03-03T09:20:31.000Z');
const LATER = new Date('2026-03-03T09:21:00.000Z');
const CONTEXT = { internalDate: AT, threadId: null, occurredAt: LATER };
const LIMIT_BYTES = 512 * 1024;

const EMPTY: ParsedMail = {
  messageId: null,
  from: null,
  to: [],
  cc: [],
  bcc: [],
  replyTo: [],
  subject: '',
  date: null,
  inReplyTo: null,
  references: [],
  headers: [],
  text: '',
  html: null,
  textStorageKey: null,
  htmlStorageKey: null,
  attachments: [],
  skipReasons: [],
  parseError: null,
};

function processed(mail: Partial<ParsedMail>): ProcessedMail {
  return {
    raw: { storageKey: 'raw/key', sha256: 'ab'.repeat(32), size: 10 },
    mail: { ...EMPTY, ...mail },
  };
}

function entryBytes(mail: Partial<ParsedMail>): number {
  const entry = encodeEntry(KEY, buildPayload(KEY, processed(mail), CONTEXT));
  return Object.entries(entry).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
}

describe('buildPayload', () => {
  it('makes a valid event of a message that has nothing at all', () => {
    const payload = buildPayload(KEY, processed({}), CONTEXT);
    expect(emailReceivedPayloadSchema.parse(payload)).toEqual(payload);
    expect(payload.emailData).toMatchObject({
      id: `imap-hash-${'ab'.repeat(32)}`,
      from: { email: '' },
      subject: '',
      body: { text: '' },
      autoSubmitted: false,
      folder: 'INBOX',
      uid: 42,
      uidValidity: 7,
    });
    expect(Object.values(payload.emailData)).not.toContain(null);
  });

  it('takes receivedAt from INTERNALDATE and occurredAt from the event', () => {
    const payload = buildPayload(KEY, processed({ date: '2020-01-01T00:00:00.000Z' }), CONTEXT);
    expect(payload.occurredAt).toBe(LATER.toISOString());
    expect(payload.emailData.receivedAt).toBe(AT.toISOString());
    expect(payload.emailData.date).toBe('2020-01-01T00:00:00.000Z');
  });

  it('takes the time of the event where INTERNALDATE is no date', () => {
    const payload = buildPayload(KEY, processed({}), { ...CONTEXT, internalDate: new Date(Number.NaN) });
    expect(payload.emailData.receivedAt).toBe(LATER.toISOString());
  });

  it('lists Authentication-Results topmost first', () => {
    const headers = [
      { name: 'authentication-results', value: 'mx.example; spf=pass' },
      { name: 'Subject', value: 'x' },
      { name: 'Authentication-Results', value: 'forged.example; spf=pass' },
    ];
    expect(buildPayload(KEY, processed({ headers }), CONTEXT).emailData.authentication).toEqual([
      'mx.example; spf=pass',
      'forged.example; spf=pass',
    ]);
  });

  it('says that a body is truncated where the whole of it is in storage', () => {
    const { emailData } = buildPayload(KEY, processed({ text: 'cut', textStorageKey: 'k' }), CONTEXT);
    expect(emailData.bodyTruncated).toBe(true);
    expect(emailData.body).toEqual({ text: 'cut', textStorageKey: 'k' });
  });

  it('gives the same payload for the same input', () => {
    const mail = processed({ text: 'x'.repeat(600_000), html: 'y'.repeat(600_000) });
    expect(buildPayload(KEY, mail, CONTEXT)).toEqual(buildPayload(KEY, mail, CONTEXT));
  });

  it.each<[string, Partial<ParsedMail>]>([
    ['a text of control characters', { text: '\u0001'.repeat(1_000_000) }],
    ['a text and an HTML body of quotes', { text: '"'.repeat(1_000_000), html: '"'.repeat(1_000_000) }],
    ['a header value of a megabyte', { headers: [{ name: 'X', value: 'é'.repeat(1_000_000) }] }],
    [
      'authentication results of a megabyte',
      { headers: many(20, { name: 'Authentication-Results', value: '"'.repeat(60_000) }) },
    ],
    ['100,000 header fields', { headers: many(100_000, { name: 'X-Field', value: 'value' }) }],
    ['25,000 recipients in every list', recipients(25_000)],
    ['100,000 references', { references: many(100_000, '<reference@sender.example>') }],
    ['2,000 attachments with long names', { attachments: many(2_000, attachment('n'.repeat(255))) }],
    [
      'all of it',
      {
        ...recipients(30_000),
        text: 'é'.repeat(900_000),
        html: '\n'.repeat(900_000),
        headers: many(30_000, { name: 'X', value: 'y'.repeat(100) }),
        references: many(50_000, '<r@s.example>'),
        attachments: many(2_000, attachment('"'.repeat(255))),
      },
    ],
  ])('keeps the entry under 512 KiB with %s', (_name, mail) => {
    const bytes = entryBytes(mail);
    expect(bytes).toBeLessThan(LIMIT_BYTES);
    expect(bytes).toBeGreaterThan(4 * 1024);
  });

  it('cuts the HTML before the text, and both before recipients', () => {
    const text = 't'.repeat(100_000);
    const mail = processed({ text, html: 'h'.repeat(600_000), ...recipients(1_000) });
    const { emailData } = buildPayload(KEY, mail, CONTEXT);
    expect(emailData.body.text).toBe(text);
    expect(emailData.body.html?.length).toBeLessThan(400_000);
    expect(emailData.to).toHaveLength(1_000);
    expect(emailData.ingressSkipReasons).toBeUndefined();
  });

  it('says how many recipients are left when it had to cut them', () => {
    const { emailData } = buildPayload(KEY, processed(recipients(25_000)), CONTEXT);
    const left = emailData.to.length + emailData.cc.length + emailData.bcc.length + emailData.replyTo.length;
    expect(emailData.ingressSkipReasons).toContainEqual({
      type: 'recipients',
      reason: 'recipients_cut',
      size: 100_000,
      cap: left,
    });
  });

  it('keeps the fields that mark automatic mail when it has to cut header fields', () => {
    const headers = [
      ...many(100_000, { name: 'X-Field', value: 'v' }),
      { name: 'Auto-Submitted', value: 'auto-replied' },
    ];
    const { emailData } = buildPayload(KEY, processed({ headers }), CONTEXT);
    expect(emailData.autoSubmitted).toBe(true);
    expect(emailData.headers.length).toBeLessThan(100_000);
  });

  it.each([
    'X-Loop',
    'X-Mailstream-Mail',
    'From',
    'Delivered-To',
    'X-Failed-Recipients',
    'X-Auto-Response-Suppress',
  ])('keeps %s when it has to cut header fields: the worker judges by it', (name) => {
    const headers = [...many(20_000, { name: 'X-Field', value: 'v'.repeat(50) }), { name, value: 'telling' }];
    const { emailData } = buildPayload(KEY, processed({ headers }), CONTEXT);
    expect(emailData.headers).toContainEqual({ name, value: 'telling' });
    expect(emailData.headers.length).toBeLessThan(20_000);
  });

  it('keeps the first and the last references when it has to cut them', () => {
    const references = Array.from({ length: 100_000 }, (_, i) => `<${i}@sender.example>`);
    const cut = buildPayload(KEY, processed({ references }), CONTEXT).emailData.references;
    expect(cut[0]).toBe('<0@sender.example>');
    expect(cut.at(-1)).toBe('<99999@sender.example>');
  });

  it('gives, for any mail, a payload that is valid, survives JSON and fits', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 3000 });
    const address = fc.record({ email: text, name: text });
    const mail = fc.record({
      subject: text,
      text,
      html: fc.option(text),
      messageId: fc.option(text),
      from: fc.option(address),
      to: fc.array(address, { maxLength: 300 }),
      references: fc.array(text),
      headers: fc.array(fc.record({ name: text, value: text }), { maxLength: 300 }),
      parseError: fc.option(text),
    });
    fc.assert(
      fc.property(mail, text, (parsed, folder) => {
        const payload = buildPayload({ ...KEY, folder }, processed(parsed), CONTEXT);
        const decoded = emailReceivedPayloadSchema.parse(JSON.parse(JSON.stringify(payload)));
        expect(decoded).toEqual(payload);
        expect(entryBytes(parsed)).toBeLessThan(LIMIT_BYTES);
      }),
      { numRuns: 100 },
    );
  });
});

function many<Item>(count: number, item: Item): Item[] {
  return Array.from({ length: count }, () => item);
}

function recipients(count: number): Partial<ParsedMail> {
  const list = many(count, { email: 'somebody@recipient.example', name: 'Some Body' });
  return { to: list, cc: list, bcc: list, replyTo: list };
}

function attachment(name: string): ParsedMail['attachments'][number] {
  return {
    id: '1.2',
    name,
    contentType: 'application/octet-stream',
    size: 1,
    contentId: 'c'.repeat(200),
    isInline: false,
    sha256: 'ab'.repeat(32),
    storageKey: 'k'.repeat(120),
  };
}
