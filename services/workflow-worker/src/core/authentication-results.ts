/**
 * Parser of one Authentication-Results field (RFC 8601 section 2.2), in one pass. Comments may stand anywhere and may be nested,
 * values may be quoted; a word in a comment or a quoted string is never a result.
 */

export interface AuthenticationResult {
  /** Lower case: dkim, spf, dmarc, arc, iprev, auth ... */
  readonly method: string;
  /** Lower case: pass, fail, softfail, neutral, none, temperror, permerror, bestguesspass ... */
  readonly result: string;
  /** `ptype.property` in lower case, such as `header.d` or `smtp.mailfrom`; the first of a name counts. */
  readonly properties: ReadonlyMap<string, string>;
}

export interface AuthenticationResults {
  /** Null where the field begins with a result (Microsoft). */
  readonly authservId: string | null;
  readonly results: readonly AuthenticationResult[];
}

const MAX_FIELD = 8192;
const MAX_RESULTS = 50;

/** Null where it is none: empty, too long, or with a comment or quoted string that does not end. */
export function parseAuthenticationResults(field: string): AuthenticationResults | null {
  if (field.length > MAX_FIELD) return null;
  const parts = splitParts(field);
  if (parts === null) return null;
  const [first = [], ...others] = parts;
  const hasId = first[0] !== undefined && first[0] !== '=' && first[1] !== '=';
  const resinfo = hasId ? others : parts;
  const results = resinfo
    .slice(0, MAX_RESULTS)
    .map(resultOf)
    .filter((result) => result !== null);
  const authservId = hasId ? (first[0] ?? null) : null;
  return authservId === null && results.length === 0 ? null : { authservId, results };
}

/** `method[/version] = result`, then `name = value` for every property. */
function resultOf(tokens: readonly string[]): AuthenticationResult | null {
  const [method, equals, result] = tokens;
  if (method === undefined || equals !== '=' || result === undefined || result === '=') return null;
  const properties = new Map<string, string>();
  for (let at = 3; at + 2 < tokens.length; at++) {
    const [name = '=', sign, value = '='] = tokens.slice(at, at + 3);
    if (name === '=' || sign !== '=' || value === '=') continue;
    const key = name.toLowerCase();
    if (!properties.has(key)) properties.set(key, value);
    at += 2;
  }
  return { method: (method.split('/', 1)[0] ?? '').toLowerCase(), result: result.toLowerCase(), properties };
}

/** The parts between semicolons as words and equals signs, without comments and quotes. */
function splitParts(field: string): readonly (readonly string[])[] | null {
  const parts: string[][] = [];
  let part: string[] = [];
  let word = '';
  const endWord = (): void => {
    if (word !== '') part.push(word);
    word = '';
  };
  for (let at = 0; at < field.length; at++) {
    const char = field[at] ?? '';
    if (char === '(') {
      endWord();
      const end = endOfComment(field, at);
      if (end === -1) return null;
      at = end;
    } else if (char === '"') {
      const end = endOfQuoted(field, at);
      if (end === -1) return null;
      word += field.slice(at + 1, end).replace(/\\(.)/gs, '$1');
      at = end;
    } else if (char === ';') {
      endWord();
      parts.push(part);
      part = [];
    } else if (char === '=') {
      endWord();
      part.push('=');
    } else if (/\s/.test(char)) {
      endWord();
    } else {
      word += char;
    }
  }
  endWord();
  return [...parts, part].filter((tokens) => tokens.length > 0);
}

/** Index of the parenthesis that closes the one at `start`, or -1. Comments nest (RFC 5322 section 3.2.2). */
function endOfComment(field: string, start: number): number {
  let depth = 0;
  for (let at = start; at < field.length; at++) {
    const char = field[at];
    if (char === '\\') at++;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return at;
  }
  return -1;
}

function endOfQuoted(field: string, start: number): number {
  for (let at = start + 1; at < field.length; at++) {
    if (field[at] === '\\') at++;
    else if (field[at] === '"') return at;
  }
  return -1;
}
