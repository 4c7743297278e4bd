/**
 * What we use of mailparser beyond its published types (3.9.31, pinned; `mail-mime-reader.test.ts` fails when it changes).
 * The documented surface gives neither limits nor a body part as a stream, and makes choices that lose mail text.
 */
import { MailParser, type MailParserOptions } from 'mailparser';
import type { Transform } from 'node:stream';
import type { ParserLimits } from './mail-limits.ts';

/** A part as the splitter found it (`@zone-eu/mailsplit`, mime-node.js). */
export interface MimeNode {
  readonly root: boolean;
  readonly parentNode: MimeNode | false;
  readonly headers: MimeHeaders | false;
  /** Of the multipart that it is in. */
  readonly _parentBoundary: Buffer | false;
  /** IMAP's part number; words in it stand for a message's own text. */
  readonly partNr: readonly (number | string)[] | false;
  contentType: string | false;
  readonly charset: string | false;
  readonly encoding: string | false;
  readonly filename: string | false;
  readonly multipart: string | false;
  readonly flowed: boolean;
  readonly delSp: boolean;
  disposition: string | false;
  messageNode?: boolean;
  getDecoder: () => Transform;
  addHeaderChunk(lines: Buffer): void;
  parseHeaders(): void;
}

/** The header of a part (`@zone-eu/mailsplit`, headers.js). */
export interface MimeHeaders {
  hasHeader(name: string): boolean;
  getList(): readonly HeaderLine[];
}

/** mailparser's own node; one per `MimeNode`. */
export interface ParserNode {
  readonly node: MimeNode;
  readonly contentType: string | false;
  readonly headers: ParsedHeaders;
  readonly children: ParserNode[];
  readonly parent?: ParserNode;
  isAttachment?: boolean;
}

export interface HeaderLine {
  /** Lower case. */
  readonly key: string;
  /** The whole field, folded, one character per byte. */
  readonly line: string;
}

export type ParsedHeaders = ReadonlyMap<string, unknown>;

/** What the header of a leaf says about it. */
export interface LeafMeta {
  /** False where it is declared, and empty. */
  readonly contentType: string | false;
  readonly contentDisposition?: string;
  readonly partId: string | null;
  readonly filename?: string;
  readonly cid?: string;
  readonly related?: boolean;
}

/** A leaf on its way through the parser, which waits for `release` before it goes on. */
export interface LeafStream extends LeafMeta {
  readonly type: 'attachment';
  readonly headers: ParsedHeaders;
  /** SHA-256 of the content, hex; there once the content has ended. */
  readonly checksum?: string;
  readonly content: Transform;
  readonly release: () => void;
}

export interface Libmime {
  decodeWords(text: string): string;
  decodeFlowed(text: string, deleteSpaces: boolean): string;
  detectExtension(contentType: string): string;
  detectMimeType(filename: string): string;
}

export interface SplitterChunk {
  readonly type: 'node' | 'data' | 'body';
  readonly node?: MimeNode;
  readonly value?: Buffer;
}

/** Finds the parts (message-splitter.js). 1 and 2: a child follows, the children end; 3 and 4: the same one level up. */
export interface Splitter {
  config: ReaderOptions;
  maxHeadSize: number;
  maxChildNodes: number;
  nodeCounter: number;
  inEpilogue: boolean;
  lineChunks: readonly Buffer[];
  lineLength: number;
  hasFailed: boolean;
  pendingLineTruncated: boolean;
  node: MimeNode;
  /** 1 while it reads a header block, 2 in a body. */
  state: number;
  newNode(): void;
  push(chunk: unknown): boolean;
  processLine(line: Buffer, isFinal: boolean, next: (error?: Error | null) => void): void;
  checkBoundary(this: Splitter, line: Buffer): 1 | 2 | 3 | 4 | false;
  compareBoundary(this: Splitter, line: Buffer, start: number, boundary: Buffer): 1 | 2 | false;
}

export interface MailParserInternals extends Transform {
  readonly libmime: Libmime;
  readonly splitter: Splitter;
  readonly decoder: { decodeStream(charset: string): Transform };
  readonly tree: ParserNode | false;
  readonly headerLines: readonly HeaderLine[] | false;
  hasFailed: boolean;
  createNode(node: MimeNode): ParserNode;
  processHeaders(lines: readonly HeaderLine[]): ParsedHeaders;
  processChunk(chunk: SplitterChunk, done: (error?: Error) => void): void;
  getTextContent(): { readonly type: 'text' };
  getAddressesHTML(value: unknown): string;
  getAddressesText(value: unknown): string;
}

/** Options that mailparser hands on to its splitter besides its own. */
export interface ReaderOptions extends MailParserOptions {
  readonly ignoreEmbedded: boolean;
  readonly maxHeadSize: number;
  readonly maxChildNodes: number;
}

export const MailParserBase = MailParser as unknown as new (options: ReaderOptions) => MailParserInternals;

export function readerOptions(limits: ParserLimits): ReaderOptions {
  return {
    ignoreEmbedded: true,
    maxHeadSize: limits.maxHeadBytes,
    maxChildNodes: limits.maxParts,
    checksumAlgo: 'sha256',
  };
}
