/**
 * The consumer group on Redis streams.
 *
 * Reading waits on a connection of its own: a blocked connection answers nothing else. Every other command goes over the second one.
 * Repeating any of these commands is safe; what that could do twice at most is to show an entry once more, which the gate drops.
 */
import type { Redis } from 'ioredis';
import { deadLetterStream, WORKER_GROUP } from '@mailstream/shared/events/email-received';
import { redisErrorWord, redisFault } from '@mailstream/shared/runtime/redis';
import type { DeadLetter, EntryRef, EntrySource, StreamEntry } from '../ports.ts';
import { parseAutoclaim, parseEntries, parseReadGroup, sumBacklog } from './redis-replies.ts';
import { DEAD_LETTER, LEAVE, REMOVE_DEAD_CONSUMERS } from './redis-scripts.ts';

export interface RedisEntrySourceOptions {
  /** For reads that wait; made with a `blockMs` of at least the one here. */
  readonly blocking: Redis;
  readonly commands: Redis;
  readonly blockMs: number;
  /** Unique to this start of the process: never a host name, which a restarted container has again. */
  readonly consumer: string;
  /** ISO 8601, for the dead letters. */
  readonly now: () => string;
}

/** Shares the stream's hash slot; one field per entry that failed or was taken over, removed with its acknowledgement. */
function attemptsKey(stream: string): string {
  return `{${stream}}:attempts`;
}

/** So long unseen that every worker may take it at once. */
const ABANDONED_MS = 86_400_000;
/** Names and values; an entry of ours has 14. Even, so that the cut of a monstrous one leaves pairs. */
const MAX_LETTER_FIELDS = 6000;
/** Ids per command: keeps single commands short for the other users of Redis. */
const CHUNK = 500;

