/** What the reader relies on beyond the published types of mailparser; an update that changes it must fail here. */
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { MailParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PARSER_LIMITS } from './mail-limits.ts';
import { MimeReader } from './mail-mime-reader.ts';
import type { LeafStream } from './mail-parser-internals.ts';
import { readStructure } from './mail-structure.ts';

const require = createRequire(import.meta.url);

describe('mailparser', () => {
  it('is the version whose internals were read', () => {
    const { version } = require('mailparser/package.json') as { version: string };
    expect(version).toBe('3.9.31');
  });

  it.each([
    'createNode',
    'processHeaders',
    'processChunk',
    'getTextContent',
    'getAddressesHTML',
    'getAddressesText',
  ])('calls its own method %s, which the reader replaces', (name) => {
    expect(Object.hasOwn(MailParser.prototype, name)).toBe(true);
    expect(Object.hasOwn(MimeReader.prototype, name)).toBe(true);
  });

  it('has the splitter, the decoder and libmime that the reader uses', () => {
    const reader = new MimeReader(DEFAULT_PARSER_LIMITS);
    expect(typeof reader.splitter.checkBoundary).toBe('function');
    expect(typeof reader.splitter.compareBoundary).toBe('function');
    expect(reader.splitter.node).toMatchObject({ root: true });
    expect(typeof reader.decoder.decodeStream).toBe('function');
    expect(reader.libmime.decodeWords('=?utf-8?q?=C3=A9?=')).toBe('é');
    reader.destroy();
  });
});

describe('the structure of a message', () => {
  it('is read part by part, each leaf waiting for the one before', async () => {
    const raw = [
      'Subject: s\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a  \r\n',
      'Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n',
      '--b\r\nContent-Type: image/png\r\nContent-ID: <i@x>\r\n\r\npng\r\n',
      // The inner multipart is never closed: the outer boundary ends it.
      '--a\r\nContent-Type: text/plain; name=notes.txt\r\n\r\nnotes\r\n--a--\r\nepilogue',
    ].join('');
    const seen: string[] = [];
    let open = 0;
    const structure = await readStructure(Readable.from([Buffer.from(raw)]), {
      limits: DEFAULT_PARSER_LIMITS,
      onAttachment: async (leaf: LeafStream) => {
        open++;
        expect(open).toBe(1);
        const content: Buffer[] = [];
        for await (const chunk of leaf.content as AsyncIterable<Buffer>) content.push(chunk);
        seen.push(`${leaf.partId} ${leaf.contentType} ${Buffer.concat(content).toString()}`);
        open--;
      },
    });
    expect(seen).toEqual(['1.2 image/png png', '2 text/plain notes']);
    expect(structure.error).toBeNull();
    expect(structure.tree?.children[0]?.children[0]).toMatchObject({
      contentType: 'text/html',
      content: '<p>x</p>',
    });
  });
});
