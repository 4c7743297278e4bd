/**
 * Reads settings from an environment that is handed in, and collects every problem instead of failing at the first one.
 * A reader that finds a problem returns a placeholder of the right type; nothing of it may be used before `finish()`.
 * Problems name the variable and the rule, never the value: it could be a password in the wrong place.
 */
import { constants } from 'node:os';

/** Exit code of a process whose settings are wrong (EX_CONFIG of sysexits.h). */
export const EXIT_CONFIG = 78;

/** Every problem of the settings at once. Thrown before anything is opened; the process ends with `EXIT_CONFIG`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`wrong settings:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export interface NumberOptions {
  readonly default?: number;
  readonly min?: number;
  readonly max?: number;
}

export interface StringOptions {
  readonly default?: string;
  /** Only these values are accepted. */
  readonly oneOf?: readonly string[];
  readonly maxLength?: number;
}

export interface UrlOptions {
  readonly default?: string;
  /** Without colon, e.g. `['redis', 'rediss']`. */
  readonly protocols: readonly string[];
  /** In place of the rules for all URLs: what is wrong with it, to be put behind the variable's name; null when nothing is. */
  readonly problemOf?: (value: string) => string | null;
}

const TRUE = new Set(['1', 'true', 'yes', 'on']);
const FALSE = new Set(['0', 'false', 'no', 'off']);
/** Above any file size or interval we accept, below where doubles lose whole numbers. */
const LARGEST = Number.MAX_SAFE_INTEGER;

export class EnvReader {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #problems: string[] = [];

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  /** Set to nothing counts as not set: `X=` in a compose file means "the default". */
  #raw(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    return value === undefined || value === '' ? undefined : value;
  }

  /** Remembers a problem that a relation between settings shows; one sentence that starts with a variable's name. */
  problem(text: string): void {
    this.#problems.push(text);
  }

  string(name: string, options: StringOptions = {}): string {
    const value = this.#raw(name) ?? options.default;
    if (value === undefined) {
      this.problem(`${name} is not set`);
      return '';
    }
    if (options.oneOf !== undefined && !options.oneOf.includes(value))
      this.problem(`${name} must be one of: ${options.oneOf.join(', ')}`);
    if (options.maxLength !== undefined && value.length > options.maxLength)
      this.problem(`${name} must have at most ${options.maxLength} characters`);
    return value;
  }

  optionalString(name: string): string | undefined {
    return this.#raw(name);
  }

  integer(name: string, options: NumberOptions = {}): number {
    return this.#number(name, options, /^-?\d{1,16}$/, 'a whole number');
  }

  /** A number in [0, 1] unless told otherwise. */
  ratio(name: string, options: NumberOptions = {}): number {
    return this.#number(name, { min: 0, max: 1, ...options }, /^-?\d{0,9}\.?\d{1,9}$/, 'a number');
  }

  #number(name: string, options: NumberOptions, form: RegExp, what: string): number {
    const raw = this.#raw(name);
    if (raw === undefined) {
      if (options.default === undefined) this.problem(`${name} is not set`);
      return options.default ?? 0;
    }
    const { min = 0, max = LARGEST } = options;
    const value = form.test(raw) ? Number(raw) : NaN;
    if (!(value >= min && value <= max)) {
      this.problem(
        `${name} must be ${what} ${max === LARGEST ? `of at least ${min}` : `from ${min} to ${max}`}`,
      );
      return options.default ?? min;
    }
    return value;
  }

  boolean(name: string, options: { readonly default?: boolean } = {}): boolean {
    const raw = this.#raw(name)?.toLowerCase();
    if (raw === undefined) {
      if (options.default === undefined) this.problem(`${name} is not set`);
      return options.default ?? false;
    }
    if (TRUE.has(raw)) return true;
    if (!FALSE.has(raw)) this.problem(`${name} must be true or false`);
    return false;
  }

  /** Comma separated; empty items are dropped. */
  list(name: string, options: { readonly default?: readonly string[] } = {}): readonly string[] {
    const raw = this.#raw(name);
    if (raw === undefined) {
      if (options.default === undefined) this.problem(`${name} is not set`);
      return options.default ?? [];
    }
    return raw
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }

  url(name: string, options: UrlOptions): string {
    const value = this.#raw(name) ?? options.default;
    const forms = `a URL that starts with ${options.protocols.map((p) => `${p}://`).join(' or ')}`;
    if (value === undefined) {
      this.problem(`${name} is not set: give ${forms}`);
      return '';
    }
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase();
    const isUrl = options.problemOf !== undefined || URL.canParse(value);
    const problem =
      isUrl && scheme !== undefined && options.protocols.includes(scheme)
        ? (options.problemOf?.(value) ?? null)
        : `must be ${forms}`;
    if (problem !== null) this.problem(`${name} ${problem}`);
    return value;
  }

  /** @throws ConfigError with every problem found so far, when there is one. */
  finish(): void {
    if (this.#problems.length > 0) throw new ConfigError([...this.#problems]);
  }
}

/** The exit code a shell expects of a process that a signal ended: 128 + its number. */
export function signalExitCode(signal: 'SIGTERM' | 'SIGINT'): number {
  return 128 + constants.signals[signal];
}
