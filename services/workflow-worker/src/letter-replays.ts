/**
 * Puts dead letters that somebody asked to replay back on their stream.
 *
 *     asked (a row in the database) ─▶ appended, once per request ─▶ noted
 *
 * Every worker does this, without asking the others: the append is remembered by Redis under the id of the request, so whoever comes
 * second, or again after a crash, gets the id of the entry that is there. The event is the same event; the gate keeps its effect one.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { pause } from '@mailstream/shared/runtime/system-clock';
import type { Availability } from './availability.ts';
import type { DeadLetters, EntrySource } from './ports.ts';

const AT_A_TIME = 50;
const LOOK_EVERY_MS = 2_000;

export function createLetterReplays(options: {
  readonly deadLetters: Pick<DeadLetters, 'requested' | 'replayed'>;
  readonly source: Pick<EntrySource, 'append'>;
  readonly database: Availability;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}): Service {
  const { deadLetters, source, database, metrics, clock, log } = options;
  let aborter = new AbortController();
  let loop: Promise<void> = Promise.resolve();

  const round = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      const requested = await deadLetters.requested(AT_A_TIME);
      for (const replay of requested) {
        if (signal.aborted) return;
        const entryId = await source.append(replay.stream, replay.replayId, replay.fields);
        await deadLetters.replayed(replay, entryId);
        metrics.replays.inc();
        log.info('dead letter is on the stream again', {
          eventId: replay.eventId,
          tenantId: replay.tenant,
          entryId,
        });
      }
      if (requested.length < AT_A_TIME) return;
    }
  };

  const look = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        if (!database.isDown()) await round(signal);
      } catch (error) {
        const isPassing = error instanceof FaultError && error.fault.kind === 'transient';
        log[isPassing ? 'debug' : 'error']('dead letters could not be replayed, trying again', { error });
      }
      await pause(clock, LOOK_EVERY_MS, signal);
    }
  };

  return createService('letter replays', {
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
