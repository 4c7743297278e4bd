import { useDatabase } from '@mailstream/shared/testing/fixtures';
import { useOwnRedis } from '@mailstream/shared/testing/own-servers';
import { openTcpLink, throughLink, type TcpLink } from '@mailstream/shared/testing/tcp-link';
import { WORKER_GROUP } from '@mailstream/shared/events/email-received';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { anEntry } from './emails.ts';
import { spawnWorker, startWorker, workerEnvironment, type RunningWorker } from './worker-fixture.ts';
import { STREAM, useWorld, type Mailbox } from './world.ts';

const db = await useDatabase();
const redisServer = await useOwnRedis();
const redisUrl = redisServer.server.url;
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl });
const toDatabase = await openTcpLink(targetOf(db.url));
const toRedis = await openTcpLink(targetOf(redisUrl));
const urls = { database: throughLink(db.url, toDatabase), redis: throughLink(redisUrl, toRedis) };
const workers: RunningWorker[] = [];

function targetOf(url: string): { host: string; port: number } {
  return { host: new URL(url).hostname, port: Number(new URL(url).port) };
}

async function worker(change: Readonly<Record<string, string>> = {}, through = urls): Promise<RunningWorker> {
  const started = await startWorker(workerEnvironment(through, change));
  workers.push(started);
  return started;
}

/** Of `count` messages each is there once. */
async function expectEachOnce({ tenant }: Mailbox, count: number): Promise<void> {
  await expect
    .poll(async () => (await world.comments(tenant)).toSorted(), { timeout: 30_000, interval: 50 })
    .toEqual(Array.from({ length: count }, (_, index) => `<${index + 1}@example.org>`).toSorted());
}

const entriesOf = (mailbox: Mailbox, from: number, to: number): ReturnType<typeof anEntry>[] =>
  Array.from({ length: to - from + 1 }, (_, index) => anEntry({ ...mailbox, uid: from + index }));

/** Runs `action` when a piece with `word` passes the link, and lets the piece have `verdict`; once. */
function whenSeen(link: TcpLink, word: string, verdict: 'pass' | 'drop', action: () => void): void {
  link.intercept((piece) => {
    if (!piece.includes(word)) return 'pass';
    link.intercept(null);
    action();
    return verdict;
  });
}

beforeAll(() => expect(world.redis.ping()).resolves.toBe('PONG'));

afterEach(async () => {
  for (const link of [toDatabase, toRedis]) link.intercept(null);
  for (const running of workers.splice(0)) await running.stop();
  await world.redis.flushall();
});

afterAll(async () => {
  await toDatabase.close();
  await toRedis.close();
});

it('has one effect when the worker is killed between the commit and the acknowledgement', async () => {
  const mailbox = await world.newMailbox();
  for (const word of ['xack', 'COMMIT'] as const) {
    const child = spawnWorker(workerEnvironment(urls));
    const link = word === 'xack' ? toRedis : toDatabase;
    const uid = word === 'xack' ? 1 : 2;
    const seen = new Promise<void>((resolve) => {
      const arm = (): void =>
        link.intercept((piece) => {
          if (!piece.includes(word)) return 'pass';
          // Before COMMIT reaches PostgreSQL in the second round; transactions of discovery are not meant.
          link.intercept(null);
          child.kill('SIGKILL');
          resolve();
          return 'drop';
        });
      if (word === 'xack') arm();
      else whenSeen(toDatabase, 'ticket_comments', 'pass', arm);
    });
    await world.publish([anEntry({ ...mailbox, uid })]);
    await seen;
    await child.gone;
    const committed = await world.comments(mailbox.tenant);
    expect(committed).toHaveLength(1);
    const pending = (await world.redis.xpending(STREAM, WORKER_GROUP)) as unknown[];
    expect(pending[0]).toBe(1);
    const next = await worker();
    await world.settled();
    await expectEachOnce(mailbox, uid);
    await next.stop();
  }
});

