/** The header block of a stored message, as far as rules can ask for it. Pure. */

export interface MailHead {
  /** All fields in their order, the name as sent, the value unfolded (RFC 5322 section 2.2.3) and not decoded. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
}

/** @param block from the first byte of the message; what comes after an empty line is ignored */
export function readMailHead(block: Uint8Array): MailHead {
  const text = decode(block);
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  const headers = text
    .slice(0, end)
    .split(/\r?\n(?![ \t])/)
    .flatMap((field) => {
      const colon = field.indexOf(':');
      return colon <= 0
        ? []
        : [
            {
              name: field.slice(0, colon).trim(),
              value: field
                .slice(colon + 1)
                .replace(/\r?\n/g, '')
                .trim(),
            },
          ];
    });
  const recipients = (wanted: string): readonly string[] =>
    headers.filter(({ name }) => name.toLowerCase() === wanted).flatMap(({ value }) => addressesIn(value));
  return { headers, to: recipients('to'), cc: recipients('cc'), bcc: recipients('bcc') };
}

/** Bytes that are no UTF-8 are read as Windows-1252, as the daemon does. */
function decode(block: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(block);
  } catch {
    return new TextDecoder('windows-1252').decode(block);
  }
}

/** Without names and comments, which may look like addresses. */
function addressesIn(value: string): readonly string[] {
  const bare = value.replace(/"(?:[^"\\]|\\.)*"/g, ' ').replace(/\([^()]*\)/g, ' ');
  return bare.match(/[^\s<>,;:()[\]"@]{1,256}@[^\s<>,;:()"@]{1,256}/g) ?? [];
}
