/** One body part: its bytes as text, whatever its charset says. */
import type { Readable } from 'node:stream';
import { storableText } from '../core/storable-text.ts';
import { decodeUndeclared, isUndeclared } from './mail-charset.ts';
import type { MailParserInternals, MimeNode } from './mail-parser-internals.ts';

const ISO_2022_JP = /^iso-?2022-?jp/i;
/** The library's decoder for it knows more variants, but takes a hundred times the memory of its input. */
const MAX_LIBRARY_BYTES = 1024 * 1024;

/** Unknown charsets, and known ones that fail, are read like undeclared ones: a wrong character is better than none. */
export async function bodyText(
  parser: Pick<MailParserInternals, 'decoder' | 'libmime'>,
  node: MimeNode,
  bytes: Buffer,
): Promise<string> {
  const unflowed = node.flowed ? unflow(parser, node, bytes) : bytes;
  const charset = node.charset === false ? null : node.charset;
  const text = isUndeclared(charset)
    ? decodeUndeclared(unflowed)
    : await decodeDeclared(parser, unflowed, charset ?? '').catch(() => decodeUndeclared(unflowed));
  return storableText(text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n'));
}

/** RFC 3676: one character per byte, because it comes before the charset. */
function unflow(parser: Pick<MailParserInternals, 'libmime'>, node: MimeNode, bytes: Buffer): Buffer {
  return Buffer.from(parser.libmime.decodeFlowed(bytes.toString('latin1'), node.delSp), 'latin1');
}

async function decodeDeclared(
  parser: Pick<MailParserInternals, 'decoder'>,
  bytes: Buffer,
  charset: string,
): Promise<string> {
  if (bytes.length > MAX_LIBRARY_BYTES && ISO_2022_JP.test(charset)) {
    return new TextDecoder('iso-2022-jp').decode(bytes);
  }
  const stream = parser.decoder.decodeStream(charset);
  stream.end(bytes);
  let text = '';
  for await (const chunk of stream as Readable as AsyncIterable<Buffer | string>) {
    text += typeof chunk === 'string' ? chunk : chunk.toString('utf8');
  }
  return text;
}