export function createRedisEntrySource(options: RedisEntrySourceOptions): EntrySource {
  const { blocking, commands, blockMs, consumer } = options;
  let blockingId: number | null = null;
  blocking.on('ready', () => {
    blocking.client('ID').then(
      (id) => (blockingId = id),
      () => (blockingId = null),
    );
  });
  const run = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw redisFault(error);
    }
  };
  /** Commands on a group that is not there (yet, or any more) have nothing to do. */
  const unlessGroupMissing = async <T>(work: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (isGroupMissing(error)) return otherwise;
      throw redisFault(error);
    }
  };
  const claim = async (
    refs: readonly EntryRef[],
    ...flags: readonly string[]
  ): Promise<readonly StreamEntry[]> => {
    const entries: StreamEntry[] = [];
    for (const [stream, ids] of byStream(refs)) {
      for (let from = 0; from < ids.length; from += CHUNK) {
        const part = ids.slice(from, from + CHUNK);
        const reply = await unlessGroupMissing(
          commands.call('XCLAIM', stream, WORKER_GROUP, consumer, 0, ...part, ...flags),
          [],
        );
        if (!flags.includes('JUSTID')) entries.push(...parseEntries(stream, reply));
      }
    }
    return entries;
  };

  return {
    ensureGroups: async (streams) => {
      const made: string[] = [];
      for (const stream of streams) {
        try {
          await commands.call('XGROUP', 'CREATE', stream, WORKER_GROUP, '0', 'MKSTREAM');
          made.push(stream);
        } catch (error) {
          if (redisErrorWord(error) !== 'BUSYGROUP') throw redisFault(error);
        }
      }
      return made;
    },
    read: async (streams, count) => {
      const keys = [...streams, ...streams.map(() => '>')];
      try {
        const reply = await blocking.call(
          'XREADGROUP',
          'GROUP',
          WORKER_GROUP,
          consumer,
          'COUNT',
          count,
          'BLOCK',
          blockMs,
          'STREAMS',
          ...keys,
        );
        return { kind: 'entries', entries: parseReadGroup(reply) };
      } catch (error) {
        if (isGroupMissing(error)) return { kind: 'groupMissing' };
        throw redisFault(error);
      }
    },
    wake: async () => {
      // Only speeds up what the block time does anyway.
      if (blockingId !== null)
        await commands.call('CLIENT', 'UNBLOCK', blockingId, 'TIMEOUT').catch(() => undefined);
    },
    claimAbandoned: async (stream, minIdleMs, count) => {
      const entries: StreamEntry[] = [];
      const deletedIds: string[] = [];
      let cursor = '0-0';
      do {
        const reply = await unlessGroupMissing(
          commands.call(
            'XAUTOCLAIM',
            stream,
            WORKER_GROUP,
            consumer,
            minIdleMs,
            cursor,
            'COUNT',
            count - entries.length,
          ),
          null,
        );
        const page = parseAutoclaim(stream, reply);
        entries.push(...page.entries);
        deletedIds.push(...page.deletedIds);
        cursor = page.cursor;
      } while (cursor !== '0-0' && entries.length < count);
      return { entries, deletedIds };
    },
    reread: (refs) => claim(refs),
    keep: async (refs) => void (await claim(refs, 'JUSTID')),
    handOver: async (refs) => void (await claim(refs, 'IDLE', String(ABANDONED_MS), 'JUSTID')),
    acknowledge: async ({ stream, id }) => {
      await run(commands.xack(stream, WORKER_GROUP, id));
      await run(commands.hdel(attemptsKey(stream), id));
    },
    deadLetter: async ({ stream, id, fields }, letter) => {
      const keys = [stream, deadLetterStream(stream), attemptsKey(stream)];
      const values = [
        WORKER_GROUP,
        id,
        ...fields.slice(0, MAX_LETTER_FIELDS),
        ...letterFields(stream, id, letter, options),
      ];
      await run(commands.eval(DEAD_LETTER, keys.length, ...keys, ...values));
    },
    countAttempt: ({ stream, id }, by) => run(commands.hincrby(attemptsKey(stream), id, by)),
    removeDeadConsumers: async (stream, minIdleMs) => {
      await unlessGroupMissing(
        commands.eval(REMOVE_DEAD_CONSUMERS, 1, stream, WORKER_GROUP, consumer, minIdleMs),
        null,
      );
    },
    backlog: async (streams) => {
      const replies = await Promise.all(
        streams.map((stream) => unlessGroupMissing(commands.call('XINFO', 'GROUPS', stream), [])),
      );
      return sumBacklog(replies, WORKER_GROUP);
    },
    ping: async () => void (await run(commands.ping())),
    leave: async (streams) => {
      for (const stream of streams)
        await unlessGroupMissing(commands.eval(LEAVE, 1, stream, WORKER_GROUP, consumer), null);
    },
  };
}

/** NOGROUP: no group, or no stream. UNBLOCKED: the stream went while we waited. "no such key" is how XINFO says it. */
function isGroupMissing(error: unknown): boolean {
  const word = redisErrorWord(error);
  return (
    word === 'NOGROUP' ||
    word === 'UNBLOCKED' ||
    (word === 'ERR' && /no such key/i.test((error as Error).message))
  );
}

function letterFields(
  stream: string,
  id: string,
  letter: DeadLetter,
  { consumer, now }: RedisEntrySourceOptions,
): readonly string[] {
  return [
    ...['dlq_stream', stream],
    ...['dlq_entry_id', id],
    ...['dlq_code', letter.code],
    ...['dlq_detail', letter.detail],
    ...['dlq_attempts', String(letter.attempts)],
    ...['dlq_consumer', consumer],
    ...['dlq_at', now()],
  ];
}

function byStream(refs: readonly EntryRef[]): ReadonlyMap<string, readonly string[]> {
  const ids = new Map<string, string[]>();
  for (const { stream, id } of refs) {
    const list = ids.get(stream);
    if (list === undefined) ids.set(stream, [id]);
    else list.push(id);
  }
  return ids;
}
