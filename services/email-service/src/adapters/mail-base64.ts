/**
 * Base64 of a whole part at once. Node's decoder is many times faster than the library's stream, but more lenient: it takes the
 * letters of base64url, and ends at padding in the middle. So its result counts only where the length proves that every character
 * was one of the alphabet, in lines of one length (RFC 2045 section 6.8).
 */
import type { DecodeMemory } from './mail-memory.ts';

const LF = 0x0a;
const CR = 0x0d;
const EQUALS = 0x3d;

/** Null when only the library's decoder can say what this means. */
export function decodeBase64(input: Buffer, memory: DecodeMemory): Buffer | null {
  const text = withoutLineEnds(input);
  const padding = text[text.length - 1] === EQUALS ? (text[text.length - 2] === EQUALS ? 2 : 1) : 0;
  const letters = lettersOf(text, padding);
  if (letters === null || (letters + padding) % 4 !== 0) return null;
  if (text.includes('-') || text.includes('_')) return null;
  const decoded = memory.take(((letters + padding) / 4) * 3 - padding);
  // A character outside the alphabet, a line end among them, makes it shorter.
  return decoded.write(text.toString('latin1'), 'base64') === decoded.length ? decoded : null;
}

function withoutLineEnds(input: Buffer): Buffer {
  let end = input.length;
  while (end > 0 && (input[end - 1] === LF || input[end - 1] === CR)) end--;
  return input.subarray(0, end);
}

/** The number of characters that are not line ends or padding, where all lines but the last are of one length; else null. */
function lettersOf(text: Buffer, padding: number): number | null {
  const lineFeed = text.indexOf(LF);
  if (lineFeed === -1) return text.includes(CR) ? null : text.length - padding;
  const endLength = text[lineFeed - 1] === CR ? 2 : 1;
  const lineLength = lineFeed + 1;
  const breaks = Math.floor((text.length - 1) / lineLength);
  for (let i = 1; i <= breaks; i++) {
    if (text[i * lineLength - 1] !== LF) return null;
    if (endLength === 2 && text[i * lineLength - 2] !== CR) return null;
  }
  return text.length - breaks * endLength - padding;
}
