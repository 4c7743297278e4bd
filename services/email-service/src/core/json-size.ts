/** How many bytes a value takes in the stream: UTF-8 of its JSON form. */

export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}

/**
 * No less than `jsonBytes`, without making the JSON form: strings are taken for six bytes a unit, which is the longest escape. For
 * small values, which is nearly all mail, that is enough to know that they fit (issue 7: a twentieth of a parser's time).
 */
export function mostJsonBytes(value: unknown): number {
  if (typeof value === 'string') return 6 * value.length + 2;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + mostJsonBytes(item) + 1, 2);
  if (typeof value === 'object' && value !== null && !(value instanceof Date))
    return Object.entries(value).reduce(
      (sum, [name, item]) => sum + 6 * name.length + 4 + mostJsonBytes(item),
      2,
    );
  return 32;
}

/** The longest beginning of `text` that takes at most `maxBytes` inside a JSON string; never half a surrogate pair. */
export function cutToJsonBytes(text: string, maxBytes: number): string {
  // No character takes more than six bytes.
  if (text.length * 6 <= maxBytes) return text;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isPair = code >= 0xd800 && code < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1));
    bytes += isPair ? 4 : unitBytes(code);
    if (bytes > maxBytes) return text.slice(0, i);
    if (isPair) i++;
  }
  return text;
}

function unitBytes(code: number): number {
  if (code < 0x20) return code === 8 || code === 9 || code === 10 || code === 12 || code === 13 ? 2 : 6;
  if (code === 0x22 || code === 0x5c) return 2;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  // A lone surrogate is written as \udXXX.
  return code >= 0xd800 && code <= 0xdfff ? 6 : 3;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
