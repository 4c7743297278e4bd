/**
 * The lines that HTML shows, and from which places of the source they come. One pass of a tokenizer with a stack of bounded depth:
 * linear, whatever the input. Nothing is repaired or rewritten, so cutting the source at the places found leaves the rest as it was.
 */
import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2';
import { lineBeyond, MAX_LINES, shownLine, type Line, type LineHint } from './core/reply-lines.ts';
import { markOf, type ElementMark } from './html-marks.ts';

/** Characters of the source, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface HtmlElement extends Span {
  /** Pieces of text and images inside, by index. */
  readonly firstPiece: number;
  readonly endPiece: number;
}

export interface HtmlLines {
  readonly lines: readonly Line[];
  /** What is shown, in order: for each the line that it belongs to. */
  readonly pieces: readonly (Span & { readonly line: number })[];
  readonly elements: readonly HtmlElement[];
  /** Rules and line breaks: they belong to the piece that follows them. */
  readonly breaks: readonly (Span & { readonly nextPiece: number })[];
}

const MAX_DEPTH = 256;
const MAX_ATTRIBUTE = 1000;
const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));
const VOID = words('area base br col embed hr img input link meta param source track wbr');
const SKIPPED = words('script style title template svg math');
const BLOCKS = words(
  'address article aside blockquote body center dd div dl dt figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section table td th tr ul',
);
const PARAGRAPHS = words('p h1 h2 h3 h4 h5 h6 blockquote pre ul ol table');
const PREFORMATTED = /white-space\s*:\s*pre/i;
const WHOLE = words('html head body');

interface OpenElement {
  readonly name: string;
  readonly start: number;
  readonly firstPiece: number;
  readonly mark: ElementMark;
  readonly isQuote: boolean;
  readonly isPreformatted: boolean;
}

export function readHtmlLines(html: string): HtmlLines {
  const reader = new LineReader(html);
  const tokenizer = new Tokenizer({ decodeEntities: true }, reader);
  tokenizer.write(html);
  tokenizer.end();
  return reader.finish();
}

class LineReader implements TokenizerCallbacks {
  readonly #source: string;
  readonly #lines: Line[] = [];
  /** What no line is made of any more (`MAX_LINES`). */
  readonly #beyond: string[] = [];
  readonly #pieces: (Span & { line: number })[] = [];
  readonly #elements: HtmlElement[] = [];
  readonly #breaks: (Span & { nextPiece: number })[] = [];
  readonly #stack: OpenElement[] = [];
  /** Elements that were too deep to be kept on the stack. */
  #tooDeep = 0;
  #skipped: { readonly name: string; depth: number } | null = null;
  #text = '';
  #lastFilled = '';
  /** `old` and `forward` wait for the next line that shows something. */
  #waiting: LineHint | null = null;
  #tag = '';
  #tagStart = 0;
  #attribute = '';
  #attributes = new Map<string, string>();

  constructor(source: string) {
    this.#source = source;
  }

