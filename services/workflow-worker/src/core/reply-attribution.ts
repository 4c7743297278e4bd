/**
 * Attribution lines: "On Monday, 5 May 2025 at 10:00, Jane <jane@x.example> wrote:", in any language and over up to six lines.
 *
 * Looked for from their end, because a start ("On", "Le", a date) is an ordinary word, while few lines end with a colon. From the end
 * upwards the nearest start counts. A line counts as an attribution when it has
 * - an opener or a date in front, a verb of `WROTE` and a digit; or
 * - an address in brackets, and a verb or both a colon at the end and a date or a time; or
 * - a date in front in figures and either an address in angle brackets or an offset from GMT (old Gmail).
 */
import type { Line } from './reply-lines.ts';
import { OPENERS, WROTE } from './reply-words.ts';

const MAX_LINES = 6;
const MAX_LENGTH = 600;

const alternatives = (words: readonly string[]): string =>
  words
    .toSorted((a, b) => b.length - a.length)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
    .join('|');
/** Not `\b`, which knows ASCII only. */
const BEFORE = '(?<![\\p{L}\\p{N}])';
const AFTER = '(?![\\p{L}\\p{N}])';
const CJK_WROTE = /(?:写道|寫道|写到|撰写|書きました|のメッセージ|작성|썼습니다|เขียนว่า)/u;
const VERB = new RegExp(`${BEFORE}(?:${alternatives(WROTE)})${AFTER}`, 'u');
const OPENER = new RegExp(`^(?:-{2,} ?)?(?:${alternatives(OPENERS)})(?:${AFTER}|(?=\\d))`, 'u');
const NUMERIC_DATE = /^(?:-{2,} ?)?\d{1,4}[./-]\d{1,2}[./-]\d{1,4}/;
const WORDED_DATE =
  /^(?:-{2,} ?)?\d{1,4}(?:\.|年|년|st|nd|rd|th)? ?\p{L}|^\p{L}{2,14}\.?, (?:le )?\d{1,2}\.? |^\d{1,4}(?:年|년)/u;
const TIME_OR_YEAR = /\d{1,2}[:.h時点时] ?\d{2}|(?<!\d)(?:19|20)\d{2}(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}/;
const TIME = /\d{1,2}[:.h時点时] ?\d{2}/;
const YEAR = /(?<!\d)(?:19|20)\d{2}(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}/;
const ANGLE_ADDRESS =
  /(?:<|&lt;|\[mailto:)\s?[^<>\s]{0,120}@[^<>\s]{1,250}\s?(?:>|&gt;|\])|<\s?mailto:[^<>]{0,250}<[^<>]{1,250}>\s?>|\(<?[^\s()<>]{1,120}@[^\s()<>]{1,250}>?\)/;
const GMT = /(?:gmt|utc) ?[+-]\d{1,2}:?\d{2}/;
const ENDS = /(?:[:：]|-{2,}|>)$/;
const ENDS_WITH_COLON = /[:：]\s*(?:-{2,})?$/;
/** Somebody quotes himself or tells a story. */
const FIRST_PERSON =
  /(?<![\p{L}])(?:i|we|ich|wir|je|nous|yo|eu|io) (?:wrote|schrieb|schrieben|escribí|escrevi)/u;

/** End (inclusive) of the attribution that starts at a line. */
export type Attributions = ReadonlyMap<number, number>;

export function findAttributions(lines: readonly Line[]): Attributions {
  const found = new Map<number, number>();
  let free = 0;
  for (const [end, line] of lines.entries()) {
    if (line.hint === 'attribution') {
      found.set(end, end);
      free = end + 1;
    }
    if (free > end) continue;
    if (!mayEnd(line, end === 0 ? undefined : lines[end - 1])) continue;
    const start = startOf(lines, end, free) ?? (isAboveQuote(lines, end) ? end : null);
    if (start === null) continue;
    found.set(start, end);
    free = end + 1;
  }
  return found;
}

