/** Lines of a body and what they are at first sight. Of a long line only the start and the end are looked at. */

export type LineKind = 'blank' | 'quote' | 'text';

export interface Line {
  readonly raw: string;
  readonly kind: LineKind;
  /** Without markup around it, quotes and doubled spaces; lower case; cut to {@link MAX_PLAIN}. */
  readonly plain: string;
  /** Inside a fence of backticks: code is never a signature or a quote. */
  readonly isCode: boolean;
  /** What the markup says where the line came from HTML. */
  readonly hint: LineHint | null;
}

/** `old`: the earlier conversation from here to the end. */
export type LineHint = 'attribution' | 'old' | 'forward' | 'signature';

/** A line that HTML shows; `isQuote` where it stands in a quote. */
export function shownLine(raw: string, isQuote: boolean, hint: LineHint | null): Line {
  const kind = raw.trimStart() === '' ? 'blank' : isQuote ? 'quote' : kindOf(raw, false);
  return { raw, kind, plain: plainLine(raw), isCode: false, hint };
}

/** Longer than any line that a mail program writes above a quote. */
export const MAX_PLAIN = 500;
/** `>`, and initials before it (`JD> `), as old newsreaders quote. */
const QUOTE = /^[ \t\u00a0]{0,8}(?:>|\uff1e|[A-Z]{1,3}>(?:\s|$))/;
const FENCE = /^\s{0,3}```/;

export function linesOf(text: string): readonly Line[] {
  let isFenced = false;
  return text.split(/\r\n|\n|\r/).map((raw) => {
    const isFence = FENCE.test(raw);
    const isCode = isFenced || isFence;
    if (isFence) isFenced = !isFenced;
    return { raw, kind: kindOf(raw, isCode), plain: plainLine(raw), isCode, hint: null };
  });
}

function kindOf(raw: string, isCode: boolean): LineKind {
  if (!isCode && QUOTE.test(raw)) return 'quote';
  return raw.trimStart() === '' ? 'blank' : 'text';
}

/** Of long lines the start alone: nothing that is looked for is that long. */
export function plainLine(raw: string): string {
  const start = raw.length > MAX_PLAIN ? raw.slice(0, MAX_PLAIN) : raw;
  return start
    .normalize('NFC')
    .replaceAll(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
    .replaceAll(/[*\u00a0\s]+/g, ' ')
    .replaceAll('\u2019', "'")
    .trim()
    .toLowerCase();
}

/** Without the marks of a quote, for phrases that stand inside one. */
export function unquoted(plain: string): string {
  return plain.replace(/^(?:> ?)+/, '').trim();
}
