/**
 * Puts what the database has to send into the queue: at once what is new, and again what Redis may have forgotten.
 *
 *   written with its cause (one transaction) ─▶ relay ─▶ job in Redis ─▶ turn
 *                                  ▲                       │ Redis lost it, or its process died
 *                                  └── again after a while ┘
 *
 * Any number of processes may do this side by side: a mail has one job, whoever adds it, and a job for a mail that is sent does nothing.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { pause } from '@mailstream/shared/runtime/system-clock';
import type { MailQueue, Outbox } from './ports.ts';

const LIMIT = 500;

export function createMailRelay(options: {
  readonly outbox: Pick<Outbox, 'due' | 'relayed'>;
  readonly queue: MailQueue;
  /** How often the database is asked, milliseconds. */
  readonly everyMs: number;
  /** After this time without an end a mail gets a job again, milliseconds. */
  readonly relayAgainMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}): Service {
  const { outbox, queue, everyMs, relayAgainMs, clock, log } = options;
  let aborter = new AbortController();
  let loop: Promise<void> = Promise.resolve();

  const relay = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      let isMore = false;
      try {
        const mails = await outbox.due({ limit: LIMIT, relayAgainMs });
        if (mails.length > 0) {
          await queue.add(mails);
          await outbox.relayed(mails);
        }
        isMore = mails.length === LIMIT;
      } catch (error) {
        const isPassing = error instanceof FaultError && error.fault.kind === 'transient';
        log[isPassing ? 'debug' : 'error']('mails could not be put into the queue', { error });
      }
      if (!isMore) await pause(clock, everyMs, signal);
    }
  };

  return createService('mail relay', {
    start: () => {
      aborter = new AbortController();
      loop = relay(aborter.signal);
      return Promise.resolve();
    },
    stop: () => {
      aborter.abort();
      return loop;
    },
  });
}
