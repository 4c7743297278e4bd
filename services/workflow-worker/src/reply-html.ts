/** The new part of a reply in HTML: the same grammar as for text, applied to the lines that the HTML shows. */
import { planReply } from './core/reply-plan.ts';
import { readHtmlLines, type HtmlLines, type Span } from './html-lines.ts';

export interface ReplyHtml {
  /** The source without what was cut; not sanitised. */
  readonly visible: string;
  /** What was cut, in its order. Empty where nothing was. */
  readonly quoted: string;
  /** The lines that `visible` shows. */
  readonly text: string;
}

export function splitReplyHtml(html: string, isForward: boolean): ReplyHtml {
  const shown = readHtmlLines(html);
  const { kept, isCut } = planReply(shown.lines, { isForward });
  const text = kept
    .map((at) => shown.lines[at]?.raw ?? '')
    .join('\n')
    .replaceAll('\ufffc', '');
  if (!isCut) return { visible: html, quoted: '', text };
  const cuts = merge(cutsOf(shown, new Set(kept)));
  let visible = '';
  let quoted = '';
  let from = 0;
  for (const { start, end } of cuts) {
    visible += html.slice(from, start);
    quoted += html.slice(start, end);
    from = end;
  }
  return { visible: visible + html.slice(from), quoted, text };
}

/** Pieces of lines that go, elements of which everything goes, and the breaks before them. */
function cutsOf({ pieces, elements, breaks }: HtmlLines, kept: ReadonlySet<number>): readonly Span[] {
  const isCut = pieces.map(({ line }) => !kept.has(line));
  const cutBefore = [0];
  for (const cut of isCut) cutBefore.push((cutBefore.at(-1) ?? 0) + (cut ? 1 : 0));
  const countCut = (first: number, end: number): number => (cutBefore[end] ?? 0) - (cutBefore[first] ?? 0);
  return [
    ...pieces.filter((_, index) => isCut[index] === true),
    ...elements.filter(
      ({ firstPiece, endPiece }) =>
        endPiece > firstPiece && countCut(firstPiece, endPiece) === endPiece - firstPiece,
    ),
    ...breaks.filter(({ nextPiece }) => isCut[Math.min(nextPiece, isCut.length - 1)] === true),
  ];
}

function merge(spans: readonly Span[]): readonly Span[] {
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}
