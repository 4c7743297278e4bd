/**
 * Regular expressions of tenants. RE2 syntax (no look-around, no back references) on an engine that never backtracks, so time grows
 * with the size of the pattern times the length of the text and with nothing else. Both are bounded here, in steps and not in
 * milliseconds: the same mail gives the same result on a busy machine.
 */
import { RE2JS, RE2JSSyntaxException } from 're2js';

export interface SafePattern {
  /** Instructions of the compiled pattern: what one character of text costs. */
  readonly cost: number;
  /** Anywhere in the text, as `contains` does; `^` and `$` are the ends of a line. */
  readonly test: (text: string) => boolean;
}

export type CompiledPattern =
  | { readonly isValid: true; readonly pattern: SafePattern }
  /** `position` counts characters from 1, null where the engine does not tell. */
  | { readonly isValid: false; readonly reason: string; readonly position: number | null };

export const MAX_PATTERN_LENGTH = 250;
/** `(?:a{50}){20}` is short to write and long to run. */
const MAX_COST = 500;

export function compilePattern(source: string, isCaseSensitive: boolean): CompiledPattern {
  if (source === '') return { isValid: false, reason: 'is empty', position: null };
  if (source.length > MAX_PATTERN_LENGTH) {
    return { isValid: false, reason: `is longer than ${MAX_PATTERN_LENGTH} characters`, position: null };
  }
  try {
    const flags = RE2JS.MULTILINE | (isCaseSensitive ? 0 : RE2JS.CASE_INSENSITIVE);
    const compiled = RE2JS.compile(source, flags);
    const cost = compiled.programSize();
    if (cost > MAX_COST)
      return { isValid: false, reason: 'repeats too much to be searched for', position: null };
    return { isValid: true, pattern: { cost, test: (text) => compiled.matcher(text).find() } };
  } catch (error) {
    return { isValid: false, ...explained(error, source) };
  }
}

function explained(error: unknown, source: string): { reason: string; position: number | null } {
  if (!(error instanceof RE2JSSyntaxException)) return { reason: 'cannot be read', position: null };
  const { error: reason, input } = error as { readonly error: unknown; readonly input: unknown };
  const at = reason === 'missing closing )' ? unclosed(source) : indexOf(source, input);
  return {
    reason: typeof reason === 'string' ? reason : 'cannot be read',
    position: at === -1 ? null : at + 1,
  };
}

function indexOf(source: string, part: unknown): number {
  return typeof part === 'string' && part !== '' ? source.indexOf(part) : -1;
}

/** The parenthesis that the engine misses the end of; it names the whole pattern instead. */
function unclosed(source: string): number {
  const open: number[] = [];
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    if (char === '\\') at++;
    else if (char === '[') at = Math.max(at, source.indexOf(']', at + 2) - 1);
    else if (char === '(') open.push(at);
    else if (char === ')') open.pop();
  }
  return open.at(-1) ?? -1;
}
