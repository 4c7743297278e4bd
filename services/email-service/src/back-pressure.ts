/**
 * Back-pressure: when the stream, Redis or the storage is full, nothing is fetched; the mailbox is the queue.
 *
 * One gate for the whole process. Folders ask it before every run (`heldBy`, a look at memory), however many there are; it asks
 * Redis and the disk once per beat. A fault that says "full" shuts it at once, without waiting for the beat, and so do the events
 * this process appends, so that the limit is not overrun between two beats. Three valves (core/pressure.ts):
 *
 *   storage   STORAGE_FULL | STORAGE_UNAVAILABLE   little space, or a write was refused; opens when one works and there is space
 *   redis     REDIS_FULL | REDIS_UNAVAILABLE       used memory near maxmemory, or a write was refused; likewise
 *   stream    STREAM_FULL, for each stream         too much that some consumer group has not acknowledged; opens at 80 %
 *
 * The same beat trims the streams: harmless however many replicas do it.
 */
import type { Fault } from '@mailstream/shared/domain/fault';
import { jittered, type Clock } from '@mailstream/shared/domain/time';
import { toFault } from '@mailstream/shared/errors/fault-error';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { LogFields, Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import type { StorageSpace } from '@mailstream/shared/storage/storage';
import {
  OPEN,
  diskLevel,
  levelOf,
  openIfDue,
  shutByFault,
  shutByMeasure,
  type Marks,
  type Valve,
} from './core/pressure.ts';
import type { StreamFill, StreamGauge } from './ports/stream.ts';

export interface BackPressureOptions {
  readonly gauge: StreamGauge;
  /** Streams that this process writes to now, at least one. */
  readonly streams: () => readonly string[];
  /** Writes something to the storage. */
  readonly probeStorage: () => Promise<void>;
  /** Disks that messages are written to. */
  readonly spaces: readonly (() => Promise<StorageSpace | null>)[];
  readonly limits: {
    /** Entries of one stream that a group has not acknowledged. */
    readonly maxBacklog: number;
    /** Share of Redis's maxmemory. */
    readonly maxMemoryRatio: number;
  };
  readonly trimEveryMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: Pick<
    Metrics,
    | 'backpressure'
    | 'streamLength'
    | 'streamBacklog'
    | 'streamTrimmed'
    | 'redisMemoryRatio'
    | 'storageFreeBytes'
  >;
  /** Fetching was paused, goes on, or is paused for another reason: some listeners have something to do or to say. */
  readonly onChange: () => void;
}

export interface BackPressure extends Service {
  /** Code of what is full for whoever writes to this stream, else null. */
  heldBy(stream: string): string | null;
  /** Entries that may be appended before the stream is full, at least 1. */
  room(stream: string): number;
  appended(stream: string): void;
  noted(fault: Fault): void;
}

const BEAT_MS = 1_000;
const JITTER = 0.1;
/** Fetching goes on below this share of the limit. */
const LOW_SHARE = 0.8;
const MEMORY_HYSTERESIS = 0.05;
/** A connection that was cut is made anew within this many beats; only what stays away pauses everybody. */
const FAILURES_TO_SHUT = 2;

type Kind = 'storage' | 'redis' | 'stream';

export function createBackPressure(options: BackPressureOptions): BackPressure {
  const { gauge, clock, log, metrics, limits } = options;
  const backlogMarks: Marks = { high: limits.maxBacklog, low: Math.floor(limits.maxBacklog * LOW_SHARE) };
  const memoryMarks: Marks = {
    high: limits.maxMemoryRatio,
    low: Math.max(0, limits.maxMemoryRatio - MEMORY_HYSTERESIS),
  };
  const valves = { storage: OPEN, redis: OPEN } as { storage: Valve; redis: Valve };
  const streams = new Map<string, { valve: Valve; backlog: number }>();
  let appendedTotal = new Map<string, number>();
  let mustProbeStorage = false;
  let failuresInRow = 0;
  let trimDueMs = 0;

  const tell = (kind: Kind, before: Valve, after: Valve, details: LogFields = {}): void => {
    const [was, is] = [codeOf(before), codeOf(after)];
    if (was === is) return;
    if (is === null) log.info('fetching goes on', { kind, previousState: was, ...details });
    else log.warn('fetching pauses', { kind, code: is, ...details });
    const isShut =
      kind === 'stream' ? [...streams.values()].some(({ valve }) => valve.kind === 'shut') : is !== null;
    metrics.backpressure.set({ kind }, isShut ? 1 : 0);
    options.onChange();
  };

  const setValve = (kind: 'storage' | 'redis', next: Valve, details?: LogFields): void => {
    const before = valves[kind];
    valves[kind] = next;
    tell(kind, before, next, details);
  };

  const setStream = (stream: string, backlog: number, fill?: StreamFill): void => {
    const before = streams.get(stream)?.valve ?? OPEN;
    const level = levelOf(backlog, backlogMarks);
    let valve = before;
    if (level === 'full') valve = shutByMeasure(before, 'STREAM_FULL');
    // What was appended since is an estimate: only a measurement opens.
    else if (level === 'free' && fill !== undefined) valve = openIfDue(before, clock.monotonicMs());
    streams.set(stream, { valve, backlog });
    tell('stream', before, valve, { stream, count: backlog, name: fill?.slowestGroup ?? null });
  };

  const lookAtStreams = async (names: readonly string[]): Promise<void> => {
    const before = appendedTotal;
    appendedTotal = new Map();
    let fills;
    try {
      fills = await gauge.measure(names);
    } catch (error) {
      for (const [stream, count] of before)
        appendedTotal.set(stream, (appendedTotal.get(stream) ?? 0) + count);
      throw error;
    }
    const [length, backlog] = sums(fills);
    metrics.streamLength.set(length);
    metrics.streamBacklog.set(backlog);
    for (const [stream, fill] of fills)
      setStream(stream, fill.backlog + (appendedTotal.get(stream) ?? 0), fill);
    for (const stream of streams.keys()) if (!fills.has(stream)) streams.delete(stream);
  };

  const trim = async (names: readonly string[]): Promise<void> => {
    if (clock.monotonicMs() < trimDueMs) return;
    trimDueMs = clock.monotonicMs() + jittered(options.trimEveryMs, JITTER, options.random());
    for (const stream of names) {
      const count = await gauge.trim(stream);
      if (count === 0) continue;
      metrics.streamTrimmed.inc(count);
      log.debug('stream trimmed', { stream, count });
    }
  };

  const lookAtRedis = async (): Promise<void> => {
    const names = options.streams();
    try {
      const takesWrites = await gauge.probe(names).then(() => true, unlessFull);
      failuresInRow = 0;
      const ratio = await gauge.memoryRatio(names);
      metrics.redisMemoryRatio.set(ratio ?? 0);
      const level = ratio === null ? 'free' : levelOf(ratio, memoryMarks);
      const wasAway = (codeOf(valves.redis) ?? 'REDIS_FULL') !== 'REDIS_FULL';
      if (!takesWrites || level === 'full') setValve('redis', shutByMeasure(valves.redis, 'REDIS_FULL'));
      else if (level === 'free' || wasAway) setValve('redis', openIfDue(valves.redis, clock.monotonicMs()));
      await lookAtStreams(names);
      // Also while it is full: trimming takes no memory, it gives some back.
      await trim(names);
    } catch (error) {
      const fault = toFault(error);
      failuresInRow += 1;
      if (fault.kind === 'bug') log.error('the streams could not be measured', { error });
      else if (failuresInRow >= FAILURES_TO_SHUT)
        setValve('redis', shutByMeasure(valves.redis, fault.code), { detail: fault.detail });
    }
  };

  const lookAtStorage = async (): Promise<void> => {
    try {
      const spaces = (await Promise.all(options.spaces.map((space) => space()))).filter(
        (space) => space !== null,
      );
      if (spaces.length > 0)
        metrics.storageFreeBytes.set(Math.min(...spaces.map((space) => space.freeBytes)));
      const levels = spaces.map(diskLevel);
      if (levels.includes('full')) return setValve('storage', shutByMeasure(valves.storage, 'STORAGE_FULL'));
      if (valves.storage.kind === 'open' && !mustProbeStorage) return;
      mustProbeStorage = false;
      await options.probeStorage();
      const wasAway = codeOf(valves.storage) === 'STORAGE_UNAVAILABLE';
      if (wasAway || !levels.includes('between'))
        setValve('storage', openIfDue(valves.storage, clock.monotonicMs()));
    } catch (error) {
      const { code, detail } = toFault(error);
      const known = code === 'STORAGE_FULL' ? code : 'STORAGE_UNAVAILABLE';
      setValve('storage', shutByMeasure(valves.storage, known), { detail });
    }
  };

  const loops = [repeat(lookAtRedis), repeat(lookAtStorage)];

  function repeat(look: () => Promise<void>): Pick<Service, 'start' | 'stop'> {
    let cancel: (() => void) | null = null;
    let looking: Promise<void> = Promise.resolve();
    let isStopped = true;
    const round = async (): Promise<void> => {
      await look();
      if (isStopped) return;
      cancel = clock.schedule(jittered(BEAT_MS, JITTER, options.random()), () => {
        looking = round();
      });
    };
    return {
      start: () => {
        isStopped = false;
        looking = round();
        return Promise.resolve();
      },
      stop: async () => {
        isStopped = true;
        cancel?.();
        await looking;
      },
    };
  }

  return {
    ...createService('back-pressure', {
      start: async () => {
        for (const kind of ['storage', 'redis', 'stream'] as const) metrics.backpressure.set({ kind }, 0);
        await Promise.all(loops.map((loop) => loop.start()));
      },
      stop: async () => {
        await Promise.all(loops.map((loop) => loop.stop()));
      },
    }),
    heldBy: (stream) =>
      codeOf(valves.storage) ?? codeOf(valves.redis) ?? codeOf(streams.get(stream)?.valve ?? OPEN),
    room: (stream) => Math.max(1, limits.maxBacklog - (streams.get(stream)?.backlog ?? 0)),
    appended: (stream) => {
      appendedTotal.set(stream, (appendedTotal.get(stream) ?? 0) + 1);
      setStream(stream, (streams.get(stream)?.backlog ?? 0) + 1);
    },
    noted: ({ code }) => {
      const now = clock.monotonicMs();
      if (code === 'REDIS_FULL') setValve('redis', shutByFault(valves.redis, code, now));
      if (code === 'STORAGE_FULL') setValve('storage', shutByFault(valves.storage, code, now));
      // It may be the trouble of one message only: the others are held when a write of ours fails as well.
      if (code === 'STORAGE_UNAVAILABLE') mustProbeStorage = true;
    },
  };
}

/** @returns false when it is full; any other fault is for the caller */
function unlessFull(error: unknown): false {
  if (toFault(error).code !== 'REDIS_FULL') throw error;
  return false;
}

function codeOf(valve: Valve): string | null {
  return valve.kind === 'shut' ? valve.code : null;
}

function sums(fills: ReadonlyMap<string, StreamFill>): readonly [length: number, backlog: number] {
  let [length, backlog] = [0, 0];
  for (const fill of fills.values()) {
    length += fill.length;
    backlog += fill.backlog;
  }
  return [length, backlog];
}
