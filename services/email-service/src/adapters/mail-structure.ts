/** Runs one message through the reader: header fields, bodies, attachments, and what went wrong. */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { shortText, storableText } from '../core/storable-text.ts';
import type { TextTree } from './mail-bodies.ts';
import { bodyText } from './mail-body-text.ts';
import { decodeUndeclared, withoutPartialCharacter } from './mail-charset.ts';
import type { ParserLimits } from './mail-limits.ts';
import type { DecodeMemory } from './mail-memory.ts';
import { MimeReader } from './mail-mime-reader.ts';
import type {
  HeaderLine,
  LeafMeta,
  Libmime,
  LeafStream,
  ParsedHeaders,
  ParserNode,
} from './mail-parser-internals.ts';
import { QuickParser } from './mail-quick-parser.ts';
import { readLeaves } from './mail-whole-reader.ts';

export interface MailStructure {
  /** Null when not even the header block of the message could be read. */
  readonly headerLines: readonly HeaderLine[] | null;
  readonly headers: ParsedHeaders;
  readonly tree: TextTree | null;
  /** What ended the parse early; everything before it is there. */
  readonly error: string | null;
}

export interface StructureOptions {
  readonly limits: ParserLimits;
  /** Reads the content to its end before it resolves. Its faults end everything; null ignores attachments and bodies. */
  readonly onAttachment: ((leaf: LeafStream, tools: Libmime) => Promise<void>) | null;
}

/** @throws FaultError of the source or of `onAttachment`; errors of the message are in the result. */
export async function readStructure(
  chunks: AsyncIterable<Uint8Array>,
  options: StructureOptions,
): Promise<MailStructure> {
  const reader = new MimeReader(options.limits);
  const leaves = new LeafConsumer(reader, options);
  const ended = once(reader, 'end');
  ended.catch(() => undefined);
  reader.on('data', (part: { readonly type: string }) => {
    if (part.type === 'attachment') leaves.take(part as LeafStream);
  });
  let error: string | null = null;
  try {
    await pipeline(Readable.from(chunks, { objectMode: false }), reader);
    await ended;
  } catch (caught) {
    if (caught instanceof FaultError) throw caught;
    error = describe(caught);
    leaves.abandon();
  }
  await leaves.finish();
  return result(reader, leaves.texts, error);
}

/**
 * The same for a message in memory, at once, and many times faster.
 * @returns null when the message needs `readStructure`; nothing was given to `onAttachment` then
 */
export async function readStructureWhole(
  bytes: Buffer,
  options: {
    readonly limits: ParserLimits;
    /** What attachments are decoded to; what `onAttachment` gets is in it. */
    readonly memory: DecodeMemory;
    readonly onAttachment: (meta: LeafMeta, content: Buffer, tools: Libmime) => void;
  },
): Promise<MailStructure | null> {
  const parser = new QuickParser(options.limits);
  const leaves = readLeaves(parser, bytes, options.memory);
  if (leaves === null) return null;
  const texts = new Map<ParserNode, string>();
  const taken = new TextBytes(options.limits.maxTextBytes);
  for (const { node, meta, content } of leaves) {
    if (parser.isBody(node)) {
      const { bytes: kept, isCut } = taken.take(content);
      texts.set(node, await bodyText(parser, node.node, isCut ? withoutPartialCharacter(kept) : kept));
    } else options.onAttachment(meta, content, parser.libmime);
  }
  return result(parser, texts, null);
}

/** Counts the bytes of all text parts against one limit. */
class TextBytes {
  #left: number;

  constructor(max: number) {
    this.#left = max;
  }

  take(bytes: Buffer): { readonly bytes: Buffer; readonly isCut: boolean } {
    const kept = bytes.subarray(0, Math.max(0, this.#left));
    this.#left -= bytes.length;
    return { bytes: kept, isCut: this.#left < 0 };
  }
}

function result(
  reader: Pick<MimeReader, 'tree' | 'headerLines' | 'strayContent'>,
  texts: ReadonlyMap<ParserNode, string>,
  error: string | null,
): MailStructure {
  const { tree, headerLines } = reader;
  if (tree === false || headerLines === false) {
    return { headerLines: null, headers: new Map(), tree: null, error: error ?? 'there is no header' };
  }
  const stray = reader.strayContent;
  if (stray !== null) {
    const content = storableText(decodeUndeclared(stray).replace(/\r\n?/g, '\n'));
    const leaf: TextTree = { contentType: 'text/plain', content, children: [] };
    return {
      headerLines,
      headers: tree.headers,
      tree: leaf,
      error: error ?? 'a multipart message without parts',
    };
  }
  return { headerLines, headers: tree.headers, tree: textTree(tree, texts), error };
}

function textTree(node: ParserNode, texts: ReadonlyMap<ParserNode, string>): TextTree {
  return {
    contentType: node.contentType === false ? 'text/plain' : node.contentType,
    content: texts.get(node) ?? null,
    children: node.children.map((child) => textTree(child, texts)),
  };
}

/** Takes the leaves as they come; the parser waits for each. */
class LeafConsumer {
  readonly texts = new Map<ParserNode, string>();
  readonly #reader: MimeReader;
  readonly #options: StructureOptions;
  readonly #working = new Set<Promise<void>>();
  #open: LeafStream | null = null;
  readonly #textBytes: TextBytes;
  #fault: unknown = null;

  constructor(reader: MimeReader, options: StructureOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#textBytes = new TextBytes(options.limits.maxTextBytes);
  }

  take(leaf: LeafStream): void {
    const { release } = leaf;
    this.#open = leaf;
    const work = this.#consume(leaf).then(
      () => release(),
      (error: unknown) => {
        this.#fault ??= error;
        this.#reader.destroy(error instanceof Error ? error : new Error('a leaf failed'));
      },
    );
    this.#working.add(work);
    void work.finally(() => this.#working.delete(work));
  }

  /** The parser has stopped: the leaf it was in will never end by itself. */
  abandon(): void {
    this.#open?.content.destroy(new AbandonedError('the message ended in an error'));
  }

  /** @throws FaultError of an attachment's consumer */
  async finish(): Promise<void> {
    await Promise.all(this.#working);
    // Anything else has ended the reader, and is its error now.
    if (this.#fault instanceof FaultError) throw this.#fault;
  }

  async #consume(leaf: LeafStream): Promise<void> {
    const node = this.#reader.nodeOf(leaf.headers);
    if (this.#options.onAttachment === null) leaf.content.resume();
    else if (this.#reader.isBody(node)) await this.#readBody(leaf, node);
    else await this.#options.onAttachment(leaf, this.#reader.libmime);
  }

  async #readBody(leaf: LeafStream, node: ParserNode): Promise<void> {
    const chunks: Buffer[] = [];
    let isCut = false;
    try {
      for await (const chunk of leaf.content as AsyncIterable<Buffer>) {
        const taken = this.#textBytes.take(chunk);
        if (taken.bytes.length > 0) chunks.push(taken.bytes);
        isCut = taken.isCut;
      }
    } catch (error) {
      // What there is of a body is worth having.
      if (!(error instanceof AbandonedError)) throw error;
    }
    const bytes = Buffer.concat(chunks);
    const whole = isCut ? withoutPartialCharacter(bytes) : bytes;
    this.texts.set(node, await bodyText(this.#reader, node.node, whole));
  }
}

class AbandonedError extends Error {
  override readonly name = 'AbandonedError';
}

/** Only the library's own words: they hold numbers and names of limits, never content. */
function describe(error: unknown): string {
  return error instanceof Error ? shortText(error.message, 200) : 'unknown';
}
