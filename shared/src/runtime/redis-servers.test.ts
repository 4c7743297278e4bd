import type { Cluster } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';
import { closeRedis, createRedis, redisFault } from './redis.ts';
import { primariesOf, serversOf, slotOf } from './redis-servers.ts';

describe('slot of a key', () => {
  it.each([
    ['123456789', 0x31c3],
    ['', 0],
    ['{user1000}.following', slotOf('user1000')],
    ['foo{bar}{zap}', slotOf('bar')],
    ['foo{{bar}}zap', slotOf('{bar')],
    ['{workflow:events:global}:watermarks', slotOf('workflow:events:global')],
  ])('%j is %i', (key, slot) => expect(slotOf(key)).toBe(slot));

  it('is that of the whole key where nothing stands in the first braces, or they do not close', () => {
    expect(new Set(['foo{}{bar}', 'foo{bar', 'bar'].map(slotOf)).size).toBe(3);
  });
});

describe('a cluster that cannot be reached', () => {
  it('rejects everything at once, before the first connection and between attempts', async () => {
    const cluster = createRedis({
      url: 'redis+cluster://127.0.0.1:1,127.0.0.1:2',
      name: 'nowhere',
      log: createLogger({ service: 't', level: 'silent' }),
    }) as Cluster;
    const codeOf = (work: Promise<unknown>): Promise<string> =>
      work.then(String, (error: unknown) => redisFault(error).fault.code);
    const attempts = async (): Promise<void> => {
      const began = performance.now();
      expect(await codeOf(cluster.get('x'))).toBe('REDIS_UNAVAILABLE');
      expect(await codeOf(cluster.pipeline().get('x').exec())).toBe('REDIS_UNAVAILABLE');
      const copy = cluster.duplicate();
      copy.on('error', () => undefined);
      expect(await codeOf(copy.get('x'))).toBe('REDIS_UNAVAILABLE');
      await closeRedis(copy);
      expect(performance.now() - began).toBeLessThan(1_000);
    };
    await attempts();
    expect(() => serversOf(cluster, ['x'])).toThrow('not connected');
    expect(() => primariesOf(cluster)).toThrow('no connection');
    await expect.poll(() => cluster.status).toBe('reconnecting');
    await attempts();
    await closeRedis(cluster);
  });
});
