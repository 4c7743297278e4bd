/** Ends a read that waits: every connection of the reading client is told by its number, over another client. */
import type { Redis } from 'ioredis';
import { addressOf, isCluster, type RedisClient } from '@mailstream/shared/runtime/redis-servers';

/** @returns what ends the wait of `reader`; never rejects, as it only speeds up what the block time does anyway. */
export function createWake(reader: RedisClient, other: RedisClient): () => Promise<void> {
  /** Numbers of the reader's connections, by node of a cluster. */
  const ids = new Map<string, number>();
  const watch = (address: string, connection: Redis): void => {
    connection.on('ready', () => {
      connection.client('ID').then(
        (id) => ids.set(address, id),
        () => ids.delete(address),
      );
    });
    connection.on('close', () => ids.delete(address));
  };
  if (isCluster(reader)) reader.on('+node', (node: Redis) => watch(addressOf(node), node));
  else watch('', reader);
  return async () => {
    const servers = isCluster(other) ? other.nodes() : [other];
    const unblocked = servers.map(async (server) => {
      const id = ids.get(isCluster(other) ? addressOf(server) : '');
      if (id !== undefined) await server.call('CLIENT', 'UNBLOCK', id, 'TIMEOUT');
    });
    await Promise.allSettled(unblocked);
  };
}
