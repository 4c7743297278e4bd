/**
 * Reads the streams and looks after everything this process has in hand.
 *
 * Three loops: `readLoop` takes new entries; `beatLoop` shows that what is in hand is alive, takes over what others left alone for
 * `visibilityMs`, and helps a worker that has much more; `refreshLoop` finds new streams.
 *
 * A stream is read to its end, whatever is in hand: the entries of one tenant must not hide those of another behind them. As long as
 * reads come back full, only ids are read, and bodies are loaded when it is their turn (entries-in-hand.ts).
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
import { createKeepRounds } from './keep-rounds.ts';
import type { EntryRef, EntrySource, StreamDirectory } from './ports.ts';

export interface StreamConsumerOptions {
  readonly source: EntrySource;
  readonly directory: StreamDirectory;
  readonly handle: EntryHandler;
  readonly database: Availability;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly concurrency: number;
  readonly tenantConcurrency: number;
  /** Most entries per read. */
  readonly batch: number;
  /** Entries in hand at which reading pauses. */
  readonly readAhead: number;
  /** An entry left alone for this long is anyone's. */
  readonly visibilityMs: number;
  /** How often the list of streams is read anew. */
  readonly streamRefreshMs: number;
  /** How long a stop waits for what has begun. */
  readonly drainMs: number;
  /** Aborted by `stop`: the handler stops waiting for what is away. */
  readonly stopping: AbortController;
}

const RETRY_REDIS_MS = 200;
const FULL_PAUSE_MS = 500;
/** A script looks into the bodies of so many: few enough that Redis is not busy for long. */
const IDS_PER_READ = 100;
const READS_AT_ONCE = 4;
/** Ids taken over in one beat: what a stopped worker had may be a flood, with others' entries behind it. */
const MOST_TAKEN_OVER = 20_000;
/** Streams that are looked through at the same time. */
const CLAIMED_AT_ONCE = 16;
/** Entries taken off a worker that has more, at a time. */
const MOST_SHARED = 1_000;
/** With fewer in hand a worker looks whether another one needs help. */
const FEW_IN_HAND = 64;
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
  // Two seconds at most, because what a stopped worker hands over waits for a beat of another.
  const beatMs = Math.min(options.visibilityMs / 3, 2_000);
  const onGone = (refs: readonly EntryRef[]): void => {
    metrics.entriesDeletedUnread.inc(refs.length);
    log.error('pending entries were deleted from the stream before they were processed', {
      count: refs.length,
    });
  };
  const inHand = createEntriesInHand({ ...options, source, handle, clock, log, onGone });
  // Each entry is kept twice within the time of visibility: one beat may fail and it is still ours.
  const keepRounds = createKeepRounds(inHand, Math.max(1, Math.floor(options.visibilityMs / 3 / beatMs)));
  let streams: readonly string[] = [];
  let isReading = false;
  let loops: Promise<unknown> = Promise.resolve();

  const nowReading = (): void => {
    if (!isReading) log.info('reading entries');
    isReading = true;
  };

  const readLoop = async (): Promise<void> => {
    const ready = new Set<string>();
    /** Streams whose last read came back full. */
    const behind = new Set<string>();
    while (!signal.aborted) {
      if (database.isDown()) await database.recovered();
      if (inHand.size() >= options.readAhead) await pause(clock, FULL_PAUSE_MS, signal);
      else if (!signal.aborted) await readOnce(ready, behind);
    }
  };

  const readOnce = async (ready: Set<string>, behind: Set<string>): Promise<void> => {
    try {
      const missing = streams.filter((stream) => !ready.has(stream));
      await ensureGroups(missing, ready);
      if (behind.size > 0) return await readIdsOf(behind);
      const readable = streams.filter((stream) => ready.has(stream));
      const room = Math.min(options.batch, inHand.room());
      const count = Math.max(1, Math.floor(room / readable.length));
      // The first read may wait its whole time for something to come.
      if (missing.length > 0) nowReading();
      const result = await source.read(readable, count);
      nowReading();
      if (result.kind === 'groupMissing') {
        log.warn('redis has lost the consumer group, making it anew');
        metrics.groupResets.inc();
        ready.clear();
        return;
      }
      const counts = new Map<string, number>();
      for (const { stream } of result.entries) counts.set(stream, (counts.get(stream) ?? 0) + 1);
      for (const [stream, read] of counts) if (read >= count) behind.add(stream);
      inHand.takeEntries(result.entries);
    } catch (error) {
      if (isReading) log.warn('entries cannot be read, trying again', { error });
      isReading = false;
      await pause(clock, RETRY_REDIS_MS, signal);
    }
  };

  /** Of a cluster one node may be away: the streams of the others are read meanwhile. */
  const ensureGroups = async (missing: readonly string[], ready: Set<string>): Promise<void> => {
    try {
      const { made, there } = await source.ensureGroups(missing);
      for (const stream of made) log.info('consumer group made', { stream });
      for (const stream of [...made, ...there]) ready.add(stream);
    } catch (error) {
      if (!streams.some((stream) => ready.has(stream))) throw error;
    }
  };

  const readIdsOf = async (behind: Set<string>): Promise<void> => {
    const failures: unknown[] = [];
    for (const stream of [...behind]) {
      // One connection carries them in order, so several may be on their way at once.
      const reads = Array.from({ length: READS_AT_ONCE }, () => source.readAhead(stream, IDS_PER_READ));
      for (const read of await Promise.allSettled(reads)) {
        if (read.status === 'rejected') failures.push(read.reason);
        const headers = read.status === 'fulfilled' ? read.value : [];
        if (headers.length < IDS_PER_READ) behind.delete(stream);
        inHand.takeHeaders(headers, true);
      }
    }
    if (failures.length > 0) throw failures[0];
  };

  const claim = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (let from = 0; from < streams.length; from += CLAIMED_AT_ONCE) {
      const part = streams.slice(from, from + CLAIMED_AT_ONCE);
      const room = Math.floor((options.readAhead - inHand.size()) / part.length);
      if (room <= 0 || signal.aborted) break;
      const claims = await Promise.allSettled(part.map((stream) => claimOf(stream, room)));
      failures.push(...claims.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])));
    }
    if (failures.length > 0) throw failures[0];
  };

  const claimOf = async (stream: string, room: number): Promise<void> => {
    const most = Math.min(MOST_TAKEN_OVER, room);
    const { headers, gone } = await source.claimAbandoned(stream, options.visibilityMs, most);
    if (gone.length > 0) onGone(gone);
    const helped = inHand.size() < FEW_IN_HAND ? await source.share(stream, Math.min(most, MOST_SHARED)) : [];
    const count = inHand.takeHeaders([...headers, ...helped], false);
    if (count > 0) log.info('entries taken over', { stream, count });
    metrics.entriesClaimed.inc(count);
  };

  const beatLoop = async (): Promise<void> => {
    for (let beat = 0; !signal.aborted; beat += 1) {
      try {
        inHand.forget(await source.keep(keepRounds.next()));
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

  const handOver = async (): Promise<void> => {
    try {
      await source.handOver([...inHand.refs()]);
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
      const stopped = inHand.stop();
      await loops;
      isReading = false;
      const patience = new AbortController();
      await Promise.race([stopped, pause(clock, options.drainMs, patience.signal)]);
      patience.abort();
      await handOver();
    },
  });
  return { ...service, isReading: () => isReading };
}
