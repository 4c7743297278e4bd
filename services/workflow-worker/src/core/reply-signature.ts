/** Signatures below what somebody wrote. Cut only where little follows: text that is lost is worse than a signature that stays. */
import type { Line } from './reply-lines.ts';
import { isRule } from './reply-boundaries.ts';
import { DEVICE_SIGNATURES } from './reply-words.ts';

/** RFC 3676 section 4.3 says four lines; companies write their registers and disclaimers below it. */
const MAX_SIGNATURE_LINES = 40;
/** Below a line that people also use between paragraphs. */
const MAX_RULED_LINES = 6;
const MAX_DEVICE_LINE = 100;
const DELIMITER_ONLY = /^[-_,=+~#*ᐧ–—]+$/;

/** Where the signature begins among the lines up to `end` (exclusive); `end` where there is none. */
export function signatureStart(lines: readonly Line[], end: number): number {
  let below = 0;
  let start = end;
  for (let at = end - 1; at > 0 && below <= MAX_SIGNATURE_LINES; at--) {
    const { kind, plain, raw, isCode } = lines[at] ?? { kind: 'quote', plain: '', raw: '', isCode: true };
    if (kind === 'quote' || isCode) break;
    if (kind === 'blank') continue;
    if (isDashes(raw) || (isUnderscores(plain) && below <= MAX_RULED_LINES)) start = at;
    below++;
  }
  return start;
}

/** A line that begins a signature. */
export function isSignatureMark({ raw, plain }: Line): boolean {
  return isDashes(raw) || isUnderscores(plain);
}

/** `-- ` (RFC 3676 section 4.3); programs that trim lines and clever punctuation make `--`, `—` and `–` of it. */
function isDashes(raw: string): boolean {
  return raw.length < 20 && /^(?:--|—|–)$/.test(raw.trim());
}

function isUnderscores(plain: string): boolean {
  return isRule(plain) && /^_{5,}$/.test(plain);
}

/**
 * "Sent from my iPhone" and the like, or a line of nothing but marks. Only the last lines of a text are asked.
 * @param above words that people use too ("Sent by DHL") count in a paragraph of their own only
 */
export function isTrailer({ plain, isCode, hint }: Line, above: Line | undefined): boolean {
  if (hint === 'signature') return true;
  if (isCode) return false;
  if (DELIMITER_ONLY.test(plain.replaceAll(' ', ''))) return true;
  return (
    isDeviceLine(plain) && (!ORDINARY.test(plain) || above?.kind !== 'text' || isDeviceLine(above.plain))
  );
}

const UNWRAPPED = /^[[(<|*_ ]+/;
const FROM_MOBILE = /^\p{L}{2,20} from mobile$/u;
const ORDINARY = /^sent (?:via|with|using|by) /;

function isDeviceLine(plain: string): boolean {
  const words = plain
    .replace(UNWRAPPED, '')
    .replaceAll(/\]?\(?<?https?:\S*/g, '')
    .replace('[', '');
  if (words.length > MAX_DEVICE_LINE) return false;
  return DEVICE_SIGNATURES.some((start) => words.startsWith(start)) || FROM_MOBILE.test(words);
}
