/**
 * Decodes quoted-printable (RFC 2045 section 6.7) as a stream, in time and memory that grow with the input only linearly.
 * The decoder that comes with mailparser collects the whole part and is quadratic in the length of a run of blanks.
 * Malformed escapes stay as they are (section 6.7, note 2 of the implementation advice).
 */
import { Transform, type TransformCallback } from 'node:stream';
import type { DecodeMemory } from './mail-memory.ts';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const EQUALS = 0x3d;
/** Blanks at the end of a line are dropped; a longer run is text that happens to be blanks. */
const MAX_HELD_BLANKS = 4096;

export class QuotedPrintableDecoder extends Transform {
  /** Bytes read but not decided on: an escape that is not complete, or blanks that may end a line. */
  #held: Buffer = Buffer.alloc(0);

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#decode(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]), false);
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#decode(this.#held, true);
    done();
  }

  #decode(input: Buffer, isLast: boolean): void {
    const { decoded, read } = decodeSome(input, Buffer.allocUnsafe(input.length), isLast);
    this.#held = Buffer.from(input.subarray(read));
    if (decoded.length > 0) this.push(decoded);
  }
}

/** The whole of a part at once. */
export function decodeQuotedPrintable(input: Buffer, memory: DecodeMemory): Buffer {
  return decodeSome(input, memory.take(input.length), true).decoded;
}

/**
 * @param output room for as many bytes as the input has
 * @returns how much of the input was read: all of it when it is the last
 */
function decodeSome(
  input: Buffer,
  output: Buffer,
  isLast: boolean,
): { readonly decoded: Buffer; readonly read: number } {
  let written = 0;
  let i = 0;
  while (i < input.length) {
    const byte = input[i] as number;
    if (byte === EQUALS) {
      const escape = readEscape(input, i, isLast);
      if (escape === null) break;
      if (escape.byte !== null) output[written++] = escape.byte;
      i = escape.next;
    } else if ((byte !== SPACE && byte !== TAB) || isFollowedByText(input, i + 1)) {
      output[written++] = byte;
      i++;
    } else {
      const end = endOfBlanks(input, i);
      if (end === input.length && !isLast && end - i < MAX_HELD_BLANKS) break;
      if (!isLineEnd(input, end) && !(isLast && end === input.length)) {
        written += input.copy(output, written, i, end);
      }
      i = end;
    }
  }
  return { decoded: output.subarray(0, written), read: i };
}

/** Null when more input is needed to tell. `byte` is null for a soft line break. */
function readEscape(
  input: Buffer,
  at: number,
  isLast: boolean,
): { readonly byte: number | null; readonly next: number } | null {
  const literal = { byte: EQUALS, next: at + 1 };
  const high = hexValue(input[at + 1]);
  const low = hexValue(input[at + 2]);
  if (high !== null && low !== null) return { byte: high * 16 + low, next: at + 3 };
  const end = endOfBlanks(input, at + 1);
  if (input[end] === LF) return { byte: null, next: end + 1 };
  if (input[end] === CR && input[end + 1] === LF) return { byte: null, next: end + 2 };
  if (isLast) return end === input.length ? { byte: null, next: end } : literal;
  const isUndecided =
    end === input.length || (end + 1 === input.length && (input[end] === CR || high !== null));
  return isUndecided && end - at < MAX_HELD_BLANKS ? null : literal;
}

function endOfBlanks(input: Buffer, from: number): number {
  let end = from;
  while (input[end] === SPACE || input[end] === TAB) end++;
  return end;
}

/** True for the blank between two words: by far the most of them. */
function isFollowedByText(input: Buffer, at: number): boolean {
  const byte = input[at];
  return byte !== undefined && byte > SPACE;
}

function isLineEnd(input: Buffer, at: number): boolean {
  return input[at] === LF || input[at] === CR;
}

function hexValue(byte: number | undefined): number | null {
  if (byte === undefined) return null;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : null;
}
