/**
 * The consumer group on Redis streams.
 *
 * Reading waits on a connection of its own: a blocked connection answers nothing else. Every other command goes over the second one.
 * Repeating any of these commands is safe; what that could do twice at most is to show an entry once more, which the gate drops.
 */
import { deadLetterStream, streamName, WORKER_GROUP } from '@mailstream/shared/events/email-received';
import { redisErrorWord, redisFault } from '@mailstream/shared/runtime/redis';
import type { RedisClient } from '@mailstream/shared/runtime/redis-servers';
import type { DeadLetter, EntryHeader, EntryRef, EntrySource, StreamEntry } from '../ports.ts';
import { parseAttempt, parseClaimedIds, parseEntries, parseHeaders, sumBacklog } from './redis-replies.ts';
import * as scripts from './redis-scripts.ts';
import { createStreamReader, isGroupMissing } from './redis-stream-reader.ts';

export interface RedisEntrySourceOptions {
  /** For reads that wait; made with a `blockMs` of at least the one here. */
  readonly blocking: RedisClient;
  readonly commands: RedisClient;
  readonly blockMs: number;
  /** Unique to this start of the process: never a host name, which a restarted container has again. */
  readonly consumer: string;
  /** ISO 8601, for the dead letters. */
  readonly now: () => string;
}

/** Shares the stream's hash slot; up to three fields per entry that failed or was taken over, removed with its acknowledgement. */
function attemptsKey(stream: string): string {
  return `{${stream}}:attempts`;
}

/** So long unseen that every worker may take it at once. */
const ABANDONED_MS = 86_400_000;
/** Names and values; an entry of ours has 14. Even, so that the cut of a monstrous one leaves pairs. */
const MAX_LETTER_FIELDS = 6000;
/** Ids per command: keeps single commands short for the other users of Redis. */
const CHUNK = 500;
/** Entries that a script looks into at a time; each may be 512 KiB. */
const BODIES_PER_SCRIPT = 100;
/** Calls of XAUTOCLAIM per look: each goes through ten times its count of pending entries, the next look goes on from there. */
const CLAIM_CALLS = 40;
/** What a consumer is left when others help: about a second of work. */
const SPARED = 256;
/** How long a repeated append is recognized, seconds. */
const MARKER_SECONDS = 86_400;

