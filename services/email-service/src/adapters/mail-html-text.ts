/**
 * Plain text from HTML, for mail that has nothing else. One pass of a tokenizer, in linear time and without a stack of open
 * tags: converters that keep one are quadratic or deep in recursion on hostile input. Good for reading and for rules; the HTML
 * itself is in the event too.
 */
import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2';
import { storableText } from '../core/storable-text.ts';

/** More than anybody reads as text; the HTML has the rest. */
const MAX_HTML_LENGTH = 2 * 1024 * 1024;

/** Not `head`: many writers never close it, and what is in it is skipped by itself. */
const SKIPPED = new Set(['script', 'style', 'title', 'template', 'svg', 'math']);
const BLOCKS = new Set([
  'address',
  'article',
  'aside',
  'blockquote',
  'center',
  'dd',
  'div',
  'dl',
  'dt',
  'figure',
  'footer',
  'form',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'header',
  'hr',
  'li',
  'main',
  'nav',
  'ol',
  'p',
  'pre',
  'section',
  'table',
  'tr',
  'ul',
]);
const PARAGRAPHS = new Set([
  'p',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'blockquote',
  'pre',
  'ul',
  'ol',
  'table',
]);

const MAX_ATTRIBUTE_LENGTH = 2000;

export function htmlToText(html: string): string {
  const source = html.slice(0, MAX_HTML_LENGTH);
  const reader = new HtmlReader(source);
  const tokenizer = new Tokenizer({ decodeEntities: true }, reader);
  tokenizer.write(source);
  tokenizer.end();
  return storableText(reader.text());
}

class HtmlReader implements TokenizerCallbacks {
  readonly #source: string;
  readonly #writer = new TextWriter();
  /** The element whose content is not shown, and how often it is open in itself. */
  #skipped: { readonly name: string; depth: number } | null = null;
  #tag = '';
  #attribute = '';
  #value = '';
  #href: string | null = null;
  #alt: string | null = null;
  #link: { readonly href: string; readonly start: number } | null = null;

  constructor(source: string) {
    this.#source = source;
  }

  text(): string {
    return this.#writer.finish();
  }

  ontext(start: number, end: number): void {
    if (this.#skipped === null) this.#writer.write(this.#source.slice(start, end));
  }

  ontextentity(codePoint: number): void {
    if (this.#skipped === null) this.#writer.write(String.fromCodePoint(codePoint));
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#source.slice(start, end).toLowerCase();
    this.#href = null;
    this.#alt = null;
  }

  onattribname(start: number, end: number): void {
    this.#attribute = this.#source.slice(start, end).toLowerCase();
    this.#value = '';
  }

  onattribdata(start: number, end: number): void {
    if (this.#value.length < MAX_ATTRIBUTE_LENGTH)
      this.#value += this.#source.slice(start, Math.min(end, start + MAX_ATTRIBUTE_LENGTH));
  }

  onattribentity(codePoint: number): void {
    if (this.#value.length < MAX_ATTRIBUTE_LENGTH) this.#value += String.fromCodePoint(codePoint);
  }

  onattribend(): void {
    if (this.#attribute === 'href') this.#href = this.#value;
    if (this.#attribute === 'alt') this.#alt = this.#value;
  }

  onopentagend(): void {
    this.#open();
  }

  onselfclosingtag(): void {
    // In HTML the slash means nothing, but nobody closes such an element again.
    if (!SKIPPED.has(this.#tag)) this.#open();
  }

  onclosetag(start: number, end: number): void {
    const name = this.#source.slice(start, end).toLowerCase();
    if (this.#skipped !== null) {
      if (this.#skipped.name === name && --this.#skipped.depth === 0) this.#skipped = null;
      return;
    }
    if (name === 'a' && this.#link !== null) {
      this.#writer.closeLink(this.#link.href, this.#link.start);
      this.#link = null;
    }
    if (BLOCKS.has(name)) this.#writer.breakBlock(PARAGRAPHS.has(name));
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
    // Nothing is pending: the writer has it all.
  }

  #open(): void {
    const name = this.#tag;
    // What was left open in the head does not reach into the body.
    if (name === 'body') this.#skipped = null;
    if (this.#skipped !== null) {
      if (this.#skipped.name === name) this.#skipped.depth++;
      return;
    }
    if (SKIPPED.has(name)) this.#skipped = { name, depth: 1 };
    else if (name === 'br') this.#writer.breakLine();
    else if (BLOCKS.has(name)) this.#writer.breakBlock(PARAGRAPHS.has(name));
    if (name === 'li') this.#writer.write('* ');
    if (name === 'td' || name === 'th') this.#writer.write(' ');
    if (name === 'img' && this.#alt !== null) this.#writer.write(this.#alt);
    if (name === 'a' && this.#href !== null) this.#link = { href: this.#href, start: this.#writer.length };
  }
}

/** Collapses white space as a browser does, and remembers how many line breaks are due before the next word. */
class TextWriter {
  readonly #parts: string[] = [];
  #length = 0;
  #breaksDue = 0;
  #spaceDue = false;

  get length(): number {
    return this.#length;
  }

  write(text: string): void {
    const collapsed = text.replace(/[ \t\r\n\f]+/g, ' ');
    const trimmed = collapsed.trim();
    if (trimmed === '') {
      this.#spaceDue ||= collapsed !== '';
      return;
    }
    if (this.#breaksDue > 0 && this.#length > 0) this.#push('\n'.repeat(this.#breaksDue));
    else if ((this.#spaceDue || collapsed.startsWith(' ')) && this.#length > 0) this.#push(' ');
    this.#breaksDue = 0;
    this.#push(trimmed);
    this.#spaceDue = collapsed.endsWith(' ');
  }

  breakLine(): void {
    this.#breaksDue = Math.min(this.#breaksDue + 1, 2);
    this.#spaceDue = false;
  }

  breakBlock(isParagraph: boolean): void {
    this.#breaksDue = Math.max(this.#breaksDue, isParagraph ? 2 : 1);
    this.#spaceDue = false;
  }

  /** Shows where a link leads, unless its text says so already. */
  closeLink(href: string, start: number): void {
    if (!/^(https?|mailto):/i.test(href) || this.#length === start) return;
    const last = this.#parts.at(-1) ?? '';
    if (!last.includes(href.replace(/^mailto:/i, ''))) this.write(` <${href}>`);
  }

  finish(): string {
    return this.#parts.join('');
  }

  #push(text: string): void {
    this.#parts.push(text);
    this.#length += text.length;
  }
}