it('gives up on an entry that kills its worker each time, and blames no other', async () => {
  const mailbox = await world.newMailbox();
  const killer = anEntry({ ...mailbox, uid: 1, email: { subject: 'kill-the-worker' } });
  await world.publish([killer, ...entriesOf(mailbox, 2, 6)]);
  const dead = (): Promise<number> => world.redis.xlen(`${STREAM}:dlq`);
  for (let round = 0; (await dead()) === 0; round += 1) {
    expect(round).toBeLessThan(8);
    const child = spawnWorker(workerEnvironment(urls, { WORKER_MAX_ATTEMPTS: '3' }));
    toDatabase.intercept((piece) => {
      if (!piece.includes('kill-the-worker')) return 'pass';
      child.kill('SIGKILL');
      return 'drop';
    });
    // Either it kills this worker too, or this one buries it.
    let isGone = false;
    void child.gone.then(() => (isGone = true));
    await expect.poll(async () => isGone || (await dead()) === 1, { timeout: 20_000 }).toBe(true);
    child.kill('SIGTERM');
    await child.gone;
  }
  const [letter] = await world.redis.xrange(`${STREAM}:dlq`, '-', '+');
  expect(letter?.[1]).toEqual(expect.arrayContaining([killer.event_id, 'WORKER_KILLED']));
  toDatabase.intercept(null);
  await worker();
  await world.settled();
  expect((await world.comments(mailbox.tenant)).toSorted()).toEqual([
    '<2@example.org>',
    '<3@example.org>',
    '<4@example.org>',
    '<5@example.org>',
    '<6@example.org>',
  ]);
}, 120_000);

it('keeps a dead letter also where the database is too slow for it at first', async () => {
  const mailbox = await world.newMailbox();
  const owner = new pg.Client({ connectionString: db.ownerUrl });
  // What others do looks the same throughout a transaction.
  const observer = new pg.Client({ connectionString: db.ownerUrl });
  await Promise.all([owner.connect(), observer.connect()]);
  try {
    await owner.query('BEGIN');
    await owner.query('LOCK TABLE tickets, dead_letters IN ACCESS EXCLUSIVE MODE');
    await worker({
      WORKER_HANDLING_DEADLINE_MS: '1000',
      WORKER_VISIBILITY_MS: '3000',
      WORKER_MAX_ATTEMPTS: '1',
    });
    await world.publish(entriesOf(mailbox, 1, 3));
    // More transactions than there are attempts: letters were held up, given up, and tried again.
    const heldUp = new Set<string>();
    const seen = async (): Promise<number> => {
      const { rows } = await observer.query<{ held: string }>(
        `SELECT pid || ' ' || xact_start AS held FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%dead_letters%'`,
      );
      for (const { held } of rows) heldUp.add(held);
      return heldUp.size;
    };
    await expect.poll(seen, { timeout: 30_000, interval: 20 }).toBeGreaterThan(4);
    await owner.query('COMMIT');
  } finally {
    await Promise.all([owner.end(), observer.end()]);
  }
  await expect.poll(() => world.redis.xlen(`${STREAM}:dlq`), { timeout: 30_000, interval: 50 }).toBe(3);
  const letters = await world.query<{ detail: string }>('SELECT detail FROM dead_letters WHERE tenant = $1', [
    mailbox.tenant,
  ]);
  expect(letters.map(({ detail }) => detail)).toEqual(
    Array.from({ length: 3 }, () => '1 attempt failed: the database did not answer in time'),
  );
});

it('makes the group anew, from the first entry, when Redis came back empty', async () => {
  const mailbox = await world.newMailbox();
  await worker();
  await world.publish(entriesOf(mailbox, 1, 3));
  await expectEachOnce(mailbox, 3);
  await world.redis.flushall();
  // As the daemon's reconciliation does: what it cannot know to be processed, and what is new.
  await world.publish(entriesOf(mailbox, 2, 6));
  await expectEachOnce(mailbox, 6);
  await redisServer.kill();
  await redisServer.start();
  await expect.poll(() => world.redis.status, { timeout: 20_000 }).toBe('ready');
  await world.publish(entriesOf(mailbox, 7, 8));
  await expectEachOnce(mailbox, 8);
  await world.settled();
});

it('waits for a database that is away, loses nothing and blames no message', async () => {
  const mailbox = await world.newMailbox();
  await worker({ WORKER_MAX_ATTEMPTS: '1' });
  await world.publish(entriesOf(mailbox, 1, 20));
  await expectEachOnce(mailbox, 20);
  await toDatabase.refuse();
  await world.publish(entriesOf(mailbox, 21, 60));
  const pending = async (): Promise<unknown> =>
    ((await world.redis.xpending(STREAM, WORKER_GROUP)) as unknown[])[0];
  await expect.poll(pending, { timeout: 20_000 }).toBeGreaterThan(0);
  await toDatabase.accept();
  await expectEachOnce(mailbox, 60);
  // Cut in the middle of the work, again and again.
  await world.publish(entriesOf(mailbox, 61, 160));
  for (let cut = 0; cut < 10; cut += 1) {
    const before = (await world.comments(mailbox.tenant)).length;
    if (before === 160) break;
    await expect
      .poll(async () => (await world.comments(mailbox.tenant)).length, { timeout: 20_000, interval: 5 })
      .toBeGreaterThan(before);
    toDatabase.cut();
  }
  await expectEachOnce(mailbox, 160);
  await world.settled();
  expect(await world.redis.xlen(`${STREAM}:dlq`)).toBe(0);
});

