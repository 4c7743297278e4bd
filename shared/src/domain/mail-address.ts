/** Longest address and local part (RFC 5321 sections 4.5.3.1.1 and 4.5.3.1.3). */
const MAX_ADDRESS = 254;
const MAX_LOCAL_PART = 64;
/** Dot-atom (RFC 5322 section 3.2.3) with the letters of RFC 6531. No quoted local parts, address literals or comments. */
const LOCAL_PART = /^[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const DOMAIN =
  /^[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?)*$/u;

/** An address that we send to or from: nothing in it can end a header field, an SMTP command or the address itself. */
export function isSendableAddress(text: string): boolean {
  const at = text.lastIndexOf('@');
  const localPart = text.slice(0, Math.max(0, at));
  return (
    text.length <= MAX_ADDRESS &&
    localPart.length <= MAX_LOCAL_PART &&
    LOCAL_PART.test(localPart) &&
    DOMAIN.test(text.slice(at + 1))
  );
}

/** A Message-ID as it may stand in a header of ours; what others call their messages may be anything. */
export function isSendableMessageId(id: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return id.length <= 500 && /^<[^<>\s\u0000-\u001f\u007f]+>$/.test(id);
}

/** One line for a header field: no control characters, and not without end. */
export function headerLine(text: string, max: number): string {
  return text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim()
    .slice(0, max);
}
