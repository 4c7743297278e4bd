/** Text that PostgreSQL can keep in a text column and JSON can carry, whatever bytes it was decoded from. */

/** U+0000 (PostgreSQL refuses it) and halves of surrogate pairs (no UTF-8 form; they would not survive a round trip). */
// oxlint-disable-next-line no-control-regex -- NUL is what this is about
const UNSTORABLE = /[\0\p{Surrogate}]/gu;

/** The same text with U+FFFD for every character that cannot be stored. */
export function storableText(text: string): string {
  return text.replace(UNSTORABLE, '\uFFFD');
}

/** At most `maxLength` UTF-16 units, never half a pair, with an ellipsis where something was cut. */
export function shortText(text: string, maxLength: number): string {
  const storable = storableText(text.length > maxLength ? text.slice(0, maxLength) : text);
  return text.length > maxLength ? `${storable.replace(/\uFFFD$/, '')}…` : storable;
}
