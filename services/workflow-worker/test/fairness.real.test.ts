/** A flood of one tenant: nobody else waits for it, several workers share it, and it is gone through in order. */
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { afterEach, expect, it } from 'vitest';
import { anEntry } from './emails.ts';
import { startWorker, workerEnvironment, type RunningWorker } from './worker-fixture.ts';
import { STREAM, useWorld } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const workers: RunningWorker[] = [];
const FLOOD = 6_000;

async function worker(change: Readonly<Record<string, string>> = {}): Promise<RunningWorker> {
  const urls = { database: db.url, redis: redis.url };
  const started = await startWorker(workerEnvironment(urls, change));
  workers.push(started);
  return started;
}

afterEach(async () => {
  for (const running of workers.splice(0)) expect(await running.stop()).toEqual([]);
  await world.redis.flushdb();
});

async function flood(tenant: { readonly tenant: string; readonly providerId: string }): Promise<void> {
  for (let uid = 1; uid <= FLOOD; uid += 1_000)
    await world.publish(
      Array.from({ length: 1_000 }, (_, index) => anEntry({ ...tenant, uid: uid + index })),
    );
}

const countOf = async (tenant: string): Promise<number> => (await world.comments(tenant)).length;

it('of one tenant does not hold up another one behind it', async () => {
  const [noisy, quiet] = [await world.newMailbox(), await world.newMailbox()];
  await flood(noisy);
  await world.publish([anEntry({ ...quiet, uid: 1 })]);
  await worker();
  await expect.poll(() => countOf(quiet.tenant), { timeout: 20_000, interval: 5 }).toBe(1);
  const ahead = await countOf(noisy.tenant);
  expect(ahead).toBeLessThan(FLOOD / 10);
  // The same for one that comes in the middle of it.
  await world.publish([anEntry({ ...quiet, uid: 2 })]);
  await expect.poll(() => countOf(quiet.tenant), { timeout: 20_000, interval: 5 }).toBe(2);
  expect((await countOf(noisy.tenant)) - ahead).toBeLessThan(FLOOD / 20);
});

it('is shared by a worker that comes later, and none of it is done twice', async () => {
  const noisy = await world.newMailbox();
  await flood(noisy);
  await worker();
  const pending = async (): Promise<readonly number[]> => {
    const consumers = (await world.redis.call(
      'XINFO',
      'CONSUMERS',
      STREAM,
      'workflow-workers',
    )) as unknown[][];
    return consumers.map((one) => Number(one[one.indexOf('pending') + 1]));
  };
  const all = async (): Promise<number> => (await pending()).reduce((sum, count) => sum + count, 0);
  // It has read everything, so there is nothing left to read for another.
  await expect
    .poll(async () => (await all()) + (await countOf(noisy.tenant)), { timeout: 20_000 })
    .toBeGreaterThanOrEqual(FLOOD);
  await worker();
  await expect
    .poll(async () => (await pending()).filter((count) => count > 200).length, { timeout: 20_000 })
    .toBe(2);
  const done = await countOf(noisy.tenant);
  await expect.poll(() => countOf(noisy.tenant), { timeout: 20_000 }).toBeGreaterThan(done + 100);
  const comments = await world.comments(noisy.tenant);
  expect(new Set(comments).size).toBe(comments.length);
});
