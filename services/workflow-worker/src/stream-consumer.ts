/**
 * Reads the streams and looks after everything this process has in hand.
 *
 * Three loops: `readLoop` takes new entries while there is room; `beatLoop` shows that what is in hand is alive and takes over what
 * others left alone for `visibilityMs`; `refreshLoop` finds new streams. Entries of one tenant run in the order of the stream, tenants
 * side by side.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { pause } from '@mailstream/shared/runtime/system-clock';
import type { Availability } from './availability.ts';
import { createEntriesInHand } from './entries-in-hand.ts';
import type { EntryHandler } from './entry-handler.ts';
import { createOrderedLanes } from './ordered-lanes.ts';
import type { EntrySource, StreamDirectory } from './ports.ts';

export interface StreamConsumerOptions {
  readonly source: EntrySource;
  readonly directory: StreamDirectory;
  readonly handle: EntryHandler;
  readonly database: Availability;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly concurrency: number;
  /** Most entries per read. */
  readonly batch: number;
  /** An entry left alone for this long is anyone's. */
  readonly visibilityMs: number;
  /** How often the list of streams is read anew. */
  readonly streamRefreshMs: number;
  /** How long a stop waits for what has not begun yet. */
  readonly drainMs: number;
  /** Aborted by `stop`: the handler stops waiting for what is away. */
  readonly stopping: AbortController;
}

/** Entries in lanes per slot: enough that no slot waits for a read, few enough that memory stays small. */
const WAITING_PER_SLOT = 8;
const RETRY_REDIS_MS = 200;
/** Ids of entries that come back later; only when nearly everything fails are there so many, and reading more would not help. */
const MOST_IN_HAND = 5_000;
const FULL_PAUSE_MS = 1_000;
/** A consumer that nobody has seen for an hour is a process that was killed. */
const DEAD_CONSUMER_MS = 3_600_000;

/** Runs once: after a stop it is not started again. */
export type StreamConsumer = Service & {
  /** True while the last read worked. */
  isReading(): boolean;
};

export function createStreamConsumer(options: StreamConsumerOptions): StreamConsumer {
  const { source, directory, handle, database, metrics, clock, log, stopping } = options;
  const { signal } = stopping;
  const lanes = createOrderedLanes(options.concurrency);
  // Three beats in the time of visibility: one may fail and entries in hand are still ours. Two seconds at most, because what a
  // stopped worker hands over waits for a beat of another.
  const beatMs = Math.min(options.visibilityMs / 3, 2_000);
  const mostInLanes = options.concurrency * WAITING_PER_SLOT;
  const inHand = createEntriesInHand({ source, handle, lanes, clock, log });
  let streams: readonly string[] = [];
  let isReading = false;
  let loops: Promise<unknown> = Promise.resolve();

  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

  const nowReading = (): void => {
    if (!isReading) log.info('reading entries');
    isReading = true;
  };

  const readLoop = async (): Promise<void> => {
    const ready = new Set<string>();
    while (!signal.aborted) {
      await Promise.race([lanes.whenBelow(mostInLanes), aborted]);
      if (database.isDown()) await database.recovered();
      if (inHand.size() >= MOST_IN_HAND) await pause(clock, FULL_PAUSE_MS, signal);
      else if (!signal.aborted) await readOnce(ready);
    }
  };

  const readOnce = async (ready: Set<string>): Promise<void> => {
    try {
      const missing = streams.filter((stream) => !ready.has(stream));
      for (const stream of await source.ensureGroups(missing)) log.info('consumer group made', { stream });
      for (const stream of missing) ready.add(stream);
      const room = Math.min(options.batch, mostInLanes - lanes.size());
      // The first read may wait its whole time for something to come.
      if (missing.length > 0) nowReading();
      const result = await source.read(streams, Math.max(1, Math.floor(room / streams.length)));
      nowReading();
      if (result.kind === 'entries') {
        inHand.take(result.entries, true);
        return;
      }
      log.warn('redis has lost the consumer group, making it anew');
      metrics.groupResets.inc();
      ready.clear();
    } catch (error) {
      if (isReading) log.warn('entries cannot be read, trying again', { error });
      isReading = false;
      await pause(clock, RETRY_REDIS_MS, signal);
    }
  };

  const claim = async (): Promise<void> => {
    for (const stream of streams) {
      const room = mostInLanes - lanes.size();
      if (room <= 0 || signal.aborted) return;
      const { entries, deletedIds } = await source.claimAbandoned(stream, options.visibilityMs, room);
      if (deletedIds.length > 0) {
        metrics.entriesDeletedUnread.inc(deletedIds.length);
        log.error('pending entries were deleted from the stream before they were processed', {
          stream,
          count: deletedIds.length,
        });
      }
      const count = inHand.take(entries, false);
      if (count > 0) log.info('entries taken over', { stream, count });
      metrics.entriesClaimed.inc(count);
    }
  };

  const beatLoop = async (): Promise<void> => {
    for (let beat = 0; !signal.aborted; beat += 1) {
      try {
        await source.keep(inHand.refs());
        if (!database.isDown()) await claim();
        if (beat % 100 === 0)
          for (const stream of streams) await source.removeDeadConsumers(stream, DEAD_CONSUMER_MS);
      } catch (error) {
        if (error instanceof FaultError && error.fault.kind === 'transient')
          log.debug('beat failed', { error });
        else log.error('beat failed', { error });
      }
      await pause(clock, beatMs, signal);
    }
  };

  const refreshStreams = async (): Promise<void> => {
    try {
      streams = await directory.streams();
    } catch (error) {
      log.warn('the list of streams could not be read', { error });
    }
  };
  const refreshLoop = async (): Promise<void> => {
    while (!signal.aborted) {
      await pause(clock, options.streamRefreshMs, signal);
      if (!signal.aborted) await refreshStreams();
    }
  };

  const run = async (): Promise<void> => {
    while (streams.length === 0 && !signal.aborted) {
      await refreshStreams();
      if (streams.length === 0) await pause(clock, RETRY_REDIS_MS, signal);
    }
    await Promise.all([readLoop(), beatLoop(), refreshLoop()]);
  };

  const drain = async (): Promise<void> => {
    inHand.stop();
    await Promise.race([lanes.whenIdle(), pause(clock, options.drainMs)]);
    lanes.clear();
    await lanes.whenIdle();
    try {
      await source.handOver(inHand.refs());
      await source.leave(streams);
    } catch (error) {
      log.warn('entries in hand could not be handed over', { count: inHand.size(), error });
    }
  };

  const removeGauges = metrics.onScrape(async () => {
    metrics.entriesInHand.set(inHand.size());
    const { unread, pending } = await source.backlog(streams);
    metrics.groupLag.set(unread);
    metrics.groupPending.set(pending);
  });

  const service = createService('stream consumer', {
    start: () => {
      loops = run();
      return Promise.resolve();
    },
    stop: async () => {
      stopping.abort();
      removeGauges();
      await source.wake();
      await loops;
      isReading = false;
      await drain();
    },
  });
  return { ...service, isReading: () => isReading };
}
