/**
 * Reads the streams, hands entries to lanes, and looks after everything this process has in hand.
 *
 *     new entries ─ read ────────┐                        ┌─▶ settled: acknowledged or a dead letter
 *     abandoned ones ─ claim ────┼─▶ in hand ─▶ lanes ────┤
 *     their time has come ───────┘      ▲                 └─▶ comes back later: only its id is kept
 *                                       └──────────────────────┘
 *
 * Entries of one tenant run in the order of the stream, tenants side by side. What failed comes back in a lane of its own, one at a
 * time, so that it delays nobody. Everything in hand is shown to be alive at each beat; what is not (this process hangs or died)
 * is taken over by another worker after `visibilityMs`.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { pause } from '@mailstream/shared/runtime/system-clock';
import type { Availability } from './availability.ts';
import type { EntryHandler, Settlement, Visit } from './entry-handler.ts';
import { createOrderedLanes } from './ordered-lanes.ts';
import type { EntryRef, EntrySource, StreamDirectory, StreamEntry } from './ports.ts';

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

interface InHand extends EntryRef {
  parentWaits: number;
}

/** Entries in lanes per slot: enough that no slot waits for a read, few enough that memory stays small. */
const WAITING_PER_SLOT = 8;
const SUSPECTS = 'suspects';
const RETRY_REDIS_MS = 200;
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
  const inHand = new Map<string, InHand>();
  const timers = new Set<() => void>();
  let streams: readonly string[] = [];
  let isReading = false;
  let loops: Promise<unknown> = Promise.resolve();

  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

  const keyOf = ({ stream, id }: EntryRef): string => `${stream} ${id}`;

  const enter = (entry: StreamEntry, visit: Visit): void => {
    lanes.add(visit.isAlone ? SUSPECTS : laneOf(entry), async () => {
      const settlement = await handle(entry, visit);
      afterwards(entry, settlement);
    });
  };

  const take = (entries: readonly StreamEntry[], isFresh: boolean): void => {
    for (const entry of entries) {
      const key = keyOf(entry);
      if (inHand.has(key)) continue;
      inHand.set(key, { stream: entry.stream, id: entry.id, parentWaits: 0 });
      enter(entry, { isFresh, isAlone: false, parentWaits: 0 });
    }
  };

  const afterwards = (entry: EntryRef, settlement: Settlement): void => {
    if (settlement.kind === 'settled') inHand.delete(keyOf(entry));
    if (settlement.kind !== 'comeBack') return;
    const { stream, id } = entry;
    const held = inHand.get(keyOf(entry));
    if (held !== undefined) held.parentWaits = settlement.parentWaits;
    // The fields are read again when its time has come: a flood of failing entries must not fill the memory.
    comeBack({ stream, id }, settlement.delayMs, settlement.alone);
  };

  const comeBack = (ref: EntryRef, delayMs: number, isAlone: boolean): void => {
    if (signal.aborted) return;
    const cancel = clock.schedule(delayMs, () => {
      timers.delete(cancel);
      void again(ref, isAlone);
    });
    timers.add(cancel);
  };

  const again = async (ref: EntryRef, isAlone: boolean): Promise<void> => {
    try {
      const [entry] = await source.reread([ref]);
      const held = inHand.get(keyOf(ref));
      if (signal.aborted) return;
      // Gone or acknowledged by somebody who had taken it over meanwhile.
      if (entry === undefined || held === undefined) return void inHand.delete(keyOf(ref));
      enter(entry, { isFresh: false, isAlone, parentWaits: held.parentWaits });
    } catch (error) {
      log.debug('entry could not be read again', { stream: ref.stream, entryId: ref.id, error });
      comeBack(ref, RETRY_REDIS_MS, isAlone);
    }
  };

  const readLoop = async (): Promise<void> => {
    const ready = new Set<string>();
    while (!signal.aborted) {
      await Promise.race([lanes.whenBelow(mostInLanes), aborted]);
      if (database.isDown()) await database.recovered();
      if (signal.aborted) return;
      try {
        const missing = streams.filter((stream) => !ready.has(stream));
        for (const stream of await source.ensureGroups(missing)) log.info('consumer group made', { stream });
        for (const stream of missing) ready.add(stream);
        const room = Math.min(options.batch, mostInLanes - lanes.size());
        const result = await source.read(streams, Math.max(1, Math.floor(room / streams.length)));
        if (!isReading) log.info('reading entries');
        isReading = true;
        if (result.kind === 'entries') {
          take(result.entries, true);
          continue;
        }
        log.warn('redis has lost the consumer group, making it anew');
        metrics.groupResets.inc();
        ready.clear();
      } catch (error) {
        if (isReading) log.warn('entries cannot be read, trying again', { error });
        isReading = false;
        await pause(clock, RETRY_REDIS_MS, signal);
      }
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
      const foreign = entries.filter((entry) => !inHand.has(keyOf(entry)));
      if (foreign.length > 0) log.info('entries taken over', { stream, count: foreign.length });
      metrics.entriesClaimed.inc(foreign.length);
      take(foreign, false);
    }
  };

  const beatLoop = async (): Promise<void> => {
    for (let beat = 0; !signal.aborted; beat += 1) {
      try {
        await source.keep([...inHand.values()]);
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
    for (const cancel of timers) cancel();
    await Promise.race([lanes.whenIdle(), pause(clock, options.drainMs)]);
    lanes.clear();
    await lanes.whenIdle();
    try {
      await source.handOver([...inHand.values()]);
      await source.leave(streams);
    } catch (error) {
      log.warn('entries in hand could not be handed over', { count: inHand.size, error });
    }
  };

  const removeGauges = metrics.onScrape(async () => {
    metrics.entriesInHand.set(inHand.size);
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

/** Order is kept within a tenant. An entry that does not say whose it is goes with its like. */
function laneOf({ fields }: StreamEntry): string {
  for (let index = 0; index + 1 < fields.length; index += 2)
    if (fields[index] === 'tenant') return `tenant ${fields[index + 1]}`;
  return 'nobody';
}
