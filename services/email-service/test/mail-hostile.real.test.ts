/**
 * Hostile messages (MIME bombs, quadratic patterns, prototype pollution) through the real parser. None may need its thread ended:
 * the wall limit here is a quarter of the usual one, and every message must end below it as an event.
 */
import { describe, expect, it } from 'vitest';
import type { EmailReceivedPayload } from '@mailstream/shared/events/email-received-schema';
import { useMailProcessor } from './mail-fixture.ts';

const mail = useMailProcessor({
  parser: { wallMs: 5_000 },
  limits: { maxAttachmentBytes: 0, maxTotalAttachmentBytes: 0, maxAttachmentCount: 250, maxRawMimeBytes: 0 },
});

async function dataOf(raw: string | Buffer): Promise<EmailReceivedPayload['emailData']> {
  const payload = await mail.payload(raw);
  expect(Buffer.byteLength(JSON.stringify(payload))).toBeLessThan(500 * 1024);
  return payload.emailData;
}

const head = (fields: string, body = 'text'): string => `Subject: bomb\r\n${fields}\r\n\r\n${body}\r\n`;

describe('a MIME bomb', () => {
  it.each([1, 10, 100, 1_000, 10_000, 100_000, 1_000_000])('of %i parts is an event', async (count) => {
    const part = '--b\r\nContent-Type: text/plain\r\n\r\nx\r\n';
    const { subject, parseError } = await dataOf(
      head('Content-Type: multipart/mixed; boundary=b', `${part.repeat(count)}--b--`),
    );
    expect(subject).toBe('bomb');
    expect(parseError !== undefined).toBe(count >= 10_000);
  });

  it('of 1,900 attachments keeps as many as the cap allows and says so of the rest', async () => {
    const part = '--b\r\nContent-Type: image/png\r\n\r\nx\r\n';
    const { attachments, ingressSkipReasons } = await dataOf(
      head('Content-Type: multipart/mixed; boundary=b', `${part.repeat(1_900)}--b--`),
    );
    expect(attachments).toHaveLength(250);
    expect(ingressSkipReasons?.[0]).toMatchObject({ reason: 'attachment_count_exceeded', cap: 250 });
  });

  it.each([1, 10, 90, 1_000, 10_000])('of depth %i is an event', async (depth) => {
    let body = '';
    for (let i = 0; i < depth; i++)
      body += `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`;
    const { parseError } = await dataOf(`Subject: bomb\r\n${body}Content-Type: text/plain\r\n\r\nx\r\n`);
    expect(parseError !== undefined).toBe(depth >= 1_000);
  });

  it.each([10, 1_000])('of %i messages in messages is an event', async (depth) => {
    const { subject } = await dataOf(
      `Subject: bomb\r\n${'Content-Type: message/rfc822\r\n\r\n'.repeat(depth)}x`,
    );
    expect(subject).toBe('bomb');
  });

  it.each([1_000, 100_000])('of %i header fields is an event', async (count) => {
    const { subject } = await dataOf(head('X-Field: value\r\n'.repeat(count).slice(0, -2)));
    expect(subject).toBe('bomb');
  });

  it('of a million recipients is an event that says it was cut', async () => {
    const list = Array.from({ length: 1_000_000 }, (_, i) => `r${i}@x.example`).join(',\r\n ');
    const { subject, to, parseError } = await dataOf(head(`To: ${list}`));
    expect(subject).toBe('bomb');
    expect(to.length).toBeGreaterThan(100);
    expect(parseError).toContain('header size');
  });
});

