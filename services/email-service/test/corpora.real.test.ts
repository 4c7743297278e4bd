/**
 * Every message of the corpora beside the repository (`../shared/corpora/mime-*`) through the parser threads. Each must end as an
 * event within a quarter of the usual wall limit. Where a corpus tells what another parser finds, the two are compared.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { useMailProcessor } from './mail-fixture.ts';

const CORPORA = join(import.meta.dirname, '../../../../shared/corpora');
const PARSED = join(CORPORA, 'mime-stalwart');

const files = messages('mime-');
const expectations = files.filter((file) => existsSync(expectationOf(file)));

describe.skipIf(files.length === 0)('every message of the corpora (../shared/corpora/mime-*)', () => {
  const mail = useMailProcessor({ parser: { wallMs: 5_000 } });
  it.each(files.map((file) => file.slice(CORPORA.length + 1)))(
    '%s is an event, with LF and with CRLF',
    async (name) => {
      const raw = readFileSync(join(CORPORA, name));
      for (const bytes of [raw, withCrlf(raw)]) {
        const { emailData } = await mail.payload(bytes);
        expect(Buffer.byteLength(JSON.stringify(emailData))).toBeLessThan(512 * 1024);
        expect((await mail.read(emailData.raw.storageKey)).equals(bytes)).toBe(true);
      }
    },
  );

  it('takes no more memory the more often they come', async () => {
    const round = async (): Promise<number> => {
      for (const file of files) await mail.process(readFileSync(file));
      return process.memoryUsage().rss;
    };
    await round();
    const before = await round();
    for (let i = 0; i < 4; i++) await round();
    expect((await round()) - before).toBeLessThan(128 * 1024 * 1024);
  });

  describe.skipIf(expectations.length === 0)('says the same as the other parser', () => {
    it.each(expectations.map((file) => file.slice(PARSED.length + 1)))('of %s', async (name) => {
      const file = join(PARSED, name);
      const expected = expectedOf(JSON.parse(readFileSync(expectationOf(file), 'utf8')));
      const { mail: parsed } = await mail.process(readFileSync(file));
      expect(squeeze(parsed.subject)).toBe(squeeze(expected.subject));
      expect(parsed.from).toEqual(expected.from);
      expect(parsed.messageId).toBe(expected.messageId);
      const known = KNOWN_DIFFERENCES[name];
      if (known !== 'text') expect(squeeze(parsed.text)).toContain(squeeze(expected.text).slice(0, 200));
      const notText = parsed.attachments.filter(({ contentType }) => !contentType.startsWith('text/'));
      if (known !== 'files') expect(notText).toHaveLength(expected.files);
    });
  });
});

/** Where we differ, each for its reason. */
const KNOWN_DIFFERENCES: Readonly<Record<string, 'text' | 'files'>> = {
  // Two Content-Type fields in one part: the first counts for us, the last for the other.
  'malformed/020.eml': 'text',
  'malformed/021.eml': 'text',
  // An outer boundary ends a nested message: three messages side by side, not one inside another.
  'malformed/012.eml': 'files',
  // A semicolon is missing before the boundary: it has none for us, and the parts are shown as text.
  'malformed/017.eml': 'files',
  // What is declared a message stays a file for us, even where its content is no message.
  'malformed/022.eml': 'files',
  'thirdparty/015.eml': 'files',
  // Base64 that is none: a file of the few bytes that it decodes to, not text.
  'rfc/000.eml': 'files',
};

const addressSchema = z.object({ name: z.string().nullish(), address: z.string().nullish() });
const expectationSchema = z.object({
  text_body: z.array(z.number()),
  parts: z.array(
    z.object({
      headers: z.array(z.object({ name: z.unknown(), value: z.unknown() })),
      body: z.unknown(),
    }),
  ),
});

interface Expectation {
  readonly subject: string;
  readonly from: { readonly email: string; readonly name?: string } | null;
  readonly messageId: string | null;
  readonly text: string;
  readonly files: number;
}

function expectedOf(json: unknown): Expectation {
  const { parts, text_body: textBody } = expectationSchema.parse(json);
  const header = (name: string): unknown =>
    parts[0]?.headers.filter((field) => field.name === name).at(-1)?.value;
  const id = member(header('message_id'), 'Text');
  const text = member(parts[textBody[0] ?? -1]?.body, 'Text');
  return {
    subject: asText(member(header('subject'), 'Text')),
    from: firstAddress(header('from')),
    messageId: typeof id === 'string' ? `<${id}>` : null,
    text: asText(text).replaceAll('\0', '\uFFFD'),
    files: parts.filter(({ body }) =>
      ['Binary', 'InlineBinary', 'Message'].some((kind) => member(body, kind) !== undefined),
    ).length,
  };
}

function firstAddress(value: unknown): Expectation['from'] {
  const list = member(member(value, 'Address'), 'List');
  if (!Array.isArray(list) || list.length === 0) return null;
  const { name, address } = addressSchema.parse(list[0]);
  return { email: address ?? '', ...(name === null || name === undefined ? {} : { name }) };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function withCrlf(raw: Buffer): Buffer {
  return Buffer.from(raw.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
}

function expectationOf(file: string): string {
  return file.replace(/\.eml$/, '.json');
}

function messages(prefix: string): readonly string[] {
  if (!existsSync(CORPORA)) return [];
  return readdirSync(CORPORA, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.startsWith(prefix) && name.endsWith('.eml'))
    .map((name) => join(CORPORA, name));
}
