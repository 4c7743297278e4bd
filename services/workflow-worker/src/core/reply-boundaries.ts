/**
 * Where another message begins below what somebody wrote: the header block of Outlook, a line "Original Message", a helpdesk's
 * "reply above this line", a forwarded message.
 */
import { unquoted, type Line } from './reply-lines.ts';
import { FORWARDED, HEADER_NAMES, ORIGINAL_MESSAGE, REPLY_ABOVE } from './reply-words.ts';

export type Boundary = 'header' | 'original' | 'replyAbove' | 'old' | 'forward';

/** Lines of a header block, with fields that we do not know and folded ones between. */
const MAX_HEADER_LINES = 14;
const RULE = /^[-_=~–—]{2,}$/;
const DASHES = /[-_=~–—]{2,}/g;
const COLON = /[:：]/;

/** The words for "Date", not those for "Sent". */
const ORDINARY_DATE =
  /^(?:date|datum|dato|data|fecha|дата|dátum|tarih|ngày|tanggal|päivämäärä|日期|日付|日時|날짜)\s*[:：]/;

type HeaderKind = keyof typeof HEADER_NAMES;
const KIND_OF = new Map<string, readonly HeaderKind[]>();
for (const kind of ['from', 'date', 'to', 'subject'] as const)
  for (const name of HEADER_NAMES[kind]) KIND_OF.set(name, [...(KIND_OF.get(name) ?? []), kind]);
const ORIGINAL = new Set(ORIGINAL_MESSAGE);

/** What begins at this line, or null. */
export function boundaryAt(lines: readonly Line[], at: number): Boundary | null {
  const line = lines[at];
  if (line === undefined || line.kind === 'blank' || line.isCode) return null;
  if (line.hint === 'forward' || line.hint === 'old') return line.hint;
  const plain = unquoted(line.plain);
  // Deeper in quotes it belongs to the old conversation.
  if (isForwardLine(plain) && !/^> ?>/.test(line.plain)) return 'forward';
  if (line.kind === 'quote') return isReplyAbove(plain) ? 'replyAbove' : null;
  if (isReplyAbove(plain)) return 'replyAbove';
  if (isOriginalLine(plain)) return 'original';
  return isHeaderBlock(lines, at) ? 'header' : null;
}

/** A line of underscores, dashes and the like and nothing else. */
export function isRule(plain: string): boolean {
  return RULE.test(plain.replaceAll(' ', ''));
}

function isReplyAbove(plain: string): boolean {
  return plain.length <= 200 && REPLY_ABOVE.some((phrase) => plain.includes(phrase));
}

/** Dashes around the words, or the words with nothing but a colon. Program names may follow ("(by Jane)"). */
function isOriginalLine(plain: string): boolean {
  if (plain.length > 120 || !/[-_–—]{2}/.test(plain)) return false;
  return ORIGINAL.has(
    plain
      .replaceAll(DASHES, ' ')
      .replace(/[:：]\s*$/, '')
      .trim(),
  );
}

function isForwardLine(plain: string): boolean {
  if (plain.length > 200 || !/[-–—]{2}|[:：]$/.test(plain)) return false;
  const words = plain
    .replaceAll(DASHES, ' ')
    .replace(/[:：]\s*$/, '')
    .trim();
  return FORWARDED.some((phrase) => words === phrase || (isBy(phrase) && words.startsWith(`${phrase} `)));
}

/** "Forwarded by Jane Doe/Acme on 01/02/2025". */
function isBy(phrase: string): boolean {
  return phrase.endsWith(' by') || phrase.endsWith(' von');
}

/**
 * From in front, then at least two of date, recipient and subject. Without a subject, people write such lines too ("From: Berlin, To:
 * Munich, Date: Monday"), so then there must be an address, or the word "Sent" in its place.
 */
function isHeaderBlock(lines: readonly Line[], at: number): boolean {
  const first = headerKinds(lines[at]?.plain ?? '');
  if (!first.includes('from')) return false;
  const seen = new Set<HeaderKind>();
  let isMail = false;
  let blanks = 0;
  for (let next = at; next < lines.length && next < at + MAX_HEADER_LINES; next++) {
    const { plain, kind } = lines[next] ?? { plain: '', kind: 'blank' };
    if (kind === 'blank') {
      // Programs that convert HTML put a blank line between all fields, but not two.
      if (++blanks > 1) break;
      continue;
    }
    blanks = 0;
    const kinds = headerKinds(plain);
    if (kinds.length === 0 && next > at + 1 && !isFolded(lines[next]?.raw ?? '') && !COLON.test(plain)) {
      if (seen.has('subject')) break;
    }
    for (const kindOfField of kinds) seen.add(kindOfField);
    isMail ||= plain.includes('@') || (kinds.includes('date') && !ORDINARY_DATE.test(plain));
    if (isComplete(seen, isMail)) return true;
  }
  return false;
}

function isComplete(seen: ReadonlySet<HeaderKind>, isMail: boolean): boolean {
  const others = (['date', 'to', 'subject'] as const).filter((kind) => seen.has(kind)).length;
  if (seen.has('subject')) return others >= 2;
  return isMail && others === 2;
}

/** A name may stand for several in different languages: `da` is From in Italian, `de` in French. */
function headerKinds(plain: string): readonly HeaderKind[] {
  const colon = plain.search(COLON);
  if (colon < 1 || colon > 30) return [];
  return KIND_OF.get(plain.slice(0, colon).replaceAll(/^[>|_ ]+|[_ ]+$/g, '')) ?? [];
}

function isFolded(raw: string): boolean {
  return /^[ \t]+\S/.test(raw);
}
