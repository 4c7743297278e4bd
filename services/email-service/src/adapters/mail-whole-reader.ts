/**
 * Finds the parts of a message that is in memory, without streams: a look for lines that begin with two hyphens instead of one at
 * every line, and each part as a piece of the message. Measured on the standard mailbox (issue 7), the streaming reader took
 * several times as long as everything else that becomes of a message together.
 *
 * Whose rules: the library's. Headers, the tree and what a boundary is come from the very objects that the streaming reader uses
 * (`MimeReader`, the splitter's `processLine`), so there is one meaning, not two. Whatever would need more of the splitter than
 * that (a boundary inside a header block, a message without parts where parts were promised, limits) is left to the streaming
 * reader by answering null. `mail-whole-reader.test.ts` holds the two against each other.
 */
import type { Transform } from 'node:stream';
import { decodeBase64 } from './mail-base64.ts';
import type { MimeReader } from './mail-mime-reader.ts';
import type { LeafMeta, MimeNode, ParserNode } from './mail-parser-internals.ts';
import { decodeQuotedPrintable } from './mail-quoted-printable.ts';

export interface WholeLeaf {
  readonly node: ParserNode;
  readonly meta: LeafMeta;
  /** Decoded; may share memory with the message. */
  readonly content: Buffer;
}

const LF = 0x0a;
const CR = 0x0d;
const IN_BODY = 2;
/** Where a line with a boundary may begin. */
const DASHES = Buffer.from('\n--');
/** A line may begin with a lone CR, and hold a boundary after it. */
const CR_DASHES = Buffer.from('\n\r--');
/** What asks for a decoder is given the content whole instead. */
const NO_DECODER = { on: () => NO_DECODER } as unknown as Transform;

interface Head {
  readonly node: ParserNode;
  /** Offset of the body. */
  readonly end: number;
}

/**
 * @param reader a fresh one; afterwards it holds tree and headers
 * @returns null when the streaming reader has to be asked
 */
export function readLeaves(reader: MimeReader, bytes: Buffer): readonly WholeLeaf[] | null {
  if (bytes.includes(CR_DASHES)) return null;
  let failure: Error | null = null;
  reader.on('error', (error: Error) => {
    failure = error;
  });
  const boundary = watchBoundaries(reader);
  const leaves: WholeLeaf[] = [];
  let open: Head | null = readHead(reader, bytes, 0);
  if (open === null) return null;
  let at = open.end;
  for (;;) {
    const dashes = bytes.indexOf(DASHES, at - 1);
    if (dashes === -1) break;
    const start = dashes + 1;
    const lineFeed = bytes.indexOf(LF, start);
    at = lineFeed === -1 ? bytes.length : lineFeed + 1;
    const found = boundary(bytes.subarray(start, at), lineFeed === -1);
    if (found === null) return null;
    if (found === false) continue;
    if (open !== null && !take(reader, bytes, open, start, leaves)) return null;
    open = found === 'part' ? readHead(reader, bytes, at) : null;
    if (found === 'part') {
      if (open === null) return null;
      at = open.end;
    } else if (reader.splitter.node.multipart === false) return null;
  }
  if (open !== null && !take(reader, bytes, open, null, leaves)) return null;
  return failure === null && leaves.length > 0 ? leaves : null;
}

/** `part`: a part begins; `end`: the parts of a multipart end; false: no boundary; null: a limit was reached. */
type Boundary = 'part' | 'end' | false | null;

function watchBoundaries({ splitter }: MimeReader): (line: Buffer, isFinal: boolean) => Boundary {
  const check = splitter.checkBoundary;
  let found: ReturnType<typeof check> = false;
  splitter.checkBoundary = (line) => {
    found = check(line);
    return found;
  };
  return (line, isFinal) => {
    let failed = false;
    splitter.processLine(line, isFinal, (error) => {
      failed = error !== undefined && error !== null;
    });
    if (failed) return null;
    if (found === false) return false;
    return found === 1 || found === 3 ? 'part' : 'end';
  };
}

/** Reads the header block at `at` into the splitter's current node. */
function readHead(reader: MimeReader, bytes: Buffer, at: number): Head | null {
  const end = headEnd(bytes, at);
  if (end === null || end - at > reader.maxHeadBytes) return null;
  const block = bytes.subarray(at, end);
  if (block.includes(DASHES) || (block[0] === 0x2d && block[1] === 0x2d)) return null;
  const { splitter } = reader;
  const { node } = splitter;
  node.addHeaderChunk(block);
  node.parseHeaders();
  if (node.contentType === 'message/rfc822') node.messageNode = false;
  node.getDecoder = () => NO_DECODER;
  splitter.state = IN_BODY;
  const created = reader.createNode(node);
  return reader.hasFailed ? null : { node: created, end };
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
 * Adds the leaf that ends at the boundary line at `boundaryAt`, or with the message when that is null.
 * @returns false when it cannot be decoded here
 */
function take(
  reader: MimeReader,
  bytes: Buffer,
  { node, end: start }: Head,
  boundaryAt: number | null,
  leaves: WholeLeaf[],
): boolean {
  const mime = node.node;
  if (mime.multipart !== false) return true;
  // The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
  const end = boundaryAt === null ? bytes.length : contentEnd(bytes, start, boundaryAt, mime);
  // The splitter has it that nothing but a line end is a line end, not nothing.
  if (end === start && boundaryAt !== null && boundaryAt > start) return false;
  const content = decode(mime.encoding, bytes.subarray(start, end));
  if (content === null) return false;
  leaves.push({ node, meta: metaOf(reader, node), content });
  return true;
}

function contentEnd(bytes: Buffer, start: number, boundaryAt: number, { parentNode }: MimeNode): number {
  if (parentNode === false || boundaryAt <= start) return boundaryAt;
  const end = boundaryAt - 1;
  return end > start && bytes[end - 1] === CR ? end - 1 : end;
}

function decode(encoding: string | false, encoded: Buffer): Buffer | null {
  if (encoding === 'base64') return decodeBase64(encoded);
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(encoded) : encoded;
}

/** As mailparser describes an attachment. */
function metaOf(reader: MimeReader, node: ParserNode): LeafMeta {
  const mime = node.node;
  const { contentType } = node;
  const guessed =
    contentType === 'application/octet-stream' && mime.filename !== false
      ? reader.libmime.detectMimeType(mime.filename) || contentType
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
