/**
 * Two rules of RFC 2046 section 5.1.1 that the splitter does not know: a boundary line may end in blanks (transport-padding), and
 * the boundary of an outer multipart ends an inner one that was never closed. Without them, parts that follow are taken for text.
 */
import type { Splitter } from './mail-parser-internals.ts';

const DASH = 0x2d;

/** @param splitter one, or what several inherit from */
export function widenBoundaries(splitter: Splitter, maxDepth: number): void {
  const { compareBoundary: compare, checkBoundary: check } = splitter;
  splitter.compareBoundary = function (this: Splitter, line, start, boundary) {
    return compare.call(this, withoutPadding(line), start, boundary);
  };
  splitter.checkBoundary = function (this: Splitter, line) {
    const found = check.call(this, line);
    return found === false && mayBeBoundary(line) ? checkOuter(this, check, line, maxDepth) : found;
  };
}

/** Goes up level by level; where the line belongs to one, that level is the splitter's current node. */
function checkOuter(
  splitter: Splitter,
  check: Splitter['checkBoundary'],
  line: Buffer,
  maxDepth: number,
): ReturnType<Splitter['checkBoundary']> {
  const inner = splitter.node;
  let node = inner.parentNode;
  for (let depth = 0; node !== false && depth < maxDepth; depth++) {
    splitter.node = node;
    const found = check.call(splitter, line);
    if (found !== false) return found;
    node = node.parentNode;
  }
  splitter.node = inner;
  return false;
}

/** A line may begin with the end of the one before it. */
function mayBeBoundary(line: Buffer): boolean {
  const start = line[0] === 0x0d ? (line[1] === 0x0a ? 2 : 1) : line[0] === 0x0a ? 1 : 0;
  return line[start] === DASH && line[start + 1] === DASH;
}

function withoutPadding(line: Buffer): Buffer {
  let end = line.length;
  while (line[end - 1] === 0x0a || line[end - 1] === 0x0d) end--;
  let blank = end;
  while (line[blank - 1] === 0x20 || line[blank - 1] === 0x09) blank--;
  return blank === end ? line : Buffer.concat([line.subarray(0, blank), line.subarray(end)]);
}
