import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { streamName } from '@mailstream/shared/events/email-received';
import { redisErrorWord, redisFault } from '@mailstream/shared/runtime/redis';
import {
  addressOf,
  isCluster,
  primariesOf,
  type RedisClient,
} from '@mailstream/shared/runtime/redis-servers';
import type { StoreIdentity } from '../ports/stream.ts';
import { watermarkKey } from './redis-publisher.ts';

/**
 * `run_id` changes with every start of a server, `master_replid` when a replica becomes the primary, and in a cluster such a replica
 * has another address besides. An emptied database keeps them, but loses a marker that we left there and that is another one when
 * somebody leaves it again. What else never goes back by itself is looked at too, for keys that were deleted one by one: the
 * number of watermarks, the position of the global stream and the entries it ever had.
 */
export function createRedisIdentity(
  redis: RedisClient,
  /** Id of the last entry that this process appended to the global stream; `0-0` before the first. */
  lastAppended: () => string,
  /** Unlike any other ever. */
  newMarker: () => string = randomUUID,
): StoreIdentity {
  const stream = streamName('', false);
  const markerKey = `{${stream}}:marker`;
  /** A node of a cluster that is away for a moment has not thereby changed. */
  const runs: Record<string, string> = {};
  const look = async (): Promise<Seen> => {
    // Before the look at Redis: what was appended by then must be there.
    const appended = lastAppended();
    for (const server of primariesOf(redis))
      runs[isCluster(redis) ? addressOf(server) : ''] = await runOf(server);
    const marker = await readMarker(redis, markerKey, newMarker);
    const marks = await redis.hlen(watermarkKey(stream));
    const position = (await redis.exists(stream)) === 0 ? NOWHERE : await positionOf(redis, stream);
    return { runs, marker, marks, ...position, appended };
  };
  return {
    read: async () => {
      try {
        return JSON.stringify(await look());
      } catch (error) {
        throw redisFault(error);
      }
    },
    continues: (before, now) => {
      const [was, is] = [parse(before), parse(now)];
      return (
        Object.entries(is.runs).every(([address, run]) => was.runs[address] === run) &&
        was.marker === is.marker &&
        is.added >= was.added &&
        is.marks >= was.marks &&
        !isBelow(is.last, was.last) &&
        !isBelow(is.last, is.appended)
      );
    },
  };
}

interface Seen {
  /** By address in a cluster, else of the one server. */
  readonly runs: Readonly<Record<string, string>>;
  readonly marker: string;
  readonly marks: number;
  readonly last: string;
  readonly added: number;
  readonly appended: string;
}

async function runOf(server: Redis): Promise<string> {
  try {
    const ids = [
      /^run_id:(\S+)/m.exec(await server.info('server')),
      /^master_replid:(\S+)/m.exec(await server.info('replication')),
    ];
    return ids.map((id) => id?.[1] ?? '').join(' ');
  } catch (error) {
    // Where INFO is forbidden the rest has to do.
    if (redisErrorWord(error) === 'NOPERM') return '';
    throw error;
  }
}

const NOWHERE: Pick<Seen, 'last' | 'added'> = { last: '0-0', added: 0 };

function parse(text: string): Seen {
  return JSON.parse(text) as Seen;
}

async function readMarker(redis: RedisClient, key: string, newMarker: () => string): Promise<string> {
  const found = await redis.get(key);
  if (found !== null) return found;
  const own = newMarker();
  await redis.set(key, own, 'NX');
  // Another may have been first.
  return (await redis.get(key)) ?? own;
}

/** `entries-added` exists from Redis 7.0 on. */
async function positionOf(redis: RedisClient, stream: string): Promise<Pick<Seen, 'last' | 'added'>> {
  const reply = (await redis.xinfo('STREAM', stream)) as unknown[];
  const valueOf = (name: string): unknown => {
    const index = reply.indexOf(name);
    return index < 0 ? undefined : reply[index + 1];
  };
  const [last, added] = [valueOf('last-generated-id'), valueOf('entries-added')];
  return { last: typeof last === 'string' ? last : '0-0', added: Number(added ?? 0) };
}

function isBelow(a: string, b: string): boolean {
  const [aMs = '0', aSeq = '0'] = a.split('-');
  const [bMs = '0', bSeq = '0'] = b.split('-');
  return BigInt(aMs) < BigInt(bMs) || (aMs === bMs && BigInt(aSeq) < BigInt(bSeq));
}
