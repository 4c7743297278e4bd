import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { openTcpLink, throughLink } from '@mailstream/shared/testing/tcp-link';
import { afterAll, expect, it } from 'vitest';
import { anEntry } from './emails.ts';
import { spawnWorker, startWorker, workerEnvironment } from './worker-fixture.ts';
import { useWorld } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const toDatabase = await openTcpLink({ host: new URL(db.url).hostname, port: Number(new URL(db.url).port) });

afterAll(() => toDatabase.close());

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Status 0 while nobody listens. */
async function get(port: number, path: string): Promise<Answer> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: '' };
  }
}

const statusOf = (port: number, path: string) => async (): Promise<number> => (await get(port, path)).status;

it('starts while its database is down, says so, and becomes ready when it is there', async () => {
  const mailbox = await world.newMailbox();
  await world.publish([anEntry({ ...mailbox, uid: 1 })]);
  await toDatabase.refuse();
  const port = await freePort();
  const worker = spawnWorker(
    workerEnvironment(
      { database: throughLink(db.url, toDatabase), redis: redis.url },
      { PORT: String(port) },
    ),
  );
  await expect.poll(statusOf(port, '/health/live'), { timeout: 20_000 }).toBe(200);
  const waiting = await get(port, '/health/ready');
  expect(waiting.status).toBe(503);
  expect(JSON.parse(waiting.text)).toMatchObject({
    dependencies: expect.arrayContaining([
      { name: 'database', ok: false, detail: 'not reachable' },
    ]) as unknown,
  });
  await toDatabase.accept();
  await expect.poll(statusOf(port, '/health/ready'), { timeout: 20_000 }).toBe(200);
  await expect.poll(() => world.comments(mailbox.tenant), { timeout: 20_000 }).toEqual(['<1@example.org>']);
  await world.settled();
  const metrics = (await get(port, '/metrics')).text;
  expect(metrics).toContain('mailstream_worker_entries_total{result="ticket"} 1');
  expect(metrics).toContain('mailstream_worker_group_pending 0');
  expect(metrics).toContain('mailstream_dependency_up{dependency="database"} 1');
  for (const secret of [mailbox.tenant, mailbox.providerId, 'example.org'])
    expect(metrics).not.toContain(secret);
  worker.kill('SIGTERM');
  await worker.gone;
  expect(worker.exitCode).toBe(0);
});

it('lists every problem of its settings and exits with 78', async () => {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'], PORT: 'x', DATABASE_URL: 'mysql://canary' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (piece: Buffer) => (text += piece.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(78);
  for (const name of ['PORT', 'DATABASE_URL', 'REDIS_URL']) expect(text).toContain(`- ${name} `);
  expect(text).not.toContain('canary');
});

it('starts and stops again and again, also before it was connected, and leaves nothing behind', async () => {
  const urls = { database: db.url, redis: redis.url };
  for (let round = 0; round < 20; round += 1) {
    const worker = await startWorker(workerEnvironment(urls));
    if (round % 2 === 1)
      await expect
        .poll(() => world.redis.client('LIST'), { timeout: 20_000 })
        .toContain('workflow-worker-read');
    expect(await worker.stop()).toEqual([]);
  }
});

it('logs neither subjects, addresses nor bodies of what it processes or cannot process', async () => {
  const mailbox = await world.newMailbox();
  const canary = 'canary4711';
  const email = {
    subject: canary,
    body: { text: canary },
    from: { email: `${canary}@example.org`, name: canary },
  };
  const good = anEntry({ ...mailbox, uid: 1, email });
  const child = spawn(process.execPath, [fileURLToPath(new URL('../dist/main.js', import.meta.url))], {
    env: {
      ...process.env,
      ...workerEnvironment({ database: db.url, redis: redis.url }, { LOG_LEVEL: 'debug' }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const output of [child.stdout, child.stderr])
    output.on('data', (piece: Buffer) => (text += piece.toString()));
  await world.publish([
    good,
    {
      ...anEntry({ ...mailbox, uid: 2, email }),
      payload_json: good.payload_json.replace('"uid":1', `"uid":"${canary}"`),
    },
    anEntry({
      ...mailbox,
      uid: 3,
      email: {
        ...email,
        raw: { storageKey: canary, sha256: canary, size: 1 },
        attachments: [
          {
            id: '1',
            name: canary,
            contentType: canary,
            size: 2 ** 53 - 1,
            sha256: canary,
            storageKey: canary,
          },
        ],
      },
    }),
    // More than an int8 takes: PostgreSQL refuses it and quotes it.
    anEntry({
      ...mailbox,
      uid: 4,
      email: {
        ...email,
        attachments: [
          { id: '1', name: canary, contentType: canary, size: 1e19, sha256: canary, storageKey: canary },
        ],
      },
    }),
  ]);
  await world.settled();
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('close', resolve));
  expect(text).toContain('entry became a dead letter');
  expect(text).not.toContain(canary);
  for (const line of text.trimEnd().split('\n')) JSON.parse(line);
});
