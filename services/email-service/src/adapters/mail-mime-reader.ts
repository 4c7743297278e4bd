/**
 * mailparser with limits and our rules (`mail-mime-rules.ts`), and with every leaf of the message, body or attachment, as a stream of
 * its own.
 *
 * What is different from mailparser alone besides those, and why:
 * - Parts and header sizes are limited.
 * - Body parts come out as streams like attachments, so their size can be bounded, and both bodies are put together by
 *   `mail-bodies.ts`: mailparser holds them whole and drops a text part beside an HTML one when not asked to build HTML from text.
 * - Boundary lines may end in blanks, and one of any outer level ends the levels inside it (`mail-boundaries.ts`).
 */
import { widenBoundaries } from './mail-boundaries.ts';
import type { ParserLimits } from './mail-limits.ts';
import { MimeRules } from './mail-mime-rules.ts';
import {
  type HeaderLine,
  MailParserBase,
  type MimeNode,
  type ParsedHeaders,
  type ParserNode,
  readerOptions,
  type SplitterChunk,
} from './mail-parser-internals.ts';
import { QuotedPrintableDecoder } from './mail-quoted-printable.ts';

/** Kept of a multipart in which no part was ever found. */
const MAX_STRAY_BYTES = 256 * 1024;

export class MimeReader extends MailParserBase {
  readonly #rules: MimeRules;
  readonly #leaves = new WeakMap<ParsedHeaders, ParserNode>();
  readonly #stray: Buffer[] = [];
  #strayBytes = 0;

  constructor(limits: ParserLimits) {
    super(readerOptions(limits));
    this.#rules = new MimeRules(limits.maxDepth);
    widenBoundaries(this.splitter, limits.maxDepth);
  }

  /** The node that a leaf stream belongs to, found by its `headers`. */
  nodeOf(headers: ParsedHeaders): ParserNode {
    const node = this.#leaves.get(headers);
    if (node === undefined) throw new Error('a leaf without a node');
    return node;
  }

  /** See `MimeRules`. */
  isBody(node: ParserNode): boolean {
    return this.#rules.isBody(node);
  }

  /** What a multipart without any part held instead: its boundary is missing or wrong. Null when there was a part. */
  get strayContent(): Buffer | null {
    return this.#rules.leafCount > 0 || this.#strayBytes === 0 ? null : Buffer.concat(this.#stray);
  }

  override createNode(node: MimeNode): ParserNode {
    const passed = this.#rules.prepare(node);
    if (passed !== null && !this.hasFailed) {
      // It reads the next chunk only while this is false.
      this.hasFailed = true;
      this.emit('error', passed);
    }
    if (node.encoding === 'quoted-printable') node.getDecoder = () => new QuotedPrintableDecoder();
    const created = super.createNode(node);
    this.#rules.created(created);
    if (node.multipart === false) this.#leaves.set(created.headers, created);
    return created;
  }

  override processHeaders(lines: readonly HeaderLine[]): ParsedHeaders {
    return super.processHeaders(this.#rules.wanted(lines));
  }

  override processChunk(chunk: SplitterChunk, done: (error?: Error) => void): void {
    if (chunk.type === 'data' && this.#rules.leafCount === 0 && chunk.value !== undefined)
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
}
