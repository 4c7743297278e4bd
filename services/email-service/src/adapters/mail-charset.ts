/** Bytes to text where the message does not say how, or says something that cannot be. */
import { isUtf8 } from 'node:buffer';

/** What mail without a charset was written in before UTF-8, and what browsers fall back to. Maps every byte. */
const LEGACY = new TextDecoder('windows-1252');
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

/** UTF-8 where it is valid UTF-8, Windows-1252 otherwise. A character cut at the very end does not count against UTF-8. */
export function decodeUndeclared(bytes: Buffer): string {
  for (let cut = 0; cut <= 3 && cut <= bytes.length; cut++) {
    const whole = bytes.subarray(0, bytes.length - cut);
    if (isUtf8(whole)) return bytes.toString('utf8').replace(/\uFFFD+$/, cut === 0 ? '$&' : '');
  }
  return LEGACY.decode(bytes);
}

/** A header field as mailparser hands it out, one character per byte, as text. */
export function decodeBinaryString(binary: string): string {
  return ASCII.test(binary) ? binary : decodeUndeclared(Buffer.from(binary, 'latin1'));
}

/** The same field with its bytes in UTF-8, still one character per byte. */
export function toUtf8BinaryString(binary: string): string {
  return ASCII.test(binary) ? binary : Buffer.from(decodeBinaryString(binary), 'utf8').toString('latin1');
}
