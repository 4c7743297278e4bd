/** PostgreSQL, Redis and the mail server go away, hang and come back while mail arrives: each message is one event in the end. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { openTcpLink, type TcpLink } from '@mailstream/shared/testing/tcp-link';
import { isWatching, startDaemon, useWorld, type Daemon, type SeededProvider } from './daemon.ts';

const world = await useWorld();
let postgres: TcpLink;
let redis: TcpLink;
let mail: TcpLink;
let server: ScriptedImap;
let daemon: Daemon;
let provider: SeededProvider;
let sent = 0;

function through(url: string, link: TcpLink): string {
  const rewired = new URL(url);
  rewired.hostname = '127.0.0.1';
  rewired.port = String(link.port);
  return rewired.href;
}

async function linkTo(url: string): Promise<TcpLink> {
  const { hostname, port } = new URL(url);
  return openTcpLink({ host: hostname, port: Number(port) });
}

function deliver(count: number): void {
  for (let n = 0; n < count; n += 1) {
    sent += 1;
    server.deliver('INBOX', `Subject: m${sent}\r\nMessage-ID: <m${sent}@example.com>\r\n\r\nx`);
  }
}

/** The script that appends message n. A daemon sends others too, whenever their clock says so: the stream is measured, and trimmed. */
function isAppendOf(n: number, piece: Buffer): boolean {
  return piece.includes('evalsha') && piece.includes(`<m${n}@example.com>`);
}

async function expectAllOnceInOrder(): Promise<void> {
  const entries = await world.entries(sent);
  expect(entries.map((entry) => entry.payload.emailData.subject)).toEqual(
    Array.from({ length: sent }, (_, i) => `m${i + 1}`),
  );
}

beforeAll(async () => {
  postgres = await linkTo(world.env['DATABASE_URL'] ?? '');
  redis = await linkTo(world.env['REDIS_URL'] ?? '');
  server = await startScriptedImap();
  mail = await openTcpLink({ host: server.host, port: server.port });
  await postgres.refuse();
  await redis.refuse();
  daemon = startDaemon({
    ...world.env,
    DATABASE_URL: through(world.env['DATABASE_URL'] ?? '', postgres),
    REDIS_URL: through(world.env['REDIS_URL'] ?? '', redis),
    IMAP_LEASE_TTL_MS: '3000',
    IMAP_CONNECTION_TIMEOUT_MS: '2000',
    IMAP_MAX_EMAILS_PER_SYNC: '2',
  });
  provider = await world.addProvider({
    host: '127.0.0.1',
    port: mail.port,
    username: 'u',
    password: 'secret',
  });
});

afterAll(async () => {
  expect(await daemon.stop()).toBe(0);
  await Promise.all([postgres.close(), redis.close(), mail.close(), server.close()]);
});

describe('a dependency', () => {
  it('that is down at the start is waited for, and readiness says which', async () => {
    const { port } = (await daemon.waitForLog(
      (line) => line.message === 'health and metrics are served',
    )) as unknown as { port: number };
    await daemon.waitForLog((line) => line['code'] === 'DATABASE_UNAVAILABLE');
    const ready = await fetch(`http://127.0.0.1:${port}/health/ready`);
    expect(ready.status).toBe(503);
    const { dependencies } = (await ready.json()) as { dependencies: { name: string; ok: boolean }[] };
    expect(dependencies.filter((dependency) => !dependency.ok).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['postgresql', 'redis']),
    );
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
    await postgres.accept();
    await redis.accept();
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200);
    deliver(2);
    await expectAllOnceInOrder();
  });

  it.each<[string, () => TcpLink]>([
    ['Redis', () => redis],
    ['PostgreSQL', () => postgres],
    ['the mail server', () => mail],
  ])('%s that refuses connections for a while delays mail and loses none', async (_name, link) => {
    await link().refuse();
    deliver(3);
    await daemon.waitForLog(
      (line) => line.level === 'warn' && daemon.lines.indexOf(line) > daemon.lines.length - 50,
    );
    await link().accept();
    deliver(1);
    await expectAllOnceInOrder();
  });

  it.each<[string, () => TcpLink]>([
    ['Redis', () => redis],
    ['PostgreSQL', () => postgres],
  ])('%s whose connections are cut again and again delays mail and doubles none', async (_name, link) => {
    for (let round = 0; round < 5; round += 1) {
      deliver(2);
      link().cut();
    }
    await expectAllOnceInOrder();
  });

  it('Redis that takes an entry but whose answer is lost doubles nothing', async () => {
    let isDone = false;
    const first = sent + 1;
    redis.intercept((piece) => {
      if (isDone || !isAppendOf(first, piece)) return 'pass';
      isDone = true;
      return 'deliver-and-drop';
    });
    deliver(1);
    await expectAllOnceInOrder();
    redis.intercept(null);
    expect(isDone).toBe(true);
  });

  it('Redis that answers late has the next batch fetched meanwhile, and committed after its answer', async () => {
    const bodies = (): number => server.commands.filter(({ line }) => line.includes('BODY')).length;
    const rows = async (): Promise<number> => {
      const [row] = await world.sql<{ n: number }>(
        'SELECT count(*)::int AS n FROM inbound_messages WHERE provider_id = $1',
        [provider.id],
      );
      return row?.n ?? 0;
    };
    const [fetched, committed] = [bodies(), await rows()];
    const first = sent + 1;
    const frozen = new Promise<void>((resolve) => {
      redis.intercept((piece) => {
        if (!isAppendOf(first, piece)) return 'pass';
        redis.intercept(null);
        setImmediate(() => {
          redis.freeze();
          resolve();
        });
        return 'pass';
      });
    });
    deliver(4);
    // Both numbers may be reached before the first entry is sent: a link that froze after its thaw would stay so.
    await frozen;
    try {
      await expect.poll(bodies, { timeout: 20_000 }).toBe(fetched + 2);
      // The first batch may still be on its way into the ledger when the second one is fetched; that one waits for Redis.
      await expect.poll(rows, { timeout: 20_000 }).toBe(committed + 2);
      expect(await rows()).toBe(committed + 2);
    } finally {
      redis.thaw();
    }
    await expectAllOnceInOrder();
  });

  it('PostgreSQL that commits but whose answer is lost doubles nothing', async () => {
    let left = 3;
    postgres.intercept((piece) => {
      if (left === 0 || !/COMMIT/i.test(piece.toString('latin1'))) return 'pass';
      left -= 1;
      return 'deliver-and-drop';
    });
    deliver(2);
    await expectAllOnceInOrder();
    postgres.intercept(null);
    deliver(1);
    await expectAllOnceInOrder();
    expect(left).toBe(0);
  });
});
