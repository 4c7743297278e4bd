/** Text of a mail server on its way into a log line or a settings page. */

/** Longest piece of server text that is kept, characters. */
const LONGEST_TEXT = 200;

/**
 * Printable, one line, at most 200 characters, mail addresses masked, and nothing of `secrets` in it: some servers repeat
 * the user name or the password they refused.
 */
export function serverText(text: string, secrets: readonly string[] = []): string {
  let kept = text;
  for (const secret of secrets) {
    for (const form of formsOf(secret)) kept = kept.replaceAll(form, '[secret]');
  }
  kept = kept
    // The patterns below take the square of a text's length; after the secrets, so that none is cut in two and missed.
    .slice(0, 5 * LONGEST_TEXT)
    // Everything but letters, marks, digits, punctuation, symbols and the plain space: controls, bidi marks, line separators.
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]+/gu, ' ')
    .replace(/[^\s<>"'()[\]:,;]+@[^\s<>"'()[\],;]+/g, '[address]')
    .replace(/ {2,}/g, ' ')
    .trim();
  return kept.length > LONGEST_TEXT ? `${kept.slice(0, LONGEST_TEXT - 1)}…` : kept;
}

function formsOf(secret: string): readonly string[] {
  // A form shorter than this would blank ordinary words.
  if (secret.length < 4) return [];
  return [secret, encodeURIComponent(secret), ...[0, 1, 2].map((shift) => insideBase64(secret, shift))];
}

/** How the secret looks inside a longer base64 text, such as a SASL response, `shift` bytes after a multiple of three. */
function insideBase64(secret: string, shift: number): string {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
  // Six bits a character: those shared with a neighbour differ, so they are left out at both ends.
  return bytes.toString('base64').slice(Math.ceil((shift * 8) / 6), Math.floor((bytes.length * 8) / 6));
}
