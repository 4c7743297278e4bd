/**
 * Makes text safe for a log line that people read in a terminal and machines read line by line.
 * Second line of defence only: fields that may hold secrets or message content are not on the logger's list at all.
 */

/** C0, DEL, C1, line and paragraph separators, zero-width and bidirectional controls: they break lines or lie to the eye. */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const ADDRESS = /[^\s<>"'(),;:=[\]]{1,256}@[^\s<>"'(),;:\\[\]]{1,256}/g;
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@]{0,512}@/gi;
const BEARER = /\b(bearer|basic|auth)[ =:]+[a-z0-9+/._~=-]{8,}/gi;

/**
 * Control characters become visible escapes, credentials in URLs, mail addresses and bearer tokens are masked,
 * and at most `maxLength` characters stay.
 */
export function safeText(text: string, maxLength: number): string {
  // Cut first: a regular expression must not run over a message of many megabytes.
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut
    .replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(URL_CREDENTIALS, '$1[secret]@')
    .replace(BEARER, '$1 [secret]')
    .replace(ADDRESS, (match, offset: number, whole: string) =>
      // Keep the mask of a URL's credentials readable.
      whole.slice(offset, offset + 9) === '[secret]@' ? match : '[address]',
    );
}
