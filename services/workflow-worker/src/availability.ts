/**
 * The shared wait for a dependency that is away: however many entries found it away, it is asked by one, with growing delay.
 */
import { backoffMs, type Clock } from '@mailstream/shared/domain/time';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { pause } from '@mailstream/shared/runtime/system-clock';

export interface Availability {
  /** Resolves when the dependency answers again, or when `signal` aborts: look at the signal afterwards. */
  recovered(): Promise<void>;
  /**
   * Something failed for want of it: as `recovered`, and tells how many things failed in the same outage. One alone may have been
   * its own doing.
   */
  failed(): Promise<number>;
  isDown(): boolean;
}

const BACKOFF = { baseMs: 200, capMs: 10_000, jitter: 0.5 };

export function createAvailability(options: {
  readonly name: string;
  /** Resolves when it works. */
  readonly probe: () => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Availability {
  const { name, probe, clock, log, signal } = options;
  let waiting: Promise<void> | null = null;
  let outage = { failures: 0 };

  const wait = async (): Promise<void> => {
    log.warn('dependency is away, waiting for it', { name });
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      await pause(clock, backoffMs(BACKOFF, attempt, Math.random()), signal);
      if (signal.aborted) return;
      try {
        await probe();
        log.info('dependency is back', { name, attempt });
        return;
      } catch (error) {
        log.debug('dependency is still away', { name, attempt, error });
      }
    }
  };
  const recovered = (): Promise<void> => {
    if (waiting === null) {
      outage = { failures: 0 };
      waiting = wait().finally(() => {
        waiting = null;
      });
    }
    return waiting;
  };
  return {
    recovered,
    failed: async () => {
      const back = recovered();
      const mine = outage;
      mine.failures += 1;
      await back;
      return mine.failures;
    },
    isDown: () => waiting !== null,
  };
}
