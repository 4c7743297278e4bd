/** Header fields of a message as the event carries them: in order, unfolded, not decoded. */

export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** Longer values are cut before they are looked at: what tells the kind of a message stands at their start. */
const MAX_TELLING_VALUE = 1000;

/** Values of the fields of this name, topmost first. `name` in lower case. */
export function valuesOf(headers: readonly HeaderField[], name: string): readonly string[] {
  return headers.filter((header) => header.name.toLowerCase() === name).map(({ value }) => value);
}

/** The keyword that a value begins with: without comments and parameters (RFC 3834 section 5.1), in lower case. */
export function keywordOf(value: string): string {
  const withoutComments = value.slice(0, MAX_TELLING_VALUE).replace(/\([^()]*\)/g, ' ');
  return (withoutComments.split(';', 1)[0] ?? '').trim().toLowerCase();
}
