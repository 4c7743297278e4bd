/**
 * What we read otherwise than mailparser does, for both readers (`mail-mime-reader.ts`, `mail-quick-parser.ts`); one of these for
 * each message.
 *
 * - Depth is limited: the library has no limit for it.
 * - An embedded message is always an attachment: inlined, its text and its attachments would pass for those of the outer one.
 * - The parts of a digest are messages (RFC 2046 section 5.1.5).
 * - What has no valid type is text (RFC 2045 section 5.2), also a multipart without a subtype: the library drops it.
 * - A text part with a file name is a file, unless it is the first body part.
 * - Header bytes that are not UTF-8 are read as Windows-1252 instead of being replaced.
 * - Of the headers only those that addresses and subject need are parsed; of those that may stand once, the first counts.
 */
import { toUtf8BinaryString } from './mail-charset.ts';
import { ParseLimitError } from './mail-limits.ts';
import type { HeaderLine, MimeNode, ParserNode } from './mail-parser-internals.ts';

/** The library's own text types. */
export const BODY_TYPES: ReadonlySet<string | false> = new Set([
  'text/plain',
  'text/html',
  'message/delivery-status',
]);
const SINGLE_FIELDS = new Set(['from', 'reply-to', 'subject']);
const LIST_FIELDS = new Set(['to', 'cc', 'bcc']);
/** The address parser is quadratic in the number of colons (groups); nobody writes a thousand. */
const MAX_COLONS = 1000;

export class MimeRules {
  readonly #maxDepth: number;
  readonly #bodies = new Set<ParserNode>();
  readonly #depths = new Map<MimeNode, number>();
  #leafCount = 0;
  #hasBody = false;
  #isRoot = true;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  get leafCount(): number {
    return this.#leafCount;
  }

  /** True for a part whose text belongs to the body of the message. */
  isBody(node: ParserNode): boolean {
    return this.#bodies.has(node);
  }

  /** Before the library's node is made of a part whose header was read. @returns the limit that was passed, or null */
  prepare(node: MimeNode): ParseLimitError | null {
    const depth = node.parentNode === false ? 1 : (this.#depths.get(node.parentNode) ?? 0) + 1;
    this.#depths.set(node, depth);
    this.#isRoot = node.root;
    if (isDigestPart(node)) node.contentType = 'message/rfc822';
    // To the library it is a multipart when it makes a node, and none when it looks for parts.
    if (node.contentType === 'multipart/') node.contentType = 'text/plain';
    if (this.#hasBody && node.filename !== false && BODY_TYPES.has(typeOf(node)))
      node.disposition = 'attachment';
    return depth > this.#maxDepth
      ? new ParseLimitError(`parts are nested deeper than ${this.#maxDepth} levels`)
      : null;
  }

  /** After that. Bodies become attachments for the library, which hands those out as they are. */
  created(node: ParserNode): void {
    if (node.node.multipart !== false) return;
    this.#leafCount++;
    if (node.isAttachment !== false) return;
    this.#hasBody = true;
    this.#bodies.add(node);
    node.isAttachment = true;
  }

  /** The fields to parse of the header of the part that was prepared last. */
  wanted(lines: readonly HeaderLine[]): readonly HeaderLine[] {
    const wanted: HeaderLine[] = [];
    const seen = new Set<string>();
    for (const { key, line } of lines) {
      if (!this.#isWanted(key, seen)) continue;
      wanted.push({ key, line: readable(key, line) });
    }
    return wanted;
  }

  #isWanted(key: string, seen: Set<string>): boolean {
    if (key === 'content-id') return true;
    if (!this.#isRoot) return false;
    if (LIST_FIELDS.has(key)) return true;
    if (!SINGLE_FIELDS.has(key) || seen.has(key)) return false;
    seen.add(key);
    return true;
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
