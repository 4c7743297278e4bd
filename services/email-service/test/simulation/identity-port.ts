/** What the store watch reads: PostgreSQL's start, and Redis through the real adapter on a modelled connection. */
import { createRedisIdentity } from '../../src/adapters/redis-identity.ts';
import type { StoreIdentity } from '../../src/ports/stream.ts';
import type { PublisherContext } from './publisher-port.ts';

type IdentityContext = Pick<PublisherContext, 'process' | 'network' | 'postgres' | 'redis'>;

export function createPostgresIdentity({ process, network, postgres }: IdentityContext): StoreIdentity {
  return {
    // Each start of the server is a new generation of its connections.
    read: () => network.call(process, postgres.link, 'started', () => String(postgres.link.generation)),
    continues: (before, now) => before === now,
  };
}

export function createRedisIdentityPort(
  context: IdentityContext,
  lastAppended: () => string,
  newMarker: () => string,
): StoreIdentity {
  const { process, network, redis } = context;
  const call = <T>(name: string, effect: () => T): Promise<T> =>
    network.call(process, redis.link, name, effect);
  const connection = {
    info: () => call('INFO', () => `run_id:${redis.runId}\r\n`),
    get: () => call('GET', () => redis.state.marker),
    set: (_key: string, value: string) =>
      call('SET NX', () => {
        if (redis.isFull && redis.state.marker === null) throw new Error('OOM');
        redis.state.marker ??= value;
      }),
    hlen: () => call('HLEN', () => redis.state.watermarks.size),
    exists: () => call('EXISTS', () => (redis.state.added > 0 || redis.state.group !== null ? 1 : 0)),
    xinfo: () =>
      call('XINFO', () => [
        'last-generated-id',
        `${redis.state.lastId}-0`,
        'entries-added',
        redis.state.added,
      ]),
  };
  return createRedisIdentity(
    connection as unknown as Parameters<typeof createRedisIdentity>[0],
    lastAppended,
    newMarker,
  );
}