describe('a pattern that stalls parsers', () => {
  const blanks = ' '.repeat(120_000);
  const MIB = 1_000_000;
  const cases: Readonly<Record<string, string>> = {
    'long query strings': head('Content-Type: text/plain', 'http://a.b/c?d='.repeat(32_000)),
    'chained host labels': head('Content-Type: text/plain', 'xn--a.'.repeat(27)),
    'blanks in text': head('Content-Type: text/plain', `a${blanks}b`),
    'blanks in quoted-printable': head('Content-Transfer-Encoding: quoted-printable', `a${' '.repeat(MIB)}b`),
    'equals signs in quoted-printable': head('Content-Transfer-Encoding: quoted-printable', '='.repeat(MIB)),
    'blanks after an escape': head('Content-Transfer-Encoding: quoted-printable', `=${blanks}x`.repeat(8)),
    'blanks in flowed text': head('Content-Type: text/plain; format=flowed', `a${blanks}\r\n`.repeat(8)),
    'soft line breaks': head('Content-Type: text/plain; format=flowed', 'a \r\n'.repeat(250_000)),
    'blanks in a subject': `Subject: a${blanks}b\r\n\r\nx`,
    'open encoded words': `Subject: ${'=?utf-8?B?'.repeat(90_000)}\r\n\r\nx`,
    'many encoded words': `Subject: ${'=?utf-8?Q?a?= '.repeat(60_000)}\r\n\r\nx`,
    'blanks between encoded words': `Subject: =?utf-8?Q?a?=${blanks}=?utf-8?Q?b?=${blanks}x\r\n\r\nx`,
    'angle brackets in a sender': `From: ${'<'.repeat(900_000)}\r\n\r\nx`,
    'quotes in a sender': `From: ${'"'.repeat(900_000)}\r\n\r\nx`,
    'comments in a sender': `From: ${'('.repeat(900_000)}\r\n\r\nx`,
    'groups in a sender': `From: ${'a:'.repeat(450_000)}\r\n\r\nx`,
    'at signs in an encoded sender': `From: =?utf-8?B?${Buffer.from(`<${'@'.repeat(500_000)}`).toString('base64')}?=\r\n\r\nx`,
    'commas in recipients': `To: ${','.repeat(900_000)}\r\n\r\nx`,
    'brackets in a Message-ID': `Message-ID: ${'<'.repeat(900_000)}\r\nReferences: ${'< '.repeat(450_000)}\r\n\r\nx`,
    'comments in a date': `Date: ${'('.repeat(900_000)}\r\n\r\nx`,
    'a long boundary': head(
      `Content-Type: multipart/mixed; boundary="${'-'.repeat(500_000)}"`,
      '-'.repeat(MIB),
    ),
    'dashes as body': head('Content-Type: multipart/mixed; boundary=-', `${'--\r\n'.repeat(200_000)}`),
    'parameters without end': head(`Content-Type: text/plain${';a=b'.repeat(200_000)}`),
    'continuations without end': head(
      `Content-Type: text/plain${Array.from({ length: 50_000 }, (_, i) => `;n*${i}=x`).join('')}`,
    ),
    'a long charset': head(`Content-Type: text/plain; charset=${'x'.repeat(500_000)}`),
    'open tags': head('Content-Type: text/html', '<div>'.repeat(200_000)),
    'open angle brackets in html': head('Content-Type: text/html', '<'.repeat(MIB)),
    'entities without end': head('Content-Type: text/html', '&'.repeat(MIB)),
    'a table without end': head('Content-Type: text/html', '<table><tr><td>'.repeat(70_000)),
    'attributes without end': head('Content-Type: text/html', `<a ${'b=c '.repeat(250_000)}>x</a>`),
    'links without end': head('Content-Type: text/html', '<a href="http://x.example/">'.repeat(40_000)),
    'comments in html': head('Content-Type: text/html', '<!--'.repeat(250_000)),
    'carriage returns alone': head('Content-Type: text/plain', '\r'.repeat(MIB)),
    'one line of base64 junk': head('Content-Transfer-Encoding: base64', '=!'.repeat(500_000)),
    'escapes of ISO-2022-JP': head(
      'Content-Type: text/plain; charset=iso-2022-jp',
      '\x1b$B\x1b(B'.repeat(150_000),
    ),
    'shifts of UTF-7': head('Content-Type: text/plain; charset=utf-7', '+AGE-'.repeat(200_000)),
  };

  it.each(Object.keys(cases))('(%s) is an event', async (name) => {
    const data = await dataOf(cases[name] ?? '');
    expect(data.raw.size).toBe(Buffer.byteLength(cases[name] ?? ''));
  });
});

describe('a message that names what objects are made of', () => {
  it('changes no object, and loses no attachment', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'];
    const parts = names.map(
      (name) =>
        `--b\r\nContent-Type: application/pdf; ${name}*0=polluted; ${name}=polluted; name="${name}"\r\n` +
        `Content-Disposition: attachment; filename="${name}"; ${name}=1\r\nContent-ID: <${name}>\r\n\r\nx\r\n`,
    );
    const fields = names
      .map((name) => `${name}: polluted\r\nList-${name}: <mailto:polluted@x.example>\r\n`)
      .join('');
    const data = await dataOf(
      head(
        `${fields}Content-Type: multipart/mixed; boundary=b; __proto__=polluted`,
        `${parts.join('')}--b--`,
      ),
    );
    expect(data.attachments.map(({ name }) => name)).toEqual(names);
    expect(data.headers.filter(({ name }) => names.includes(name))).toHaveLength(names.length);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('a message with text that stores refuse', () => {
  it('has no NUL and no half surrogate in any field, and all of them in its raw form', async () => {
    const lone = Buffer.from('\ud800x', 'utf16le').toString('base64');
    const raw =
      `Subject: a\0b =?utf-16le?B?${lone}?=\r\nFrom: "n\0n" <a\0@x.example>\r\nX-Odd\0: v\0\r\nMessage-ID: <\0@x>\r\n` +
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n' +
      `--b\r\nContent-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n\r\n${lone}\r\n` +
      '--b\r\nContent-Type: text/html\r\n\r\n&#xD800;\0&#0;\r\n' +
      '--b\r\nContent-Type: a\0/b; name="f\0.txt"\r\n\r\nx\0y\r\n--b--';
    const processed = await mail.process(raw);
    const text = JSON.stringify(processed.mail);
    expect(text).not.toMatch(/\\u0000|\\ud[89ab]/i);
    expect((await mail.read(processed.raw.storageKey)).toString('latin1')).toBe(raw);
  });
});
