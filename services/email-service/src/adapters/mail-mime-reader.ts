/**
 * mailparser with limits, and with every leaf of the message, body or attachment, as a stream of its own.
 *
 * What is different from mailparser alone, and why:
 * - Parts, depth and header sizes are limited: it has no limit on depth.
 * - Body parts come out as streams like attachments, so their size can be bounded, and both bodies are put together by
 *   `mail-bodies.ts`: mailparser holds them whole and drops a text part beside an HTML one when not asked to build HTML from text.
 * - An embedded message is always an attachment: inlined, its text and its attachments would pass for those of the outer one.
 * - Boundary lines may end in blanks, and one of any outer level ends the levels inside it (`mail-boundaries.ts`).
 * - The parts of a digest are messages (RFC 2046 section 5.1.5).
 * - A text part with a file name is a file, unless it is the first body part.
 * - Header bytes that are not UTF-8 are read as Windows-1252 instead of being replaced.
 * - Of the headers only those that addresses and subject need are parsed; of those that may stand once, the first counts.
 */
import { widenBoundaries } from './mail-boundaries.ts';
import { ParseLimitError, type ParserLimits } from './mail-limits.ts';
import { toUtf8BinaryString } from './mail-charset.ts';
import {
  type HeaderLine,
  MailParserBase,
  type MimeNode,
  type ParsedHeaders,
  type ParserNode,
  type SplitterChunk,
} from './mail-parser-internals.ts';
import { QuotedPrintableDecoder } from './mail-quoted-printable.ts';

const BODY_TYPES = new Set(['text/plain', 'text/html', 'message/delivery-status']);
const SINGLE_FIELDS = new Set(['from', 'reply-to', 'subject']);
const LIST_FIELDS = new Set(['to', 'cc', 'bcc']);
/** The address parser is quadratic in the number of colons (groups); nobody writes a thousand. */
const MAX_COLONS = 1000;
/** Kept of a multipart in which no part was ever found. */
const MAX_STRAY_BYTES = 256 * 1024;

export class MimeReader extends MailParserBase {
  readonly #limits: ParserLimits;
  readonly #leaves = new WeakMap<ParsedHeaders, ParserNode>();
  readonly #bodies = new WeakSet<ParserNode>();
  readonly #depths = new WeakMap<MimeNode, number>();
  readonly #stray: Buffer[] = [];
  #strayBytes = 0;
  #leafCount = 0;
  #hasBody = false;
  #isRoot = true;

  constructor(limits: ParserLimits) {
    super({
      ignoreEmbedded: true,
      maxHeadSize: limits.maxHeadBytes,
      maxChildNodes: limits.maxParts,
      checksumAlgo: 'sha256',
    });
    this.#limits = limits;
    widenBoundaries(this.splitter, limits.maxDepth);
  }

  /** The node that a leaf stream belongs to, found by its `headers`. */
  nodeOf(headers: ParsedHeaders): ParserNode {
    const node = this.#leaves.get(headers);
    if (node === undefined) throw new Error('a leaf without a node');
    return node;
  }

  /** True for a part whose text belongs to the body of the message. */
  isBody(node: ParserNode): boolean {
    return this.#bodies.has(node);
  }

  get maxHeadBytes(): number {
    return this.#limits.maxHeadBytes;
  }

  /** What a multipart without any part held instead: its boundary is missing or wrong. Null when there was a part. */
  get strayContent(): Buffer | null {
    return this.#leafCount > 0 || this.#strayBytes === 0 ? null : Buffer.concat(this.#stray);
  }

  override createNode(node: MimeNode): ParserNode {
    this.#checkDepth(node);
    this.#isRoot = node.root;
    if (isDigestPart(node)) node.contentType = 'message/rfc822';
    if (node.encoding === 'quoted-printable') node.getDecoder = () => new QuotedPrintableDecoder();
    if (this.#hasBody && node.filename !== false && BODY_TYPES.has(typeOf(node)))
      node.disposition = 'attachment';
    const created = super.createNode(node);
    if (node.multipart !== false) return created;
    this.#leafCount++;
    this.#leaves.set(created.headers, created);
    if (created.isAttachment === false) {
      this.#hasBody = true;
      this.#bodies.add(created);
      created.isAttachment = true;
    }
    return created;
  }

  override processHeaders(lines: readonly HeaderLine[]): ParsedHeaders {
    const seen = new Set<string>();
    const wanted = lines.filter(({ key }) => {
      if (key === 'content-id') return true;
      if (!this.#isRoot) return false;
      if (LIST_FIELDS.has(key)) return true;
      if (!SINGLE_FIELDS.has(key) || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
    return super.processHeaders(wanted.map(({ key, line }) => ({ key, line: readable(key, line) })));
  }

  override processChunk(chunk: SplitterChunk, done: (error?: Error) => void): void {
    if (chunk.type === 'data' && this.#leafCount === 0 && chunk.value !== undefined)
      this.#keepStray(chunk.value);
    super.processChunk(chunk, done);
  }

  override getTextContent(): { readonly type: 'text' } {
    return { type: 'text' };
  }

  // Markup of address lists that nobody asked for.
  override getAddressesHTML(): string {
    return '';
  }

  override getAddressesText(): string {
    return '';
  }

  #keepStray(value: Buffer): void {
    if (this.#strayBytes >= MAX_STRAY_BYTES) return;
    this.#stray.push(Buffer.from(value));
    this.#strayBytes += value.length;
  }

  #checkDepth(node: MimeNode): void {
    const depth = node.parentNode === false ? 1 : (this.#depths.get(node.parentNode) ?? 0) + 1;
    this.#depths.set(node, depth);
    if (depth <= this.#limits.maxDepth || this.hasFailed) return;
    // It reads the next chunk only while this is false.
    this.hasFailed = true;
    this.emit('error', new ParseLimitError(`parts are nested deeper than ${this.#limits.maxDepth} levels`));
  }
}

function isDigestPart(node: MimeNode): boolean {
  const isInDigest = node.parentNode !== false && node.parentNode.contentType === 'multipart/digest';
  return isInDigest && node.headers !== false && !node.headers.hasHeader('content-type');
}

function typeOf(node: MimeNode): string {
  return node.contentType === false ? 'text/plain' : node.contentType;
}

function readable(key: string, line: string): string {
  const utf8 = toUtf8BinaryString(line);
  if (key === 'subject' || key === 'content-id') return utf8;
  let colons = 0;
  for (let i = utf8.indexOf(':'); i !== -1; i = utf8.indexOf(':', i + 1)) {
    if (++colons > MAX_COLONS) return utf8.slice(0, i);
  }
  return utf8;
}
