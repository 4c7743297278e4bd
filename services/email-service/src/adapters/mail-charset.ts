/** Bytes to text where the message does not say how, or says something that cannot be. */
import { isUtf8 } from 'node:buffer';

/** Bytes 0x80 to 0x9F in Windows-1252; Node 20's own decoder reads them as Latin-1. The five that it does not have stay as they are. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
// oxlint-disable-next-line no-control-regex -- the whole of ASCII
const ASCII = /^[\0-\x7f]*$/;

/** Names under which software sends UTF-8 or has no idea what it sends. */
const UNDECLARED = new Set([
  '',
  'ascii',
  'usascii',
  'utf8',
  'unicode11utf8',
  '7bit',
  '8bit',
  'default',
  'unknown8bit',
]);

/** True when `charset` says no more than "UTF-8, or whatever it is". */
export function isUndeclared(charset: string | null): boolean {
  return UNDECLARED.has((charset ?? '').toLowerCase().replace(/[^a-z0-9]+/g, ''));
}

/** UTF-8 where it is valid UTF-8, else Windows-1252: what mail without a charset was written in before. */
export function decodeUndeclared(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return bytes
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (char) => WINDOWS_1252.charAt(char.charCodeAt(0) - 0x80));
}

/** For bytes that were cut somewhere: without the beginning of a UTF-8 character at their end. */
export function withoutPartialCharacter(bytes: Buffer): Buffer {
  for (let cut = 1; cut <= 3 && cut <= bytes.length; cut++) {
    const byte = bytes[bytes.length - cut] as number;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > cut ? bytes.subarray(0, bytes.length - cut) : bytes;
    }
  }
  return bytes;
}

/** A header field as mailparser hands it out, one character per byte, as text. */
export function decodeBinaryString(binary: string): string {
  return ASCII.test(binary) ? binary : decodeUndeclared(Buffer.from(binary, 'latin1'));
}

/** The same field with its bytes in UTF-8, still one character per byte. */
export function toUtf8BinaryString(binary: string): string {
  return ASCII.test(binary) ? binary : Buffer.from(decodeBinaryString(binary), 'utf8').toString('latin1');
}
