/** What is measured of a stream, and what is trimmed of it, against a real Redis. Ids in the past stand for entries that are old. */
import { Redis } from 'ioredis';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { WORKER_GROUP } from '@mailstream/shared/events/email-received';
import { useRedis } from '@mailstream/shared/testing/fixtures';
import { createRedisStreamGauge } from '../src/adapters/redis-stream-gauge.ts';

const { url } = await useRedis();
const redis = new Redis(url);
const gauge = createRedisStreamGauge(redis);
const stream = 'workflow:events:global';
const MINUTE_MS = 60_000;

afterAll(() => redis.disconnect());
beforeEach(() => redis.flushdb());

/** Entries so many minutes old, the oldest first. */
async function add(...agesMinutes: readonly number[]): Promise<void> {
  const now = await nowMs();
  for (const age of agesMinutes) await redis.xadd(stream, `${now - age * MINUTE_MS}-0`, 'age', age);
}

async function nowMs(): Promise<number> {
  return Number((await redis.time())[0]) * 1000;
}

async function ages(): Promise<readonly number[]> {
  return (await redis.xrange(stream, '-', '+')).map(([, fields]) => Number(fields[1]));
}

async function group(name: string, from = '0'): Promise<void> {
  await redis.xgroup('CREATE', stream, name, from, 'MKSTREAM');
}

async function read(name: string, count: number): Promise<readonly string[]> {
  const reply = (await redis.xreadgroup('GROUP', name, 'c', 'COUNT', count, 'STREAMS', stream, '>')) as
    [string, [string, string[]][]][] | null;
  return (reply?.[0]?.[1] ?? []).map(([id]) => id);
}

async function acknowledge(name: string, count: number): Promise<void> {
  await redis.xack(stream, name, ...(await read(name, count)));
}

async function fill(): Promise<unknown> {
  return (await gauge.measure([stream])).get(stream);
}

describe('trimming', () => {
  it('removes what every group acknowledged, but for the hour before that', async () => {
    await add(300, 200, 130, 90, 70, 5);
    await group(WORKER_GROUP);
    await acknowledge(WORKER_GROUP, 5);
    expect(await gauge.trim(stream)).toBe(2);
    expect(await ages()).toEqual([130, 90, 70, 5]);
    expect(await gauge.trim(stream)).toBe(0);
  });

  it('removes nothing of the last hour, however fast it was acknowledged', async () => {
    await add(59, 30, 0);
    await group(WORKER_GROUP);
    await acknowledge(WORKER_GROUP, 3);
    expect(await gauge.trim(stream)).toBe(0);
  });

  it.each<[string, () => Promise<void>]>([
    ['without a group', async () => undefined],
    ['without the worker’s group', async () => (await group('reports'), acknowledge('reports', 9))],
    [
      'while another group has read nothing',
      async () => {
        await group(WORKER_GROUP);
        await acknowledge(WORKER_GROUP, 9);
        await group('reports');
      },
    ],
    [
      'while the oldest entry is pending in another group',
      async () => {
        await group(WORKER_GROUP);
        await acknowledge(WORKER_GROUP, 9);
        await group('reports');
        await read('reports', 1);
        await acknowledge('reports', 9);
      },
    ],
    [
      'after the worker’s group was set back',
      async () => {
        await group(WORKER_GROUP);
        await acknowledge(WORKER_GROUP, 9);
        await redis.xgroup('SETID', stream, WORKER_GROUP, '0');
      },
    ],
  ])('removes nothing %s', async (_when, prepare) => {
    await add(500, 400, 300, 0);
    await prepare();
    expect(await gauge.trim(stream)).toBe(0);
    expect(await ages()).toEqual([500, 400, 300, 0]);
  });

  it('goes up to the oldest pending entry, and on when the group that held it is removed', async () => {
    await add(500, 400, 300, 200, 0);
    await group(WORKER_GROUP);
    await acknowledge(WORKER_GROUP, 9);
    await group('reports');
    await acknowledge('reports', 2);
    await read('reports', 9);
    expect(await gauge.trim(stream)).toBe(2);
    expect(await ages()).toEqual([300, 200, 0]);
    await redis.xgroup('DESTROY', stream, 'reports');
    expect(await gauge.trim(stream)).toBe(2);
    expect(await ages()).toEqual([0]);
  });

  it('removes many in several statements, and the same by two at once', async () => {
    const old = (await nowMs()) - 600 * MINUTE_MS;
    const pipeline = redis.pipeline();
    for (let n = 0; n < 25_000; n += 1) pipeline.xadd(stream, `${old}-${n}`, 'age', 600);
    await pipeline.exec();
    await add(0);
    await group(WORKER_GROUP);
    await acknowledge(WORKER_GROUP, 30_000);
    const [one, two] = await Promise.all([gauge.trim(stream), gauge.trim(stream)]);
    expect(one + two).toBe(25_000);
    expect(await ages()).toEqual([0]);
  });

  it('leaves streams alone that are not there', async () => {
    expect(await gauge.trim(stream)).toBe(0);
    expect(await redis.exists(stream)).toBe(0);
  });
});

describe('the backlog', () => {
  it('is everything without a group, and nothing of a stream that is not there', async () => {
    expect(await fill()).toEqual({ length: 0, backlog: 0, slowestGroup: null });
    await add(3, 2, 1);
    expect(await fill()).toEqual({ length: 3, backlog: 3, slowestGroup: null });
  });

  it('counts unread and pending entries of the slowest group', async () => {
    await add(5, 4, 3, 2, 1);
    await group(WORKER_GROUP);
    await group('reports');
    await acknowledge(WORKER_GROUP, 4);
    await acknowledge('reports', 1);
    await read('reports', 2);
    expect(await fill()).toEqual({ length: 5, backlog: 4, slowestGroup: 'reports' });
  });

  it('is careful where Redis knows no lag, and right again once the group is at the end', async () => {
    await add(5, 4, 3, 2, 1);
    const [, , third] = await redis.xrange(stream, '-', '+');
    await group(WORKER_GROUP);
    await acknowledge(WORKER_GROUP, 1);
    await redis.xdel(stream, third?.[0] ?? '');
    expect(await fill()).toEqual({ length: 4, backlog: 4, slowestGroup: WORKER_GROUP });
    await acknowledge(WORKER_GROUP, 9);
    expect(await fill()).toEqual({ length: 4, backlog: 0, slowestGroup: WORKER_GROUP });
  });

  it('stays right after trimming, also for a group that is made then', async () => {
    await add(500, 400, 0);
    await group(WORKER_GROUP);
    await acknowledge(WORKER_GROUP, 3);
    expect(await gauge.trim(stream)).toBe(2);
    expect(await fill()).toEqual({ length: 1, backlog: 0, slowestGroup: WORKER_GROUP });
    await group('late');
    expect(await fill()).toEqual({ length: 1, backlog: 1, slowestGroup: 'late' });
  });
});
