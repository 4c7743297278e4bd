/**
 * The next entries of all streams, as they come.
 *
 * One server takes one question for all streams, and waits with its answer. In a Redis Cluster a command has one slot, and a connection that
 * waits for one stream asks for no other. There one stream is read in the same way, and of several each is asked without waiting, again
 * and again: so often that few are seen within 50 milliseconds, and so seldom that all together are asked a thousand times a second.
 */
import { WORKER_GROUP } from '@mailstream/shared/events/email-received';
import { redisErrorWord, redisFault } from '@mailstream/shared/runtime/redis';
import { isCluster, type RedisClient } from '@mailstream/shared/runtime/redis-servers';
import { pause, systemClock } from '@mailstream/shared/runtime/system-clock';
import type { EntrySource, StreamEntry } from '../ports.ts';
import { parseReadGroup } from './redis-replies.ts';
import { createWake } from './redis-wake.ts';

const LEAST_INTERVAL_MS = 50;
const INTERVAL_PER_STREAM_MS = 1;

export interface StreamReaderOptions {
  /** For reads that wait; made with a `blockMs` of at least the one here. */
  readonly blocking: RedisClient;
  readonly commands: RedisClient;
  readonly blockMs: number;
  readonly consumer: string;
}

export function createStreamReader(options: StreamReaderOptions): Pick<EntrySource, 'read' | 'wake'> {
  const { blocking, commands, blockMs, consumer } = options;
  const unblock = createWake(blocking, commands);
  let waiting = new AbortController();
  /** A group was gone while other streams had entries: told next time, however many come. */
  let isGroupOverdue = false;

  const ask = async (
    redis: RedisClient,
    streams: readonly string[],
    count: number,
    wait: readonly (string | number)[],
  ): Promise<readonly StreamEntry[]> => {
    const group = ['GROUP', WORKER_GROUP, consumer, 'COUNT', count, ...wait];
    const reply = redis.call('XREADGROUP', ...group, 'STREAMS', ...streams, ...streams.map(() => '>'));
    return parseReadGroup(await reply);
  };

  /** What some streams gave is not dropped because another one's node is away: its error is told when there is nothing else to tell. */
  const askEach = async (streams: readonly string[], count: number): Promise<readonly StreamEntry[]> => {
    const answers = await Promise.allSettled(streams.map((stream) => ask(commands, [stream], count, [])));
    const entries = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failures = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [answer.reason as unknown] : [],
    );
    if (entries.length === 0 && failures.length > 0) throw failures.find(isGroupMissing) ?? failures[0];
    isGroupOverdue = failures.some(isGroupMissing);
    return entries;
  };

  const askInTurns = async (streams: readonly string[], count: number): Promise<readonly StreamEntry[]> => {
    waiting = new AbortController();
    const { signal } = waiting;
    const intervalMs = Math.max(LEAST_INTERVAL_MS, streams.length * INTERVAL_PER_STREAM_MS);
    const endMs = systemClock.monotonicMs() + blockMs;
    for (;;) {
      const entries = await askEach(streams, count);
      const leftMs = endMs - systemClock.monotonicMs();
      if (entries.length > 0 || leftMs <= 0 || signal.aborted) return entries;
      await pause(systemClock, Math.min(intervalMs, leftMs), signal);
    }
  };

  return {
    read: async (streams, count) => {
      if (isGroupOverdue) {
        isGroupOverdue = false;
        return { kind: 'groupMissing' };
      }
      try {
        const entries =
          isCluster(commands) && streams.length > 1
            ? await askInTurns(streams, count)
            : await ask(blocking, streams, count, ['BLOCK', blockMs]);
        return { kind: 'entries', entries };
      } catch (error) {
        if (isGroupMissing(error)) return { kind: 'groupMissing' };
        throw redisFault(error);
      }
    },
    wake: async () => {
      waiting.abort();
      await unblock();
    },
  };
}

/** NOGROUP: no group, or no stream. UNBLOCKED: the stream went while we waited. "no such key" is how XINFO says it. */
export function isGroupMissing(error: unknown): boolean {
  const word = redisErrorWord(error);
  return (
    word === 'NOGROUP' ||
    word === 'UNBLOCKED' ||
    (word === 'ERR' && /no such key|NOGROUP/i.test((error as Error).message))
  );
}
