/**
 * What follows from one attempt at an entry. Pure.
 *
 *     effect made, or made before ───────────────▶ acknowledge
 *     waits for its parent ──────────────────────▶ come back (not an attempt), soon at first; after `PARENT_WAITS` go on without it
 *       or for the mail that it brings back
 *     cannot be decoded, or can have no effect ──▶ dead letter
 *     the database or Redis is away ─────────────▶ hold: nothing is counted, everything waits for it
 *       and again, and again ────────────────────▶ isolate; counted only if it happens to this entry alone as well
 *     failed, attempts left ─────────────────────▶ come back after a growing delay, out of the others' way
 *     failed, none left ─────────────────────────▶ dead letter
 */
export type AttemptResult =
  | { readonly kind: 'done'; readonly effect: 'ticket' | 'comment' | 'skipped' | 'duplicate' }
  | { readonly kind: 'parentPending' }
  | { readonly kind: 'originalUnreadable' }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  | { readonly kind: 'unavailable' }
  /** `code` is a SQLSTATE or the name of an error. */
  | { readonly kind: 'failed'; readonly code: string; readonly detail: string };

export type Decision =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'comeBack'; readonly delayMs: number; readonly countsAsAttempt: boolean }
  | { readonly kind: 'hold' }
  /** Once more, not counted, with no other suspect beside it. */
  | { readonly kind: 'isolate' }
  | { readonly kind: 'deadLetter'; readonly code: string; readonly detail: string };

export interface AttemptHistory {
  /** Including this one. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Delay after the first failure, milliseconds; it doubles with each. */
  readonly retryBaseMs: number;
  readonly parentWaits: number;
  /** How often in a row this very entry found the database away although it answered in between. */
  readonly unavailableInRow: number;
  readonly isAlone: boolean;
}

const RETRY_CAP_MS = 3_600_000;
/** Added, never taken away: a delay that was promised is kept. */
const RETRY_JITTER = 0.1;
/** A message ahead of this one needs far less when all is well. */
const QUICK_PARENT_WAITS = 20;
const PARENT_DELAY_MS = 500;
const SLOW_PARENT_DELAY_MS = 15_000;
/** Ten seconds of quick looks, then ten minutes of slow ones: longer than a parent that fails needs to become a dead letter. */
export const PARENT_WAITS = 60;
/** An entry that alone ends its connection again and again is the trouble itself. */
const UNAVAILABLE_LIMIT = 3;

export function decide(result: AttemptResult, history: AttemptHistory, random: number): Decision {
  switch (result.kind) {
    case 'done':
      return { kind: 'acknowledge' };
    case 'parentPending':
    case 'originalUnreadable':
      return { kind: 'comeBack', delayMs: parentDelayMs(history.parentWaits), countsAsAttempt: false };
    case 'refused':
      return { kind: 'deadLetter', code: result.code, detail: result.detail };
    case 'unavailable':
      if (history.unavailableInRow < UNAVAILABLE_LIMIT) return { kind: 'hold' };
      // Beside others it may have been their doing, or a link that is cut again and again.
      if (!history.isAlone) return { kind: 'isolate' };
      return afterFailure('the database connection ended each time', history, random);
    case 'failed':
      return afterFailure(result.detail, history, random);
  }
}

function afterFailure(detail: string, history: AttemptHistory, random: number): Decision {
  const { attempts, maxAttempts, retryBaseMs } = history;
  if (attempts >= maxAttempts)
    return { kind: 'deadLetter', code: 'WORKER_FAILED', detail: `${failedAttempts(attempts)}: ${detail}` };
  const delayMs = Math.min(RETRY_CAP_MS, retryBaseMs * 2 ** Math.min(attempts - 1, 30));
  return {
    kind: 'comeBack',
    delayMs: Math.round(delayMs * (1 + RETRY_JITTER * random)),
    countsAsAttempt: true,
  };
}

function failedAttempts(count: number): string {
  return count === 1 ? '1 attempt failed' : `${count} attempts failed`;
}

function parentDelayMs(waits: number): number {
  return waits < QUICK_PARENT_WAITS ? PARENT_DELAY_MS : SLOW_PARENT_DELAY_MS;
}

/**
 * About an entry that was tried before, here or elsewhere. Attempts are counted before they begin; those of which no outcome was
 * noted ended with their process.
 * @param unexplained attempts without an outcome, the one about to begin included
 */
export function judgeClaimed(
  unexplained: number,
  attempts: number,
  maxAttempts: number,
): 'normal' | 'suspect' | 'killer' {
  if (attempts > maxAttempts) return 'killer';
  // Everything a killed process had begun is counted, its neighbours too; only a second time makes a suspect.
  return unexplained > 1 ? 'suspect' : 'normal';
}
