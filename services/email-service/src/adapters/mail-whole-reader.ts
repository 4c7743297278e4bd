/**
 * Finds the parts of a message that is in memory, without streams: a look for lines that begin with two hyphens instead of one at
 * every line, and each part as a piece of the message. Measured on the standard mailbox (issue 7), the streaming reader took
 * several times as long as everything else that becomes of a message together.
 *
 * Whose rules: the library's (`mail-quick-parser.ts`), so there is one meaning, not two. Whatever would need more of the splitter
 * than that (a boundary inside a header block, a message without parts where parts were promised, limits) is left to the streaming
 * reader by answering null. `mail-whole-reader.test.ts` holds the two against each other.
 */
import { decodeBase64 } from './mail-base64.ts';
import type { DecodeMemory } from './mail-memory.ts';
import type { LeafMeta, Libmime, MimeNode, ParserNode } from './mail-parser-internals.ts';
import type { QuickParser } from './mail-quick-parser.ts';
import { decodeQuotedPrintable } from './mail-quoted-printable.ts';

export interface WholeLeaf {
  readonly node: ParserNode;
  readonly meta: LeafMeta;
  /** Decoded, in the memory of the message or of the decoder. */
  readonly content: Buffer;
}

const LF = 0x0a;
const CR = 0x0d;
/** Where a line with a boundary may begin. */
const DASHES = Buffer.from('\n--');
/** A line may begin with a lone CR, and hold a boundary after it. */
const CR_DASHES = Buffer.from('\n\r--');

interface Head {
  readonly node: ParserNode;
  /** Offset of the body. */
  readonly end: number;
}

/**
 * @param parser a fresh one; afterwards it holds tree and headers
 * @param memory what the leaves are decoded to
 * @returns null when the streaming reader has to be asked
 */
export function readLeaves(
  parser: QuickParser,
  bytes: Buffer,
  memory: DecodeMemory,
): readonly WholeLeaf[] | null {
  if (bytes.includes(CR_DASHES)) return null;
  const leaves: WholeLeaf[] = [];
  /** Adds the leaf that was open until `boundaryAt`. @returns false when it cannot be decoded here */
  const take = ({ node, end: start }: Head, boundaryAt: number | null): boolean => {
    if (node.node.multipart !== false) return true;
    const content = contentOf(node.node, { bytes, start, memory }, boundaryAt);
    if (content === null) return false;
    leaves.push({ node, meta: metaOf(parser.libmime, node), content });
    return true;
  };
  let open: Head | null = readHead(parser, bytes, 0);
  if (open === null) return null;
  let at = open.end;
  for (;;) {
    const dashes = bytes.indexOf(DASHES, at - 1);
    if (dashes === -1) break;
    const start = dashes + 1;
    const lineFeed = bytes.indexOf(LF, start);
    at = lineFeed === -1 ? bytes.length : lineFeed + 1;
    const found = parser.boundary(bytes.subarray(start, at), lineFeed === -1);
    if (found === null) return null;
    if (found === false) continue;
    if (open !== null && !take(open, start)) return null;
    open = found === 'part' ? readHead(parser, bytes, at) : null;
    if (found === 'part') {
      if (open === null) return null;
      at = open.end;
    } else if (parser.current.multipart === false) return null;
  }
  if (open !== null && !take(open, null)) return null;
  return leaves.length > 0 ? leaves : null;
}

/** Reads the header block at `at` for the current part. */
function readHead(parser: QuickParser, bytes: Buffer, at: number): Head | null {
  const end = headEnd(bytes, at);
  if (end === null || end - at > parser.maxHeadBytes) return null;
  const block = bytes.subarray(at, end);
  if (block.includes(DASHES) || (block[0] === 0x2d && block[1] === 0x2d)) return null;
  const node = parser.read(block);
  return node === null ? null : { node, end };
}

/** Behind the empty line. */
function headEnd(bytes: Buffer, at: number): number | null {
  if (bytes[at] === LF) return at + 1;
  if (bytes[at] === CR && bytes[at + 1] === LF) return at + 2;
  for (let lf = bytes.indexOf(LF, at); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) {
    if (bytes[lf + 1] === LF) return lf + 2;
    if (bytes[lf + 1] === CR && bytes[lf + 2] === LF) return lf + 3;
  }
  return null;
}

/**
 * The content of the leaf that ends at the boundary line at `boundaryAt`, or with the message when that is null.
 * @returns null when it cannot be decoded here
 */
function contentOf(
  mime: MimeNode,
  { bytes, start, memory }: { readonly bytes: Buffer; readonly start: number; readonly memory: DecodeMemory },
  boundaryAt: number | null,
): Buffer | null {
  // The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
  const end = boundaryAt === null ? bytes.length : contentEnd(bytes, start, boundaryAt, mime);
  // The splitter has it that nothing but a line end is a line end, not nothing.
  if (end === start && boundaryAt !== null && boundaryAt > start) return null;
  return decode(mime.encoding, bytes.subarray(start, end), memory);
}

function contentEnd(bytes: Buffer, start: number, boundaryAt: number, { parentNode }: MimeNode): number {
  if (parentNode === false || boundaryAt <= start) return boundaryAt;
  const end = boundaryAt - 1;
  return end > start && bytes[end - 1] === CR ? end - 1 : end;
}

function decode(encoding: string | false, encoded: Buffer, memory: DecodeMemory): Buffer | null {
  if (encoding === 'base64') return decodeBase64(encoded, memory);
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(encoded, memory) : encoded;
}

/** As mailparser describes an attachment. */
function metaOf(libmime: Libmime, node: ParserNode): LeafMeta {
  const mime = node.node;
  const { contentType } = node;
  const guessed =
    contentType === 'application/octet-stream' && mime.filename !== false
      ? libmime.detectMimeType(mime.filename) || contentType
      : contentType;
  return {
    contentType: guessed,
    partId: partIdOf(mime),
    ...(mime.disposition === false ? {} : { contentDisposition: mime.disposition }),
    ...(mime.filename === false ? {} : { filename: mime.filename }),
    ...contentIdOf(node),
  };
}

function partIdOf({ _parentBoundary: boundary, partNr }: MimeNode): string | null {
  if (boundary === false || partNr === false) return null;
  return partNr.filter((part) => typeof part === 'number').join('.') || null;
}

function contentIdOf(node: ParserNode): { readonly cid?: string; readonly related?: boolean } {
  const [id] = [node.headers.get('content-id') ?? []].flat();
  if (typeof id !== 'string') return {};
  const cid = id.trim().replace(/^<|>$/g, '').trim();
  for (let above = node.parent; above !== undefined; above = above.parent) {
    if (above.contentType === 'multipart/related') return { cid, related: true };
  }
  return { cid };
}