it('goes on where it was when the link to Redis is cut again and again', async () => {
  const mailbox = await world.newMailbox();
  await worker();
  await world.publish(entriesOf(mailbox, 1, 300));
  for (let cut = 0; cut < 8; cut += 1) {
    const before = (await world.comments(mailbox.tenant)).length;
    if (before === 300) break;
    await expect
      .poll(async () => (await world.comments(mailbox.tenant)).length, { timeout: 10_000, interval: 5 })
      .toBeGreaterThan(before);
    toRedis.cut();
  }
  await expectEachOnce(mailbox, 300);
  await world.settled();
});

it('takes over what a worker that hangs has in hand, and that one does no harm when it goes on', async () => {
  const mailbox = await world.newMailbox();
  const hanging = spawnWorker(workerEnvironment(urls));
  const stopped = new Promise<void>((resolve) =>
    whenSeen(toDatabase, 'ticket_comments', 'pass', () => {
      hanging.kill('SIGSTOP');
      resolve();
    }),
  );
  await world.publish(entriesOf(mailbox, 1, 50));
  await stopped;
  // Its transaction is open and holds the tenant's counter: PostgreSQL ends it only after a minute, so that link is cut.
  const other = { database: db.url, redis: redisUrl };
  toDatabase.cut();
  await worker({}, other);
  await expectEachOnce(mailbox, 50);
  hanging.kill('SIGCONT');
  await world.publish(entriesOf(mailbox, 51, 60));
  await expectEachOnce(mailbox, 60);
  await world.settled();
  hanging.kill('SIGTERM');
  await hanging.gone;
  expect(hanging.exitCode).toBe(0);
});

it('finishes what has begun when it is stopped, and hands the rest over', async () => {
  const mailbox = await world.newMailbox();
  await world.publish(entriesOf(mailbox, 1, 400));
  // One slot: few entries in hand, so that they fit into the time a stop has on a busy machine as well.
  const first = await worker({ WORKER_CONCURRENCY: '1' });
  await expect
    .poll(async () => (await world.comments(mailbox.tenant)).length, { timeout: 20_000, interval: 5 })
    .toBeGreaterThan(10);
  expect(await first.stop()).toEqual([]);
  const done = (await world.comments(mailbox.tenant)).length;
  expect(done).toBeLessThan(400);
  // Nobody waits for the visibility to pass.
  const next = await worker({ WORKER_VISIBILITY_MS: '3600000' });
  await expectEachOnce(mailbox, 400);
  await world.settled();
  expect(await next.stop()).toEqual([]);
  const consumers = (await world.redis.call('XINFO', 'CONSUMERS', STREAM, WORKER_GROUP)) as unknown[][];
  expect(consumers.map((consumer) => consumer[consumer.indexOf('pending') + 1])).toEqual([0]);
});

it('hands over at once what it could not finish', async () => {
  const mailbox = await world.newMailbox();
  const first = await worker();
  await world.publish(entriesOf(mailbox, 1, 1));
  await expectEachOnce(mailbox, 1);
  await toDatabase.refuse();
  await world.publish(entriesOf(mailbox, 2, 5));
  await expect
    .poll(async () => ((await world.redis.xpending(STREAM, WORKER_GROUP)) as unknown[])[0], {
      timeout: 20_000,
    })
    .toBe(4);
  expect(await first.stop()).toEqual([]);
  await toDatabase.accept();
  // Nobody waits for the visibility to pass.
  await worker({ WORKER_VISIBILITY_MS: '3600000' });
  await expectEachOnce(mailbox, 5);
  await world.settled();
});

it('reads every tenant’s own stream, also of a tenant that comes later, and what is left in the global one', async () => {
  const early = await world.newMailbox();
  await worker({ IMAP_EVENT_CHANNEL_BY_TENANT: 'true' });
  const late = await world.newMailbox();
  for (const mailbox of [early, late])
    await world.publish(entriesOf(mailbox, 1, 5), `workflow:events:tenant:${mailbox.tenant}`);
  await world.publish(entriesOf(early, 6, 6));
  await expectEachOnce(early, 6);
  await expectEachOnce(late, 5);
});