export function createRedisEntrySource(options: RedisEntrySourceOptions): EntrySource {
  const { commands, consumer } = options;
  const reader = createStreamReader(options);
  const claimCursors = new Map<string, string>();
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
  /** Runs a script on the stream's entries, some at a time. @returns the replies. */
  const inChunks = async (
    script: string,
    stream: string,
    head: readonly (string | number)[],
    ids: readonly string[],
    size: number,
  ): Promise<readonly unknown[]> => {
    const replies: unknown[] = [];
    for (let from = 0; from < ids.length; from += size) {
      const part = ids.slice(from, from + size);
      replies.push(await unlessGroupMissing(commands.eval(script, 1, stream, ...head, ...part), []));
    }
    return replies;
  };
  const headersOf = async (stream: string, ids: readonly string[]): Promise<readonly EntryHeader[]> => {
    const replies = await inChunks(scripts.HEADERS, stream, [], ids, BODIES_PER_SCRIPT);
    const found = replies.flatMap((reply) => parseHeaders(stream, reply));
    if (found.length === ids.length) return found;
    // Those that are gone go on as well: whoever loads them says so.
    const tenants = new Map(found.map(({ id, tenant }) => [id, tenant]));
    return ids.map((id) => ({ stream, id, tenant: tenants.get(id) ?? '' }));
  };
  const setIdle = async (refs: readonly EntryRef[], idleMs: number): Promise<readonly EntryRef[]> => {
    const lost: EntryRef[] = [];
    // Side by side: in a cluster the node of one stream may be away, and the others must not wait for it.
    const streams = [...byStream(refs)].map(async ([stream, ids]) => {
      const replies = await inChunks(scripts.SET_IDLE, stream, [WORKER_GROUP, consumer, idleMs], ids, CHUNK);
      for (const reply of replies)
        if (Array.isArray(reply)) lost.push(...reply.map((id) => ({ stream, id: String(id) })));
    });
    await allDone(streams);
    return lost;
  };

  return {
    ensureGroups: async (streams) => {
      const [made, there]: [string[], string[]] = [[], []];
      let failure: unknown = null;
      for (const stream of streams) {
        try {
          await commands.call('XGROUP', 'CREATE', stream, WORKER_GROUP, '0', 'MKSTREAM');
          made.push(stream);
        } catch (error) {
          if (redisErrorWord(error) === 'BUSYGROUP') there.push(stream);
          else failure = error;
        }
      }
      if (failure !== null && made.length + there.length === 0) throw redisFault(failure);
      return { made, there };
    },
    ...reader,
    readAhead: async (stream, count) => {
      const reply = commands.eval(scripts.READ_AHEAD, 1, stream, WORKER_GROUP, consumer, count);
      return parseHeaders(stream, await unlessGroupMissing(reply, []));
    },
    claimAbandoned: async (stream, minIdleMs, count) => {
      const ids: string[] = [];
      const gone: EntryRef[] = [];
      for (let call = 0; call < CLAIM_CALLS && ids.length < count; call += 1) {
        const from = claimCursors.get(stream) ?? '0-0';
        const most = Math.min(CHUNK, count - ids.length);
        const target = [stream, WORKER_GROUP, consumer, minIdleMs, from, 'COUNT', most, 'JUSTID'] as const;
        const reply = await unlessGroupMissing(commands.call('XAUTOCLAIM', ...target), null);
        const page = parseClaimedIds(reply);
        ids.push(...page.ids);
        gone.push(...page.deletedIds.map((id) => ({ stream, id })));
        claimCursors.set(stream, page.cursor);
        if (page.cursor === '0-0') break;
      }
      return { headers: await headersOf(stream, ids), gone };
    },
    share: async (stream, count) => {
      const reply = commands.eval(scripts.SHARE, 1, stream, WORKER_GROUP, consumer, count, SPARED);
      const ids = await unlessGroupMissing(reply, []);
      return headersOf(stream, Array.isArray(ids) ? ids.map(String) : []);
    },
    load: async (refs) => {
      const entries: StreamEntry[] = [];
      const gone: EntryRef[] = [];
      for (const [stream, ids] of byStream(refs)) {
        const replies = await inChunks(
          scripts.LOAD,
          stream,
          [WORKER_GROUP, consumer],
          ids,
          BODIES_PER_SCRIPT,
        );
        for (const reply of replies) {
          const [found, deleted] = Array.isArray(reply) ? (reply as unknown[]) : [];
          entries.push(...parseEntries(stream, found));
          if (Array.isArray(deleted)) gone.push(...deleted.map((id) => ({ stream, id: String(id) })));
        }
      }
      return { entries, gone };
    },
    keep: (refs) => setIdle(refs, 0),
    handOver: async (refs) => void (await setIdle(refs, ABANDONED_MS)),
    acknowledge: async ({ stream, id }, hasRecord) => {
      if (hasRecord)
        await run(commands.eval(scripts.SETTLE, 2, stream, attemptsKey(stream), WORKER_GROUP, id));
      else await run(commands.xack(stream, WORKER_GROUP, id));
    },
    copyToDeadLetters: async ({ stream, id, fields }, letter) => {
      const dead = deadLetterStream(stream);
      const values = [...fields.slice(0, MAX_LETTER_FIELDS), ...letterFields(stream, id, letter, options)];
      await run(
        commands.eval(scripts.APPEND_ONCE, 2, dead, `{${dead}}:letter:${id}`, MARKER_SECONDS, ...values),
      );
    },
    beginAttempt: async ({ stream, id }, nowMs) =>
      parseAttempt(await run(commands.eval(scripts.BEGIN_ATTEMPT, 1, attemptsKey(stream), id, nowMs))),
    uncountAttempt: async ({ stream, id }) => void (await run(commands.hincrby(attemptsKey(stream), id, -1))),
    noteRetry: async ({ stream, id }, { attempts, dueAtMs, past }) => {
      const record = [id, attempts, `${id}:due`, dueAtMs, `${id}:past`, JSON.stringify(past)];
      await run(commands.eval(scripts.NOTE, 1, attemptsKey(stream), ...record));
    },
    append: async (stream, replayId, fields) => {
      const marker = `{${stream}}:replay:${replayId}`;
      const values = fields.slice(0, MAX_LETTER_FIELDS);
      return String(
        await run(commands.eval(scripts.APPEND_ONCE, 2, stream, marker, MARKER_SECONDS, ...values)),
      );
    },
    removeDeadConsumers: async (stream, minIdleMs) => {
      await unlessGroupMissing(
        commands.eval(scripts.REMOVE_DEAD_CONSUMERS, 1, stream, WORKER_GROUP, consumer, minIdleMs),
        null,
      );
    },
    backlog: async (streams) => {
      const replies = await Promise.all(
        streams.map((stream) => unlessGroupMissing(commands.call('XINFO', 'GROUPS', stream), [])),
      );
      return sumBacklog(replies, WORKER_GROUP);
    },
    ping: async () => void (await run(commands.exists(streamName('', false)))),
    leave: async (streams) => {
      for (const stream of streams)
        await unlessGroupMissing(commands.eval(scripts.LEAVE, 1, stream, WORKER_GROUP, consumer), null);
    },
  };
}

/** Waits for all, then rejects when one did. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
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
    ...['dlq_history', JSON.stringify(letter.past)],
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
