/**
 * What follows from one attempt at an entry. Pure.
 *
 *     effect made, or made before ───────────────▶ acknowledge
 *     waits for its parent ──────────────────────▶ come back (not an attempt); after `PARENT_WAITS` go on without it
 *     cannot be decoded, or can have no effect ──▶ dead letter
 *     the database or Redis is away ─────────────▶ hold: nothing is counted, everything waits for it
 *     failed, attempts left ─────────────────────▶ come back after a growing delay, out of the others' way
 *     failed, none left ─────────────────────────▶ dead letter
 */
import { backoffMs } from '@mailstream/shared/domain/time';

export type AttemptResult =
  | { readonly kind: 'done'; readonly effect: 'ticket' | 'comment' | 'duplicate' }
  | { readonly kind: 'parentPending' }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'failed'; readonly detail: string };

export type Decision =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'comeBack'; readonly delayMs: number; readonly countsAsAttempt: boolean }
  | { readonly kind: 'hold' }
  | { readonly kind: 'deadLetter'; readonly code: string; readonly detail: string };

export interface AttemptHistory {
  /** Including this one. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** How often in a row this very entry found the database away although it answered in between. */
  readonly unavailableInRow: number;
}

const RETRY = { baseMs: 500, capMs: 15_000, jitter: 0.2 };
const PARENT_DELAY_MS = 500;
/** 500 ms each: ten seconds are far more than a message ahead of this one needs when all is well. */
export const PARENT_WAITS = 20;
/** An entry that alone ends its connection again and again is the trouble itself. */
const UNAVAILABLE_LIMIT = 3;

export function decide(result: AttemptResult, history: AttemptHistory, random: number): Decision {
  switch (result.kind) {
    case 'done':
      return { kind: 'acknowledge' };
    case 'parentPending':
      return { kind: 'comeBack', delayMs: PARENT_DELAY_MS, countsAsAttempt: false };
    case 'refused':
      return { kind: 'deadLetter', code: result.code, detail: result.detail };
    case 'unavailable':
      return history.unavailableInRow < UNAVAILABLE_LIMIT
        ? { kind: 'hold' }
        : afterFailure('the database connection ended each time', history, random);
    case 'failed':
      return afterFailure(result.detail, history, random);
  }
}

function afterFailure(detail: string, { attempts, maxAttempts }: AttemptHistory, random: number): Decision {
  return attempts >= maxAttempts
    ? { kind: 'deadLetter', code: 'WORKER_FAILED', detail: `${attempts} attempts failed: ${detail}` }
    : { kind: 'comeBack', delayMs: backoffMs(RETRY, attempts, random), countsAsAttempt: true };
}

/**
 * About an entry that another consumer had and left. `attempts` was counted before each attempt, this one included, so a high count
 * means that the attempts ended with their process.
 */
export function judgeClaimed(attempts: number, maxAttempts: number): 'normal' | 'suspect' | 'killer' {
  if (attempts > maxAttempts) return 'killer';
  // Everything a killed process had begun is counted, its neighbours too; only a second time makes a suspect.
  return attempts > 1 ? 'suspect' : 'normal';
}
