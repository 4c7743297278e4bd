/** Which server of Redis answers for a key: one and the same for all keys, or of a Redis Cluster the one that has the key's slot. */
import { Cluster, type Redis } from 'ioredis';

/** One server, the primary that Sentinel names, or a Redis Cluster. */
export type RedisClient = Redis | Cluster;

const SLOTS = 16_384;

export function isCluster(redis: RedisClient): redis is Cluster {
  return redis instanceof Cluster;
}

/** Of these keys the first one on each server. */
export function onePerServer(redis: RedisClient, keys: readonly string[]): readonly string[] {
  if (!isCluster(redis)) return keys.slice(0, 1);
  return [...firstKeys(redis, keys).values()];
}

/**
 * Every server that has one of these keys. A node that was away is known again after a command for one of its keys.
 * @throws Error while one of them is not connected.
 */
export function serversOf(redis: RedisClient, keys: readonly string[]): readonly Redis[] {
  if (!isCluster(redis)) return [redis];
  const primaries = new Map(redis.nodes('master').map((server) => [addressOf(server), server]));
  return [...firstKeys(redis, keys).keys()].map((address) => {
    const server = primaries.get(address);
    if (server === undefined) throw new Error('the node of a slot is not connected');
    return server;
  });
}

function firstKeys(cluster: Cluster, keys: readonly string[]): ReadonlyMap<string, string> {
  const byAddress = new Map<string, string>();
  for (const key of keys) {
    const address = cluster.slots[slotOf(key)]?.[0] ?? '';
    if (!byAddress.has(address)) byAddress.set(address, key);
  }
  return byAddress;
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
