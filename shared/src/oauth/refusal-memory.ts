import type { Fault } from '../domain/fault.ts';
import type { Clock } from '../domain/time.ts';
import { FaultError } from '../errors/fault-error.ts';
import type { SecretValue } from '../secrets/secret-value.ts';

/**
 * Remembers what a token endpoint refused, so that the folders of one mailbox do not each ask again: an ended grant is not
 * asked about for five minutes, and a pause that the endpoint asked for is kept. A new refresh token clears it.
 */
export interface RefusalMemory {
  /** @throws FaultError the remembered one, with what is left of its pause */
  check(name: string, refreshToken: SecretValue | null): void;
  remember(name: string, refreshToken: SecretValue | null, fault: Fault): void;
}

interface Refusal {
  readonly refreshToken: SecretValue | null;
  readonly fault: Fault;
  readonly untilMs: number;
}

/** Short enough for an administrator who has just lifted a policy. */
const ENDED_GRANT_MS = 300_000;

export function createRefusalMemory(clock: Clock): RefusalMemory {
  const refusals = new Map<string, Refusal>();
  return {
    check(name, refreshToken) {
      const refusal = refusals.get(name);
      if (refusal === undefined) return;
      const leftMs = refusal.untilMs - clock.monotonicMs();
      if (leftMs <= 0 || !isSame(refusal.refreshToken, refreshToken)) {
        refusals.delete(name);
        return;
      }
      const { fault } = refusal;
      throw new FaultError(
        fault.kind === 'throttled' ? { ...fault, retryAfterMs: Math.ceil(leftMs) } : fault,
      );
    },
    remember(name, refreshToken, fault) {
      const pauseMs = fault.code === 'OAUTH_REAUTHORIZE' ? ENDED_GRANT_MS : fault.retryAfterMs;
      if (pauseMs === undefined) return;
      refusals.set(name, { refreshToken, fault, untilMs: clock.monotonicMs() + pauseMs });
    },
  };
}

/** Two secrets that are the same, or both absent. */
export function isSame(a: SecretValue | null, b: SecretValue | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
