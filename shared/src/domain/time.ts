/**
 * Time as a port. Two clocks on purpose: `monotonicMs` for durations and deadlines (never steps),
 * `now` for timestamps that people and other systems read.
 */
export interface Clock {
  /** Milliseconds of a monotonic clock with an arbitrary start. */
  monotonicMs(): number;
  /** Wall clock time. */
  now(): Date;
  /** Runs `action` once after `delayMs`; the returned function cancels it. Does not keep the process alive. */
  schedule(delayMs: number, action: () => void): () => void;
}

/** Settings of an exponential back-off with jitter (DESIGN section 7). */
export interface BackoffSettings {
  /** First delay, milliseconds. */
  readonly baseMs: number;
  /** Largest delay, milliseconds. */
  readonly capMs: number;
  /** Share of the delay that is random: the result lies in [delay*(1-jitter), delay]. 0 to 1. */
  readonly jitter: number;
}

/**
 * Delay before attempt number `attempt` (1 is the first retry), milliseconds.
 * @param random a number in [0, 1)
 */
export function backoffMs(settings: BackoffSettings, attempt: number, random: number): number {
  const delay = Math.min(settings.capMs, settings.baseMs * 2 ** Math.min(Math.max(attempt, 1) - 1, 30));
  return Math.round(delay * (1 - settings.jitter * random));
}

/**
 * Spreads a periodic timer: `intervalMs` moved by up to `share` in both directions.
 * @param random a number in [0, 1)
 */
export function jittered(intervalMs: number, share: number, random: number): number {
  return Math.round(intervalMs * (1 + share * (2 * random - 1)));
}
