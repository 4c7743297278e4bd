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

/** Replies are shorter. Lines beyond are not looked at and share the fate of the last one that is. */
export const MAX_LINES = 5000;
/** Longer than any line that a mail program writes above a quote. */
export const MAX_PLAIN = 500;
/** `>`, and initials before it (`JD> `), as old newsreaders quote. */
const QUOTE = /^[ \t\u00a0]{0,8}(?:>|\uff1e|[A-Z]{1,3}>(?:\s|$))/;
const FENCE = /^\s{0,3}```/;

/** At most {@link MAX_LINES}, and one more for all that is below them. */
export function linesOf(text: string): readonly Line[] {
  const unix = text.replaceAll(/\r\n?/g, '\n');
  const raws = unix.split('\n', MAX_LINES);
  const rest = unix.slice(raws.reduce((length, raw) => length + raw.length + 1, 0)).trimEnd();
  let isFenced = false;
  const lines = raws.map((raw) => {
    const isFence = FENCE.test(raw);
    const isCode = isFenced || isFence;
    if (isFence) isFenced = !isFenced;
    return { raw, kind: kindOf(raw, isCode), plain: plainLine(raw), isCode, hint: null };
  });
  return rest === '' ? lines : [...lines, lineBeyond(rest)];
}

/** Not looked at. */
export function lineBeyond(raw: string): Line {
  return { raw, kind: 'text', plain: '', isCode: false, hint: null };
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
