/**
 * Reply tokens: the secret in an answer's address or body that names the ticket it belongs to.
 *
 * A token is 26 characters of base 32 (RFC 4648 section 6, lower case): 128 bits, so it cannot be guessed, and its case does not
 * matter, as mail systems change the case of addresses. It stands in
 * - an address, `support+<token>@example.com` or `reply-<token>@example.com`,
 * - a body, `ms-ref:<token>`, hidden in the HTML and visible at the end of the text; it survives being quoted.
 * Stored is its hash alone (`email_reply_tokens.token_hash`). A token is a hint, not an identity: whoever takes it up checks
 * tenant, expiry and that the sender is the recipient that it was made for, or takes part in the ticket.
 */

const TOKEN = '[a-z2-7]{26}';
const TOKEN_ALONE = new RegExp(`^${TOKEN}$`);
const TOKEN_IN_ADDRESS = new RegExp(`(?:\\+|^reply[-+])(${TOKEN})$`);
const TOKEN_IN_BODY = new RegExp(`ms-ref:(${TOKEN})(?![a-z2-7])`, 'gi');
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const TOKEN_BYTES = 16;
/** RFC 5321 section 4.5.3.1.1. */
const MAX_LOCAL_PART = 64;

/** @throws RangeError unless there are 16 bytes, which must come from a cryptographic source */
export function tokenFromBytes(bytes: Uint8Array): string {
  if (bytes.length !== TOKEN_BYTES) throw new RangeError('a reply token is made of 16 bytes');
  let token = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      token += ALPHABET[(held >> bits) & 31] ?? '';
    }
    held &= (1 << bits) - 1;
  }
  return token + (ALPHABET[(held << (5 - bits)) & 31] ?? '');
}

/** In the one spelling that is hashed, or null where it is none. */
export function parseToken(text: string): string | null {
  const token = text.toLowerCase();
  return TOKEN_ALONE.test(token) ? token : null;
}

/**
 * `support@example.com` with the token: a reply to it reaches the same mailbox wherever plus-addressing works.
 * Null where the local part would be longer than RFC 5321 allows: then only the body carries the token.
 */
export function replyAddress(mailbox: string, token: string): string | null {
  const at = mailbox.lastIndexOf('@');
  if (at <= 0) return null;
  const localPart = `${mailbox.slice(0, at)}+${token}`;
  return localPart.length > MAX_LOCAL_PART ? null : `${localPart}${mailbox.slice(at)}`;
}

export function tokenInAddress(address: string): string | null {
  const localPart = address.slice(0, Math.max(0, address.lastIndexOf('@'))).toLowerCase();
  if (localPart.length > MAX_LOCAL_PART + 2) return null;
  return TOKEN_IN_ADDRESS.exec(localPart.replace(/^"|"$/g, ''))?.[1] ?? null;
}

/** The marker for a text body. For HTML see {@link hiddenMarker}. */
export function visibleMarker(token: string): string {
  return `ms-ref:${token}`;
}

/** Clients keep hidden text when they quote; attributes and comments are lost. */
export function hiddenMarker(token: string): string {
  return `<div style="display:none;font-size:0;line-height:0;max-height:0;overflow:hidden">${visibleMarker(token)}</div>`;
}

/** Tokens of a text or HTML body in their order, without doubles; at most `max` places are looked at. */
export function tokensInBody(body: string, max: number): readonly string[] {
  const found = new Set<string>();
  let places = 0;
  for (const match of body.matchAll(TOKEN_IN_BODY)) {
    if (places++ >= max) break;
    found.add((match[1] ?? '').toLowerCase());
  }
  return [...found];
}