  finish(): HtmlLines {
    this.#breakLine(false);
    while (this.#stack.length > 0) this.#pop(this.#source.length);
    const beyond = this.#beyond.join('\n').trimEnd();
    return {
      lines: beyond === '' ? this.#lines : [...this.#lines, lineBeyond(beyond)],
      pieces: this.#pieces,
      elements: this.#elements,
      breaks: this.#breaks,
    };
  }

  ontext(start: number, end: number): void {
    if (this.#skipped !== null) return;
    if (!this.#stack.some(({ isPreformatted }) => isPreformatted)) {
      this.#show(this.#source.slice(start, end), start, end);
      return;
    }
    let from = start;
    for (const part of this.#source.slice(start, end).split('\n')) {
      if (from > start) this.#breakLine(true);
      this.#show(part, from, from + part.length);
      from += part.length + 1;
    }
  }

  ontextentity(codePoint: number, end: number): void {
    if (this.#skipped !== null) return;
    const start = Math.max(0, this.#source.lastIndexOf('&', end - 1));
    this.#show(String.fromCodePoint(codePoint), start, end);
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#source.slice(start, end).toLowerCase();
    this.#tagStart = start - 1;
    this.#attributes = new Map();
  }

  onattribname(start: number, end: number): void {
    this.#attribute = this.#source.slice(start, Math.min(end, start + 50)).toLowerCase();
  }

  onattribdata(start: number, end: number): void {
    const value = this.#attributes.get(this.#attribute) ?? '';
    if (value.length < MAX_ATTRIBUTE && this.#attributes.size < 50) {
      const data = this.#source.slice(start, Math.min(end, start + MAX_ATTRIBUTE));
      this.#attributes.set(this.#attribute, value + data);
    }
  }

  onattribentity(): void {
    // No name that is looked for has one.
  }

  onattribend(): void {
    // The value is complete already.
  }

  onopentagend(end: number): void {
    this.#open(end + 1);
  }

  onselfclosingtag(end: number): void {
    // In HTML the slash means nothing, but nobody closes such an element again.
    if (!SKIPPED.has(this.#tag)) this.#open(end + 1);
  }

  onclosetag(start: number, end: number): void {
    const name = this.#source.slice(start, end).toLowerCase();
    if (this.#skipped !== null) {
      if (this.#skipped.name === name && --this.#skipped.depth === 0) this.#skipped = null;
      return;
    }
    if (BLOCKS.has(name)) this.#breakBlock(name);
    const at = this.#stack.findLastIndex((element) => element.name === name);
    if (this.#tooDeep > 0 && !VOID.has(name)) {
      this.#tooDeep--;
      return;
    }
    if (at === -1) return;
    while (this.#stack.length > at + 1) this.#pop(start - 2);
    const close = this.#source.indexOf('>', end);
    this.#pop(close === -1 ? this.#source.length : close + 1);
  }

  oncdata(): void {
    // Comments, declarations and the like show nothing.
  }

  oncomment(): void {
    // Not shown.
  }

  ondeclaration(): void {
    // Not shown.
  }

  onprocessinginstruction(): void {
    // Not shown.
  }

  onend(): void {
    // `finish` ends the last line.
  }

  #open(end: number): void {
    const name = this.#tag;
    if (name === 'body') this.#skipped = null;
    if (this.#skipped !== null) {
      if (this.#skipped.name === name) this.#skipped.depth++;
      return;
    }
    if (SKIPPED.has(name)) this.#skipped = { name, depth: 1 };
    else if (VOID.has(name)) this.#openVoid(name, end);
    else this.#openElement(name);
  }

  #openVoid(name: string, end: number): void {
    const place = { start: this.#tagStart, end };
    if (name === 'img') {
      if (!this.#isTracker()) this.#addPiece('\ufffc', place.start, place.end);
      return;
    }
    if (name !== 'br' && name !== 'hr') return;
    this.#breakLine(name === 'br');
    this.#breaks.push({ ...place, nextPiece: this.#pieces.length });
    const hint = this.#attributes.size === 0 ? null : this.#mark(name).hint;
    if (hint !== null) this.#waiting = hint;
  }

  /** An image that shows nothing. */
  #isTracker(): boolean {
    return ['width', 'height'].some((side) => /^[01](?:px)?$/.test(this.#attributes.get(side) ?? ''));
  }

  #openElement(name: string): void {
    if (BLOCKS.has(name)) this.#breakBlock(name);
    if (this.#stack.length >= MAX_DEPTH) {
      this.#tooDeep++;
      return;
    }
    const mark = this.#mark(name);
    if (mark.hint === 'old' || mark.hint === 'forward') {
      this.#breakLine(false);
      this.#waiting ??= mark.hint;
    }
    const isQuote =
      mark.quote === 'yes' || (mark.quote === 'maybe' && /[:：]\s*$|^> /.test(this.#lastFilled));
    this.#stack.push({
      name,
      start: this.#tagStart,
      firstPiece: this.#pieces.length,
      mark,
      isQuote,
      isPreformatted: name === 'pre' || PREFORMATTED.test(this.#attributes.get('style') ?? ''),
    });
  }

  #mark(name: string): ElementMark {
    const value = (attribute: string): string => this.#attributes.get(attribute) ?? '';
    return markOf({
      name,
      id: value('id'),
      className: value('class'),
      style: value('style').toLowerCase(),
      type: value('type').toLowerCase(),
      dataMarker: value('data-marker'),
    });
  }

  #pop(end: number): void {
    const element = this.#stack.pop();
    if (element === undefined || WHOLE.has(element.name)) return;
    const { start, firstPiece } = element;
    this.#elements.push({ start, end, firstPiece, endPiece: this.#pieces.length });
  }

  #show(text: string, start: number, end: number): void {
    if (text.trim() === '') {
      if (this.#text !== '' && !this.#text.endsWith(' ')) this.#text += ' ';
      return;
    }
    this.#addPiece(text.replaceAll(/[ \t\r\n\f]+/g, ' '), start, end);
  }

  #addPiece(text: string, start: number, end: number): void {
    this.#text += this.#text === '' ? text.trimStart() : text;
    this.#pieces.push({ start, end, line: this.#lines.length });
  }

  #breakBlock(name: string): void {
    this.#breakLine(false);
    const last = this.#lines.at(-1);
    if (PARAGRAPHS.has(name) && last !== undefined && last.kind !== 'blank') this.#push('', 0, null);
  }

  /** @param isForced also where the line is empty */
  #breakLine(isForced: boolean): void {
    const text = this.#text.trimEnd();
    this.#text = '';
    if (text === '') {
      if (isForced) this.#push('', 0, null);
      return;
    }
    const depth = this.#stack.filter(({ isQuote }) => isQuote).length;
    const inside = this.#stack.findLast(
      ({ mark }) => mark.hint === 'attribution' || mark.hint === 'signature',
    );
    // Gmail puts the head of a forwarded message where it puts attributions.
    const hint = this.#waiting ?? (text.startsWith('---') ? null : (inside?.mark.hint ?? null));
    this.#waiting = null;
    this.#push(text, depth, hint);
  }

  #push(text: string, depth: number, hint: LineHint | null): void {
    const raw = `${'> '.repeat(Math.min(depth, 10))}${text}`;
    if (text !== '') this.#lastFilled = raw.slice(0, 2) + raw.slice(-20);
    if (this.#lines.length < MAX_LINES) this.#lines.push(shownLine(raw, depth > 0, hint));
    else this.#beyond.push(raw);
  }
}
