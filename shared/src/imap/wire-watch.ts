/**
 * Listens in on imapflow through its logger, the only place where it tells what its methods swallow: a throttled command
 * (it would wait and repeat by itself, up to 40 minutes), the error behind a `false`, response codes it has no event for.
 * Nothing that passes here is ever written to a log.
 */
import type { Logger } from 'imapflow';

export class WireWatch implements Logger {
  /** Called for every line of the server; literals are placeholders in it. */
  onLine: ((line: string) => void) | null = null;
  /** Called when the server asked for a pause, with its length in milliseconds. */
  onThrottled: ((delayMs: number) => void) | null = null;
  #swallowed: unknown = null;

  /** The last error that imapflow reported instead of throwing it; forgotten when taken. */
  takeSwallowed(): unknown {
    const swallowed = this.#swallowed;
    this.#swallowed = null;
    return swallowed;
  }

  trace(entry: unknown): void {
    this.#look(entry);
  }

  debug(entry: unknown): void {
    this.#look(entry);
  }

  info(): void {
    // Connection facts: the session knows them already.
  }

  warn(entry: unknown): void {
    this.#look(entry);
  }

  error(entry: unknown): void {
    this.#look(entry);
  }

  #look(entry: unknown): void {
    if (typeof entry !== 'object' || entry === null) return;
    const { src, msg, err, throttleDelay } = entry as Readonly<Record<string, unknown>>;
    if (err !== undefined) this.#swallowed = err;
    if (typeof throttleDelay === 'number') this.onThrottled?.(throttleDelay);
    if (src === 's' && typeof msg === 'string') this.onLine?.(msg);
  }
}
