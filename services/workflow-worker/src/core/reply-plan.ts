/**
 * Which lines of a reply are new. Used for the lines of a text and for those that HTML shows.
 *
 *     ┌ text ─────────────┐      An attribution line is dropped. What follows it decides about the rest:
 *     │ new               │        unquoted text    the old message: cut here, unless nothing new stands above
 *     │ quote, new, quote │        quoted lines     cut here when nothing new follows; dropped when all that is new follows;
 *     │ forwarded message │                         else they stay, as the answers between them need them
 *     ├ boundary ─────────┤      Header block, "Original Message", "reply above this line": cut here.
 *     │ old               │      Forwarded message: everything from here stays, for it is what the sender wants us to see.
 *     └───────────────────┘      Then the end is cleaned: quotes, signature, marks, blank lines.
 *
 * Every line is looked at a bounded number of times. If nothing would be left, everything stays.
 */
import { findAttributions, type Attributions } from './reply-attribution.ts';
import { boundaryAt } from './reply-boundaries.ts';
import { MAX_LINES, type Line } from './reply-lines.ts';
import { isSignatureMark, isTrailer, signatureStart } from './reply-signature.ts';

export interface ReplyPlan {
  /** Indices of the lines that stay, in order. */
  readonly kept: readonly number[];
  /** False where nothing was cut but blank lines. */
  readonly isCut: boolean;
}

export interface ReplyPlanOptions {
  /** The subject says so: then Outlook's header block introduces what is passed on. */
  readonly isForward: boolean;
}

export function planReply(lines: readonly Line[], options: ReplyPlanOptions): ReplyPlan {
  const looked = lines.slice(0, MAX_LINES);
  const { own, forwarded } = walk(looked, options);
  const cleaned = [...cleanEnd(looked, own), ...withGap(looked, forwarded)];
  const hasText = cleaned.some((at) => looked[at]?.kind === 'text');
  const kept = trimBlank(looked, hasText ? cleaned : range(0, looked.length));
  const last = looked.findLastIndex(({ kind }) => kind !== 'blank');
  const filled = looked.filter(({ kind }) => kind !== 'blank').length;
  const isCut = kept.filter((at) => looked[at]?.kind !== 'blank').length < filled;
  const isOpen = kept.at(-1) === last || filled === 0;
  return { kept: isOpen ? [...kept, ...range(looked.length, lines.length)] : kept, isCut };
}

interface Walked {
  readonly own: readonly number[];
  readonly forwarded: readonly number[];
}

function walk(lines: readonly Line[], { isForward }: ReplyPlanOptions): Walked {
  const attributions = findAttributions(lines);
  const next = nextOf(lines, ({ kind }) => kind !== 'blank');
  const nextQuote = nextOf(lines, ({ kind }) => kind === 'quote');
  const lastText = lines.findLastIndex((line) => line.kind === 'text' && !isSignatureMark(line));
  /** Quoted lines further down with text below them. */
  const isAnsweredBetween = (from: number): boolean => (nextQuote[from] ?? lines.length) < lastText;
  const own: number[] = [];
  let hasText = false;
  let at = 0;
  while (at < lines.length) {
    const end = endOfAttributions(attributions, next, at);
    if (end !== null) {
      const after = next[end + 1] ?? lines.length;
      const quoteEnd = endOfQuote(lines, after);
      const follows = next[quoteEnd] ?? lines.length;
      if (follows >= lines.length) return { own, forwarded: [] };
      if (quoteEnd === after) {
        // Unquoted text below: the old message, unless it is all there is.
        if (hasText) return { own, forwarded: [] };
        at = end + 1;
      } else {
        at = hasText || isAnsweredBetween(follows) ? end + 1 : quoteEnd;
      }
      continue;
    }
    const boundary = boundaryAt(lines, at);
    if (boundary === 'forward' || (isForward && boundary !== null && boundary !== 'replyAbove')) {
      return { own, forwarded: range(at, lines.length) };
    }
    if (boundary !== null) return { own, forwarded: [] };
    own.push(at);
    hasText ||= lines[at]?.kind === 'text';
    at++;
  }
  return { own, forwarded: [] };
}

/** For each index the first line at or after it that is such a one. */
function nextOf(lines: readonly Line[], isOne: (line: Line) => boolean): readonly number[] {
  const next = Array.from({ length: lines.length + 1 }, () => lines.length);
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at];
    next[at] = line !== undefined && isOne(line) ? at : (next[at + 1] ?? lines.length);
  }
  return next;
}

/** Several on top of each other are one: markup may put each of its lines into an element. */
function endOfAttributions(attributions: Attributions, next: readonly number[], at: number): number | null {
  let end: number | null = null;
  for (
    let from: number | undefined = at;
    from !== undefined;
    from = end === null ? undefined : next[end + 1]
  ) {
    const last: number | undefined = attributions.get(from);
    if (last === undefined) break;
    end = last;
  }
  return end;
}

function endOfQuote(lines: readonly Line[], start: number): number {
  let end = start;
  for (let at = start; at < lines.length && lines[at]?.kind !== 'text'; at++) {
    if (lines[at]?.kind === 'quote') end = at + 1;
  }
  return end;
}

/** Without quotes, signature, marks and blank lines at the end. `own` in and out: indices of lines. */
function cleanEnd(lines: readonly Line[], own: readonly number[]): readonly number[] {
  const ours = own.map((at) => lines[at]).filter((line) => line !== undefined);
  let end = ours.length;
  for (;;) {
    const last = ours[end - 1];
    if (last === undefined) break;
    if (last.kind !== 'text' || isTrailer(last, ours[end - 2])) {
      end--;
      continue;
    }
    const start = signatureStart(ours, end);
    if (start === end) break;
    end = start;
  }
  return own.slice(0, end);
}

/** With the blank line above, so that both parts stay apart. */
function withGap(lines: readonly Line[], forwarded: readonly number[]): readonly number[] {
  const above = (forwarded[0] ?? 0) - 1;
  return lines[above]?.kind === 'blank' ? [above, ...forwarded] : forwarded;
}

function trimBlank(lines: readonly Line[], kept: readonly number[]): readonly number[] {
  const isFilled = (at: number): boolean => lines[at]?.kind !== 'blank';
  const first = kept.findIndex(isFilled);
  return first === -1 ? [] : kept.slice(first, kept.findLastIndex(isFilled) + 1);
}

function range(start: number, end: number): readonly number[] {
  return Array.from({ length: end - start }, (_, offset) => start + offset);
}