/** A quick look that rules nearly every line out. */
function mayEnd({ raw, plain, kind, isCode }: Line, before: Line | undefined): boolean {
  if (kind === 'blank' || isCode || raw.length > MAX_LENGTH) return false;
  // A quote may hold the last words of an attribution that began outside: "<jane@x\n> wrote:".
  if (kind === 'quote' && (before === undefined || before.kind === 'quote')) return false;
  return ENDS.test(plain) || GMT.test(plain) || VERB.test(plain) || CJK_WROTE.test(plain);
}

function startOf(lines: readonly Line[], end: number, free: number): number | null {
  let joined = '';
  let nameFirst: number | null = null;
  let hasGap = false;
  for (let start = end; start >= free && start > end - MAX_LINES; start--) {
    const { plain, kind, isCode, raw } = lines[start] ?? { plain: '', kind: 'quote', isCode: false, raw: '' };
    if (isCode || raw.length > MAX_LENGTH || (kind === 'quote' && start !== end)) break;
    if (start < end && ENDS_WITH_COLON.test(plain)) break;
    joined = `${plain} ${joined}`.trim();
    if (joined.length > MAX_LENGTH) break;
    hasGap ||= kind === 'blank';
    if (kind === 'blank' || !isBalanced(joined)) continue;
    if (start < end && isSentence(plain)) break;
    if (hasGap && nameFirst !== null && !TIME_OR_YEAR.test(plain)) break;
    if (isDatedFirst(joined)) return start;
    if (nameFirst === null && isNamedFirst(joined)) nameFirst = start;
  }
  return nameFirst;
}

/** In a language that is not listed: one line with date, time and colon, and quoted lines right below it. */
function isAboveQuote(lines: readonly Line[], at: number): boolean {
  const { plain, kind } = lines[at] ?? { plain: '', kind: 'blank' };
  if (kind !== 'text' || !ENDS_WITH_COLON.test(plain) || !TIME.test(plain) || !YEAR.test(plain)) return false;
  const below = lines[at + 1]?.kind === 'blank' ? lines[at + 2] : lines[at + 1];
  return below?.kind === 'quote';
}

function isDatedFirst(text: string): boolean {
  if (FIRST_PERSON.test(text)) return false;
  const isNumeric = NUMERIC_DATE.test(text);
  if (isNumeric && (GMT.test(text) || (ANGLE_ADDRESS.test(text) && endsLikeOne(text)))) return true;
  if (!isNumeric && !OPENER.test(text) && !WORDED_DATE.test(text)) return false;
  if (!/\d/.test(text)) return false;
  if (hasVerb(text) && (ENDS_WITH_COLON.test(text) || /-{2,}$/.test(text) || CJK_WROTE.test(text)))
    return true;
  return ANGLE_ADDRESS.test(text) && TIME_OR_YEAR.test(text) && ENDS_WITH_COLON.test(text);
}

function isNamedFirst(text: string): boolean {
  if (FIRST_PERSON.test(text)) return false;
  if (!ANGLE_ADDRESS.test(text) || !ENDS_WITH_COLON.test(text)) return hasGmtAfterVerb(text);
  return hasVerb(text) || TIME_OR_YEAR.test(text);
}

function hasGmtAfterVerb(text: string): boolean {
  return CJK_WROTE.test(text) && ANGLE_ADDRESS.test(text);
}

function endsLikeOne(text: string): boolean {
  return /(?:>|&gt;|\]|[:：])$/.test(text);
}

function hasVerb(text: string): boolean {
  return VERB.test(text) || CJK_WROTE.test(text);
}

/** "<jane@x.example> wrote:" has its start a line above when a bracket is missing. */
function isBalanced(text: string): boolean {
  let depth = 0;
  for (const char of text) {
    if (char === '<') depth++;
    else if (char === '>' && --depth < 0) return false;
  }
  return depth === 0;
}

/** Ends like prose, not with an abbreviation or a day: what stands below is not its continuation. */
function isSentence(plain: string): boolean {
  return /(?:\p{L}{4}\.|[!?…。])$/u.test(plain);
}
