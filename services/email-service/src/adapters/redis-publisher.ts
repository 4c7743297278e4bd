/**
 * The Redis copy: one Lua script per entry, keys in the stream's hash slot, pipelined (DESIGN section 5, step 6).
 *
 * The watermark of a folder is the `publish_seq` of its last entry. Per entry, atomically:
 *   publish_seq ≤ watermark        → it is there already: skip
 *   watermark < the one before it  → something is missing (an append failed, Redis lost data): refuse, the folder recovers
 *   else                           → XADD, then set the watermark. XADD first: if it fails (-OOM) the mark must not move.
 * The script does not roll back, so the worst a half run can leave is an entry without its mark: a double, never a loss.
 */
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { streamName } from '@mailstream/shared/events/email-received';
import { redisErrorWord, redisFault } from '@mailstream/shared/runtime/redis';
import type { RedisClient } from '@mailstream/shared/runtime/redis-servers';
import type { FolderRef } from '../ports/leases.ts';
import type { EventPublisher, PublishOutcome, SequencedEntry } from '../ports/stream.ts';
import { locate, whereaboutsOf } from './redis-stream-search.ts';

const APPEND = `
local mark = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
local seq = tonumber(ARGV[2])
if seq <= mark then return {'duplicate'} end
if mark < tonumber(ARGV[3]) then return {'gap', tostring(mark)} end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4))
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return {'appended', id}`;

/** ioredis adds the command at run time; this is its type. */
type WithAppend = {
  mailstreamAppend(stream: string, marks: string, ...args: (string | number)[]): Promise<unknown>;
};

/**
 * A hundred entries in one go kept the event loop, and everything else that goes over the connection, for 20 to 40 ms: the entry of
 * another tenant waited behind them (issue 7).
 */
const ENTRIES_AT_ONCE = 16;

/** Key of the watermarks: the hash tag is the stream's whole name, which is what Redis hashes for the stream itself. */
export function watermarkKey(stream: string): string {
  return `{${stream}}:watermarks`;
}

/** Field of one folder in the watermark hash. */
export function watermarkField(folder: FolderRef): string {
  return `${folder.tenant}:${folder.id}:${folder.folder}`;
}

export function createRedisPublisher(
  redis: RedisClient,
  options: {
    readonly channelByTenant: boolean;
    /** Told of each entry appended. */
    readonly onAppended?: (entryId: string, stream: string) => void;
  },
): EventPublisher {
  redis.defineCommand('mailstreamAppend', { numberOfKeys: 2, lua: APPEND });
  const keys = (folder: FolderRef): { stream: string; marks: string } => {
    const stream = streamName(folder.tenant, options.channelByTenant);
    return { stream, marks: watermarkKey(stream) };
  };

  async function publishSome(
    folder: FolderRef,
    entries: readonly SequencedEntry[],
  ): Promise<readonly PublishOutcome[]> {
    const { stream, marks } = keys(folder);
    const pipeline = redis.pipeline();
    for (const { publishSeq, previousSeq, entry } of entries) {
      // Queued; the replies come with exec().
      void (pipeline as unknown as WithAppend).mailstreamAppend(
        stream,
        marks,
        watermarkField(folder),
        publishSeq,
        previousSeq,
        ...Object.entries(entry).flat(),
      );
    }
    let replies;
    try {
      replies = await pipeline.exec();
    } catch (error) {
      throw unavailable(error);
    }
    if (replies === null) throw unavailable(new Error('the pipeline was discarded'));
    const outcomes = entries.map((entry, index) => toOutcome(replies[index], entry));
    for (const outcome of outcomes)
      if (outcome.kind === 'appended') options.onAppended?.(outcome.entryId, stream);
    return outcomes;
  }

  return {
    async watermark(folder) {
      try {
        return Number((await redis.hget(keys(folder).marks, watermarkField(folder))) ?? 0);
      } catch (error) {
        throw unavailable(error);
      }
    },

    async whereabouts(folder, events) {
      if (events.length === 0) return { gone: new Set(), inHand: new Set() };
      const { stream } = keys(folder);
      try {
        const located = await locate(redis, stream, events);
        return await whereaboutsOf(redis, stream, located);
      } catch (error) {
        throw unavailable(error);
      }
    },

    async publish(folder, entries) {
      const outcomes: PublishOutcome[] = [];
      for (let next = 0; next < entries.length; next += ENTRIES_AT_ONCE)
        outcomes.push(...(await publishSome(folder, entries.slice(next, next + ENTRIES_AT_ONCE))));
      return outcomes;
    },
  };
}

/** @throws FaultError when this entry's outcome is unknown or it was refused by Redis itself. */
function toOutcome(reply: [Error | null, unknown] | undefined, entry: SequencedEntry): PublishOutcome {
  const [error, value] = reply ?? [new Error('no reply'), null];
  if (error !== null) throw unavailable(error);
  const [kind, detail] = Array.isArray(value) ? value.map(String) : [];
  if (kind === 'duplicate') return { kind };
  if (kind === 'gap') return { kind, watermark: Number(detail) };
  if (kind === 'appended' && detail !== undefined) return { kind, entryId: detail };
  throw unavailable(new Error(`unexpected reply for publish_seq ${entry.publishSeq}`));
}

/** An answer that nobody expects (a key of another type) is not the messages' fault: they wait until somebody mends it. */
function unavailable(error: unknown): FaultError {
  const found = redisFault(error);
  if (found.fault.kind === 'transient') return found;
  // Redis repeats arguments in some errors: only the error's first word leaves this file.
  const detail = `Redis did not take the entry (${redisErrorWord(error) ?? 'error'})`;
  return new FaultError({ kind: 'transient', code: 'REDIS_UNAVAILABLE', detail }, error);
}
