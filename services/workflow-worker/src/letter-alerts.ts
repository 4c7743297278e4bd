/**
 * Tells the operator's hook that there are new dead letters: at most once per interval, all of them together, by count and code.
 *
 *     claim (one worker) ─▶ none: move the mark ─▶ done
 *                        └▶ some: send ─▶ taken: move the mark ─▶ done
 *                                  ▲   └▶ refused, or no answer: a few times with growing delay, then the next interval tells of them too
 *                                  └─────┘
 *
 * Told at least once: a process that dies between the answer and the mark tells again.
 */
import { backoffMs, type Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { pause } from '@mailstream/shared/runtime/system-clock';
import type { LetterAlert, LetterAlerts } from './ports.ts';

const TRIES = 4;
const BACKOFF = { baseMs: 1_000, capMs: 10_000, jitter: 0.2 };
/** Longer than all tries together, each of which may take ten seconds. */
const CLAIM_MS = 120_000;

export function createLetterAlerts(options: {
  readonly alerts: LetterAlerts;
  readonly send: (body: string, signal: AbortSignal) => Promise<void>;
  readonly everyMs: number;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}): Service {
  const { alerts, send, everyMs, metrics, clock, log } = options;
  const lagMs = Math.min(15_000, everyMs / 4);
  let aborter = new AbortController();
  let loop: Promise<void> = Promise.resolve();

  const deliver = async (alert: LetterAlert, signal: AbortSignal): Promise<boolean> => {
    const body = bodyOf(alert);
    for (let attempt = 1; attempt <= TRIES && !signal.aborted; attempt += 1) {
      try {
        await send(body, signal);
        metrics.alerts.inc({ result: 'sent' });
        return true;
      } catch (error) {
        log.warn('alert was not taken', { attempt, error });
        if (attempt < TRIES) await pause(clock, backoffMs(BACKOFF, attempt, Math.random()), signal);
      }
    }
    metrics.alerts.inc({ result: 'failed' });
    return false;
  };

  const round = async (signal: AbortSignal): Promise<void> => {
    const alert = await alerts.claim({ everyMs, lagMs, claimMs: CLAIM_MS });
    if (alert === null) return;
    const isTold = alert.codes.length === 0 || (await deliver(alert, signal));
    // Until the same moment as before when it failed: the next round has these again.
    await alerts.told(isTold ? alert.until : alert.since);
  };

  const look = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        await round(signal);
      } catch (error) {
        const isPassing = error instanceof FaultError && error.fault.kind === 'transient';
        log[isPassing ? 'debug' : 'error']('alerts could not be looked after', { error });
      }
      await pause(clock, everyMs / 2, signal);
    }
  };

  return createService('dead letter alerts', {
    start: () => {
      aborter = new AbortController();
      loop = look(aborter.signal);
      return Promise.resolve();
    },
    stop: () => {
      aborter.abort();
      return loop;
    },
  });
}

function bodyOf({ since, until, codes }: LetterAlert): string {
  const iso = (text: string): string => new Date(text).toISOString();
  return JSON.stringify({
    type: 'mailstream.dead_letters',
    since: iso(since),
    until: iso(until),
    total: codes.reduce((sum, { count }) => sum + count, 0),
    codes,
  });
}
