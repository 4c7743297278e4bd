/** The reader of messages in memory against the streaming one: the same, or no answer; and an answer for what people send. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESSAGE_KINDS, messageOfKind } from '@mailstream/shared/testing/message-kinds';
import { DEFAULT_PARSER_LIMITS } from '../src/adapters/mail-limits.ts';
import { DecodeMemory } from '../src/adapters/mail-memory.ts';
import type { LeafMeta } from '../src/adapters/mail-parser-internals.ts';
import { type MailStructure, readStructure, readStructureWhole } from '../src/adapters/mail-structure.ts';
import { mimePiece } from './mime-pieces.ts';

const CORPORA = join(import.meta.dirname, '../../../../shared/corpora');
const limits = DEFAULT_PARSER_LIMITS;
/** Full of what the message before left there; too small for the largest. */
const memory = new DecodeMemory(64 * 1024);

interface Reading {
  readonly structure: MailStructure;
  readonly files: readonly { readonly meta: Readonly<Record<string, unknown>>; readonly sha256: string }[];
}

function fileOf(meta: LeafMeta, content: Buffer): Reading['files'][number] {
  const { contentType, contentDisposition, partId, filename, cid, related } = meta;
  const known = { contentType, contentDisposition, partId, filename, cid, related };
  return { meta: known, sha256: createHash('sha256').update(content).digest('hex') };
}

async function whole(bytes: Buffer): Promise<Reading | null> {
  const files: Reading['files'][number][] = [];
  memory.reuse(0);
  const structure = await readStructureWhole(bytes, {
    ...{ limits, memory },
    onAttachment: (meta, content) => void files.push(fileOf(meta, content)),
  });
  return structure === null ? null : { structure, files };
}

async function streamed(bytes: Buffer): Promise<Reading> {
  const files: Reading['files'][number][] = [];
  const structure = await readStructure(Readable.from([bytes]), {
    limits,
    onAttachment: async (leaf) => {
      files.push(fileOf(leaf, await buffer(leaf.content)));
    },
  });
  return { structure, files };
}

/** So that random pieces mean something more often. */
const multipartStart = fc.constantFrom(
  '',
  'Subject: s\r\n',
  'Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n',
  'Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\n\r\n',
  'Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n',
);

/** @returns whether the quick reader had an answer */
async function compare(bytes: Buffer): Promise<boolean> {
  const quick = await whole(bytes);
  if (quick !== null) expect(quick).toEqual(await streamed(bytes));
  return quick !== null;
}

describe('a message in memory is read as the streaming reader reads it', () => {
  it.each(MESSAGE_KINDS)('%s', async (kind) => {
    const { raw } = messageOfKind(kind, 7, {
      largeAttachmentBytes: 200_000,
      attachmentCount: 12,
      recipientCount: 50,
    });
    expect(await compare(raw)).toBe(true);
    expect(await compare(Buffer.from(raw.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'))).toBe(true);
  });

  it.each([
    ['one whole part in quoted-printable', 'quoted-printable', 'caf=C3=A9 =\r\n  a  b\t\r\n=3D'],
    ['base64 in one line', 'base64', 'aGVsbG8gd29ybGQ='],
    ['base64 in lines of one length', 'base64', 'aGVsbG8g\r\nd29ybGQh\r\nIQ==\r\n'],
    ['base64 that ends in a whole line', 'base64', 'aGVsbG8g\r\nd29ybGQh\r\n'],
    ['an encoding nobody knows', 'x-uuencode', 'begin 644 a\n'],
  ])('%s', async (_what, encoding, content) => {
    const leaf = `Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${content}`;
    const multipart = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${leaf}\r\n--b--\r\n`;
    expect(await compare(Buffer.from(leaf))).toBe(true);
    expect(await compare(Buffer.from(multipart))).toBe(true);
  });

  it('a multipart without a subtype: it is text', async () => {
    const raw = Buffer.from('Subject: s\r\nContent-Type: multipart/\r\n\r\nhello\r\n');
    expect(await compare(raw)).toBe(true);
    expect((await streamed(raw)).structure.tree).toMatchObject({
      contentType: 'text/plain',
      content: expect.stringContaining('hello') as unknown,
    });
  });

  it.each([
    ['base64url', 'a-_b'],
    ['padding in the middle', 'aGk=aGk='],
    ['a letter too few', 'aGVsbG8'],
    ['lines of many lengths', 'aGVsbG8g\r\nd29y\r\nbGQh\r\n'],
    ['a stranger', 'aGVs*bG8'],
  ])('or leaves it to that: base64 with %s', async (_what, content) => {
    const raw = `Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n${content}`;
    expect(await compare(Buffer.from(raw))).toBe(false);
  });

  it('whatever the pieces and their order', async () => {
    let answers = 0;
    await fc.assert(
      fc.asyncProperty(multipartStart, fc.array(mimePiece, { maxLength: 40 }), async (start, pieces) => {
        if (await compare(Buffer.from(start + pieces.join(''), 'latin1'))) answers++;
      }),
      { numRuns: 1_000 },
    );
    expect(answers).toBeGreaterThan(200);
  });

  it('whatever happens to the bytes of a good one', async () => {
    const small = { largeAttachmentBytes: 5_000, attachmentCount: 5, recipientCount: 20 };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...MESSAGE_KINDS),
        fc.array(fc.record({ at: fc.nat(), byte: fc.constantFrom(...Buffer.from('\r\n-= :;"=a\0\xff')) }), {
          maxLength: 6,
        }),
        async (kind, changes) => {
          const raw = Buffer.from(messageOfKind(kind, 3, small).raw);
          for (const { at, byte } of changes) raw[at % raw.length] = byte;
          await compare(raw);
        },
      ),
      { numRuns: 400 },
    );
  });

  const files = existsSync(CORPORA)
    ? readdirSync(CORPORA, { recursive: true, encoding: 'utf8' }).filter((name) =>
        /^mime-.*\.(eml|txt|msg)$/.test(name),
      )
    : [];
  it.skipIf(files.length === 0)('every message of the corpora (../shared/corpora/mime-*)', async () => {
    let answers = 0;
    for (const name of files) if (await compare(readFileSync(join(CORPORA, name)))) answers++;
    expect(answers / files.length).toBeGreaterThan(0.8);
  });
});
