/**
 * mailparser's objects without its streams, for a message that is in memory (`mail-whole-reader.ts`): its splitter as the judge of
 * boundaries and parser of headers, and its way to read address fields and subjects. Making the three streams of a parser and
 * letting them tell each other that there is nothing to read took a tenth of a parser's time on the standard mailbox (issue 7).
 *
 * Whose rules: the library's. What finds parts and reads fields are its own methods; the tree is made as its `createNode` makes it,
 * which needs no streams. `mail-whole-reader.test.ts` holds the two readers against each other.
 */
import { widenBoundaries } from './mail-boundaries.ts';
import { DEFAULT_PARSER_LIMITS, type ParserLimits } from './mail-limits.ts';
import { BODY_TYPES, MimeRules } from './mail-mime-rules.ts';
import {
  type HeaderLine,
  MailParserBase,
  type MailParserInternals,
  type MimeNode,
  type ParserNode,
  readerOptions,
  type Splitter,
} from './mail-parser-internals.ts';

/** `part`: a part begins; `end`: the parts of a multipart end; false: no boundary; null: a limit was reached. */
export type Boundary = 'part' | 'end' | false | null;

type Found = ReturnType<Splitter['checkBoundary']>;

/** One of the library's, for what is the same in all of them. */
const model = new MailParserBase(readerOptions(DEFAULT_PARSER_LIMITS));
const { libmime, decoder } = model;

/** Reads fields. Its methods use nothing that the constructor of a parser makes but `libmime`. */
const fields = Object.create(MailParserBase.prototype) as MailParserInternals;
Object.assign(fields, { libmime, getAddressesHTML: () => '', getAddressesText: () => '' });

interface QuickSplitter extends Splitter {
  found: Found;
}

/** What the splitters of messages with one limit inherit from: the library's splitter, with our boundaries. */
const splitters = new Map<number, object>();

function splitterPrototype(maxDepth: number): object {
  const known = splitters.get(maxDepth);
  if (known !== undefined) return known;
  const made = Object.create(Object.getPrototypeOf(model.splitter) as object) as QuickSplitter;
  widenBoundaries(made, maxDepth);
  const { checkBoundary: check } = made;
  made.checkBoundary = function (this: QuickSplitter, line) {
    this.found = check.call(this, line);
    return this.found;
  };
  // Nobody reads what it tells.
  made.push = () => true;
  splitters.set(maxDepth, made);
  return made;
}

function newSplitter(limits: ParserLimits): QuickSplitter {
  const config = readerOptions(limits);
  const splitter = Object.create(splitterPrototype(limits.maxDepth)) as QuickSplitter;
  splitter.config = config;
  splitter.maxHeadSize = config.maxHeadSize;
  splitter.maxChildNodes = config.maxChildNodes;
  splitter.nodeCounter = 0;
  splitter.lineChunks = [];
  splitter.lineLength = 0;
  splitter.hasFailed = false;
  splitter.pendingLineTruncated = false;
  splitter.found = false;
  splitter.newNode();
  return splitter;
}

const IN_BODY = 2;

/** One message. */
export class QuickParser {
  readonly libmime = libmime;
  readonly decoder = decoder;
  /** Those that were never found are for the streaming reader. */
  readonly strayContent = null;
  readonly maxHeadBytes: number;
  readonly #rules: MimeRules;
  readonly #splitter: QuickSplitter;
  readonly #nodes = new Map<MimeNode, ParserNode>();
  #tree: ParserNode | false = false;
  #headerLines: readonly HeaderLine[] | false = false;

  constructor(limits: ParserLimits) {
    this.maxHeadBytes = limits.maxHeadBytes;
    this.#rules = new MimeRules(limits.maxDepth);
    this.#splitter = newSplitter(limits);
  }

  get tree(): ParserNode | false {
    return this.#tree;
  }

  /** Of the message. */
  get headerLines(): readonly HeaderLine[] | false {
    return this.#headerLines;
  }

  /** The part that lines belong to now. */
  get current(): MimeNode {
    return this.#splitter.node;
  }

  /** See `MimeRules`. */
  isBody(node: ParserNode): boolean {
    return this.#rules.isBody(node);
  }

  /** What a line is that begins with two hyphens. @param isFinal when nothing follows it */
  boundary(line: Buffer, isFinal: boolean): Boundary {
    const splitter = this.#splitter;
    let failed = false;
    splitter.processLine(line, isFinal, (error) => {
      failed = error !== undefined && error !== null;
    });
    if (failed) return null;
    const { found } = splitter;
    if (found === false) return false;
    return found === 1 || found === 3 ? 'part' : 'end';
  }

  /** Takes a header block, with its empty line, for the current part. @returns null when a limit was passed */
  read(block: Buffer): ParserNode | null {
    const { node } = this.#splitter;
    node.addHeaderChunk(block);
    node.parseHeaders();
    if (node.contentType === 'message/rfc822') node.messageNode = false;
    this.#splitter.state = IN_BODY;
    return this.#create(node);
  }

  #create(mime: MimeNode): ParserNode | null {
    if (mime.headers === false || this.#rules.prepare(mime) !== null) return null;
    const lines = mime.headers.getList();
    const parent = mime.parentNode === false ? undefined : this.#nodes.get(mime.parentNode);
    if (parent === undefined && this.#tree !== false) return null;
    const contentType = mime.contentType === false && mime.root ? 'text/plain' : mime.contentType;
    const node: ParserNode = {
      ...{ node: mime, contentType, children: [] },
      headers: fields.processHeaders(this.#rules.wanted(lines)),
      ...(parent === undefined ? {} : { parent }),
      ...(isMultipart(contentType) ? {} : { isAttachment: isAttachment(contentType, mime.disposition) }),
    };
    this.#nodes.set(mime, node);
    parent?.children.push(node);
    if (mime.root) this.#headerLines = lines;
    if (this.#tree === false) this.#tree = node;
    this.#rules.created(node);
    return node;
  }
}

function isMultipart(contentType: string | false): boolean {
  return contentType !== false && /^multipart\//i.test(contentType);
}

function isAttachment(contentType: string | false, disposition: string | false): boolean {
  return !BODY_TYPES.has(contentType) || (disposition !== false && disposition !== 'inline');
}
