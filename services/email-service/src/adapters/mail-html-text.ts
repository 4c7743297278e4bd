/**
 * Plain text from HTML, for mail that has nothing else. A tokenizer pass in linear time: the usual converters build a tree and
 * are quadratic or deep in recursion on hostile input. Good for reading and for rules; the HTML itself is in the event too.
 */
import { Parser } from 'htmlparser2';

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

export function htmlToText(html: string): string {
  const writer = new TextWriter();
  const skipped: string[] = [];
  let link: { readonly href: string; readonly start: number } | null = null;
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (name === 'body') skipped.length = 0;
        if (SKIPPED.has(name)) skipped.push(name);
        if (skipped.length > 0) return;
        if (name === 'br') writer.breakLine();
        else if (BLOCKS.has(name)) writer.breakBlock(PARAGRAPHS.has(name));
        if (name === 'li') writer.write('* ');
        if (name === 'td' || name === 'th') writer.write(' ');
        if (name === 'img' && attributes['alt'] !== undefined) writer.write(attributes['alt']);
        if (name === 'a' && attributes['href'] !== undefined) {
          link = { href: attributes['href'], start: writer.length };
        }
      },
      ontext(text) {
        if (skipped.length === 0) writer.write(text);
      },
      onclosetag(name) {
        if (skipped.at(-1) === name) skipped.pop();
        if (skipped.length > 0) return;
        if (name === 'a' && link !== null) {
          writer.closeLink(link.href, link.start);
          link = null;
        }
        if (BLOCKS.has(name)) writer.breakBlock(PARAGRAPHS.has(name));
      },
    },
    { decodeEntities: true, lowerCaseTags: true },
  );
  parser.end(html.slice(0, MAX_HTML_LENGTH));
  return writer.finish();
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
