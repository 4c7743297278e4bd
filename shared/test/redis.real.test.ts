import { closeRedis, createRedis, redisErrorWord, redisFault } from '@mailstream/shared/runtime/redis';
import { createLogger } from '@mailstream/shared/runtime/logger';
import type { RedisClient } from '@mailstream/shared/runtime/redis-servers';
import { useRedis } from '@mailstream/shared/testing/fixtures';
import { openTcpLink, throughLink, type TcpLink } from '@mailstream/shared/testing/tcp-link';
import { afterEach, expect, it } from 'vitest';

const server = await useRedis();
const target = { host: new URL(server.url).hostname, port: Number(new URL(server.url).port) };
const cleanUp: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

async function open(
  options: { blockMs?: number } = {},
): Promise<{ redis: RedisClient; link: TcpLink; logged: string[] }> {
  const link = await openTcpLink(target);
  cleanUp.push(() => link.close());
  const logged: string[] = [];
  const redis = createRedis({
    url: throughLink(server.url, link),
    name: 'test connection',
    log: createLogger({
      service: 't',
      level: 'debug',
      pretty: false,
      destination: { write: (line) => void logged.push(line) },
    }),
    ...options,
  });
  cleanUp.push(() => closeRedis(redis));
  await once(redis, 'ready');
  return { redis, link, logged };
}

/** Unlike `events.once` it does not reject on an error, which is expected here. */
const once = (redis: RedisClient, event: string): Promise<void> =>
  new Promise((resolve) => {
    redis.once(event, () => resolve());
  });

const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => redisFault(error).fault.code,
  );

it('fails at once while Redis is away, connects again by itself, and logs the change once', async () => {
  const { redis, link, logged } = await open();
  await link.refuse();
  await expect.poll(() => redis.status, { timeout: 20_000 }).not.toBe('ready');
  const began = performance.now();
  expect(await rejection(redis.get('x'))).toBe('REDIS_UNAVAILABLE');
  expect(performance.now() - began).toBeLessThan(2_000);
  await once(redis, 'reconnecting');
  await once(redis, 'reconnecting');
  await link.accept();
  await once(redis, 'ready');
  expect(await redis.ping()).toBe('PONG');
  expect(logged.filter((line) => line.includes('"level":"warn"')).length).toBeLessThanOrEqual(1);
});

it('rejects what was in flight when the link goes, and never sends it again', async () => {
  const { redis, link } = await open();
  link.intercept((piece) => (piece.includes('incr') ? 'deliver-and-drop' : 'pass'));
  expect(await rejection(redis.incr('once'))).toBe('REDIS_UNAVAILABLE');
  link.intercept(null);
  await once(redis, 'ready');
  await expect.poll(() => redis.get('once'), { timeout: 20_000 }).toBe('1');
});

it('gives up on a link that is half open', async () => {
  const { redis, link } = await open();
  link.freeze();
  expect(await rejection(redis.get('x'))).toBe('REDIS_UNAVAILABLE');
  link.cut();
  link.thaw();
  await once(redis, 'ready');
  expect(await redis.ping()).toBe('PONG');
}, 20_000);

it('lets a blocking read wait its time', async () => {
  const { redis } = await open({ blockMs: 6_000 });
  expect(await redis.xread('BLOCK', 5_500, 'STREAMS', 'absent', '$')).toBeNull();
}, 20_000);

it('knows a full Redis and a read-only one, also from the words of older versions inside a script', () => {
  const answer = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });
  const fault = (message: string): string => redisFault(answer(message)).fault.code;
  expect(fault("OOM command not allowed when used memory > 'maxmemory'.")).toBe('REDIS_FULL');
  expect(
    fault(
      "ERR Error running script (call to f_1a2b): @user_script:6: @user_script: 6: -OOM command not allowed when used memory > 'maxmemory'.",
    ),
  ).toBe('REDIS_FULL');
  expect(fault("READONLY You can't write against a read only replica.")).toBe('REDIS_UNAVAILABLE');
  expect(fault('MISCONF Errors writing to the AOF file: No space left on device')).toBe('REDIS_UNAVAILABLE');
  expect(fault('LOADING Redis is loading the dataset in memory')).toBe('REDIS_UNAVAILABLE');
  expect(fault('BUSY Redis is busy running a script.')).toBe('REDIS_UNAVAILABLE');
  for (const answer of [
    'MOVED 1 10.0.0.1:6379',
    'ASK 1 10.0.0.1:6379',
    'TRYAGAIN Multiple keys',
    'CLUSTERDOWN Hash slot not served',
    'MASTERDOWN Link with MASTER is down',
    'NOREPLICAS Not enough good replicas',
  ])
    expect(fault(answer)).toBe('REDIS_UNAVAILABLE');
});

it('tells an answer of Redis from silence', async () => {
  const { redis } = await open();
  await redis.set('text', 'x');
  const wrong = await redis.lpush('text', 'y').then(
    () => null,
    (error: unknown) => error,
  );
  expect(redisErrorWord(wrong)).toBe('WRONGTYPE');
  expect(redisFault(wrong).fault).toMatchObject({ kind: 'bug', code: 'INTERNAL' });
  expect(redisErrorWord(new Error('Connection is closed.'))).toBeNull();
});

it('closes in every state without hanging', async () => {
  const { redis, link } = await open();
  await link.refuse();
  await closeRedis(redis);
  await closeRedis(redis);
  const never = createRedis({
    url: throughLink(server.url, link),
    name: 'never',
    log: createLogger({ service: 't', level: 'silent' }),
  });
  await closeRedis(never);
  const later = createRedis({
    url: throughLink(server.url, link),
    name: 'later',
    log: createLogger({ service: 't', level: 'silent' }),
  });
  await once(later, 'reconnecting');
  await closeRedis(later);
});
