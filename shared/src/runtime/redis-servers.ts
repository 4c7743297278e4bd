/** Which server of Redis answers for a key: one and the same for all keys, or of a Redis Cluster the one that has the key's slot. */
import { Cluster, type Redis } from 'ioredis';

/** One server, the primary that Sentinel names, or a Redis Cluster. */
export type RedisClient = Redis | Cluster;

const SLOTS = 16_384;

export function isCluster(redis: RedisClient): redis is Cluster {
  return redis instanceof Cluster;
}

/**
 * Every server that has one of these keys, once, with the first of its keys.
 * @throws Error while the cluster is not known.
 */
export function serversOf(
  redis: RedisClient,
  keys: readonly string[],
): readonly { readonly server: Redis; readonly key: string }[] {
  const [first] = keys;
  if (first === undefined) return [];
  if (!isCluster(redis)) return [{ server: redis, key: first }];
  const firstKeys = new Map<string, string>();
  for (const key of keys) {
    const address = redis.slots[slotOf(key)]?.[0] ?? '';
    if (!firstKeys.has(address)) firstKeys.set(address, key);
  }
  const primaries = new Map(redis.nodes('master').map((server) => [addressOf(server), server]));
  return [...firstKeys].map(([address, key]) => {
    const server = primaries.get(address);
    if (server === undefined) throw new Error('the node of a slot is not connected');
    return { server, key };
  });
}

/**
 * All servers that take writes, as far as they are known.
 * @throws Error while the cluster is not known.
 */
export function primariesOf(redis: RedisClient): readonly Redis[] {
  if (!isCluster(redis)) return [redis];
  const primaries = redis.nodes('master');
  if (redis.status !== 'ready' || primaries.length === 0)
    throw new Error('there is no connection to the cluster');
  return primaries;
}

/** `host:port`, as the cluster names its nodes. */
export function addressOf(server: Redis): string {
  return `${server.options.host}:${server.options.port}`;
}

/** What stands in the first pair of braces is hashed, and without one the whole key. */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  return crc16(Buffer.from(hashed)) % SLOTS;
}

/** CRC-16/XMODEM, which Redis Cluster is specified with. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1)
      crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc;
}
