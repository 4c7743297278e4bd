/** The stream, Redis or the storage is full: fetching pauses, says so, and goes on by itself; each message is one event, in order. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { streamName, WORKER_GROUP } from '@mailstream/shared/events/email-received';
import { useOwnRedis } from '@mailstream/shared/testing/own-servers';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { isWatching, startDaemon, useWorld, type Daemon, type SeededProvider } from './daemon.ts';

const world = await useWorld();
const own = await useOwnRedis();
const redis = new Redis(own.server.url);
const PATIENCE = { timeout: 30_000, interval: 50 };

let server: ScriptedImap;
let daemon: Daemon;
let provider: SeededProvider;
let sent = 0;

afterAll(() => redis.disconnect());

beforeEach(async () => {
  sent = 0;
  await redis.config('SET', 'maxmemory', '0');
  await redis.flushall();
  server = await startScriptedImap();
});

afterEach(async () => {
  await redis.call('REPLICAOF', 'NO', 'ONE');
  expect(await daemon.stop()).toBe(0);
  await world.changeProvider(provider, 'email_providers', { is_active: false });
  await server.close();
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  daemon = startDaemon({ ...world.env, REDIS_URL: own.server.url, ...env });
  provider = await world.addProvider({
    host: server.host,
    port: server.port,
    username: 'u',
    password: 'secret',
  });
  await daemon.waitForLog(isWatching('INBOX', provider.id));
}

function deliver(count: number, body = 'x'): void {
  for (let n = 0; n < count; n += 1) {
    sent += 1;
    server.deliver('INBOX', `Subject: m${sent}\r\nMessage-ID: <m${sent}@example.com>\r\n\r\n${body}${sent}`);
  }
}

async function subjects(stream = world.stream): Promise<readonly string[]> {
  const entries = await redis.xrange(stream, '-', '+');
  return entries.map(([, fields]) => {
    const payload = JSON.parse(fields[fields.indexOf('payload_json') + 1] ?? '') as {
      emailData: { subject: string };
    };
    return payload.emailData.subject;
  });
}

async function expectAllOnceInOrder(): Promise<void> {
  await expect.poll(() => redis.xlen(world.stream), PATIENCE).toBeGreaterThanOrEqual(sent);
  expect(await subjects()).toEqual(Array.from({ length: sent }, (_, n) => `m${n + 1}`));
}

/** What the worker does with entries: the ledger says processed, then they are acknowledged. */
async function work(count: number, stream = world.stream): Promise<number> {
  const reply = (await redis.xreadgroup(
    'GROUP',
    WORKER_GROUP,
    'c',
    'COUNT',
    count,
    'STREAMS',
    stream,
    '>',
  )) as [string, [string, string[]][]][] | null;
  const entries = reply?.[0]?.[1] ?? [];
  const events = entries.map(([, fields]) => fields[fields.indexOf('event_id') + 1]);
  await world.sql(
    `UPDATE inbound_messages SET status = 'processed', processed_at = now() WHERE event_id = ANY ($1::uuid[])`,
    [events],
  );
  if (entries.length > 0) await redis.xack(stream, WORKER_GROUP, ...entries.map(([id]) => id));
  return entries.length;
}

async function port(): Promise<number> {
  const line = await daemon.waitForLog(({ message }) => message === 'health and metrics are served');
  return Number(line['port']);
}

/** @param name with its labels */
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${await port()}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1],
  );
}

function pressure(kind: string): Promise<number> {
  return metric(`mailstream_backpressure{kind="${kind}"}`);
}

async function folder(): Promise<{ readonly state?: string; readonly code?: string | null }> {
  const [row] = await world.sql<{ health: Record<string, { state: string; code: string | null }> }>(
    'SELECT folder_health AS health FROM imap_email_provider_config WHERE email_provider_id = $1',
    [provider.id],
  );
  return row?.health['INBOX'] ?? {};
}

/** Looks at Redis so far, refused ones too: one for every beat of the gate. */
async function beats(): Promise<number> {
  const [, calls, rejected] =
    /^cmdstat_set:calls=(\d+).*rejected_calls=(\d+)/m.exec(await redis.info('commandstats')) ?? [];
  return Number(calls ?? 0) + Number(rejected ?? 0);
}

async function isReady(): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${await port()}/health/ready`)).ok;
}

function fetches(): number {
  return server.commands.filter((command) => command.name === 'UID FETCH').length;
}

/** Mail that arrives meanwhile is neither fetched nor asked for again and again. */
async function expectPaused(kind: string, code: string): Promise<void> {
  const pause = await daemon.waitForLog(
    (line) => line.message === 'fetching pauses' && line['code'] === code,
  );
  // A fault ends the connection; the next one merely watches.
  await daemon.waitForLog(
    (line) =>
      isWatching('INBOX', provider.id)(line) && daemon.lines.indexOf(line) > daemon.lines.indexOf(pause),
  );
  await expect.poll(folder, PATIENCE).toMatchObject({ state: 'waiting', code });
  expect(await pressure(kind)).toBe(1);
  const before = { fetches: fetches(), connections: server.connections };
  const looks = await beats();
  deliver(1);
  await expect.poll(beats, PATIENCE).toBeGreaterThan(looks + 1);
  expect({ fetches: fetches(), connections: server.connections }).toEqual(before);
}

async function expectGoingOn(kind: string): Promise<void> {
  await expect.poll(() => pressure(kind), PATIENCE).toBe(0);
  await expect.poll(folder, PATIENCE).toMatchObject({ state: 'watching', code: null });
}

describe('a worker that is away', () => {
  it('pauses fetching at the limit of the stream; when it has caught up, the rest follows', async () => {
    await redis.xgroup('CREATE', world.stream, WORKER_GROUP, '0', 'MKSTREAM');
    await start({ STREAM_MAX_BACKLOG_ENTRIES: '50' });
    deliver(200);
    await expectPaused('stream', 'STREAM_FULL');
    expect(await isReady()).toBe(true);
    expect(await redis.xlen(world.stream)).toBe(50);
    await expect.poll(() => metric('mailstream_stream_backlog'), PATIENCE).toBe(50);
    // Above the low mark nothing moves.
    expect(await work(5)).toBe(5);
    await expect.poll(() => metric('mailstream_stream_backlog'), PATIENCE).toBe(45);
    expect(await redis.xlen(world.stream)).toBe(50);
    for (let done = 5; done < sent;) {
      const count = await work(1000);
      done += count;
      if (count === 0) await expect.poll(() => redis.xlen(world.stream), PATIENCE).toBeGreaterThan(done);
    }
    await expectAllOnceInOrder();
    await expectGoingOn('stream');
  });
});

describe('a stream of one tenant', () => {
  it('that is full pauses that tenant alone, and goes on when its worker is back', async () => {
    await start({ IMAP_EVENT_CHANNEL_BY_TENANT: 'true', STREAM_MAX_BACKLOG_ENTRIES: '20' });
    const full = streamName(provider.tenant, true);
    await redis.xgroup('CREATE', full, WORKER_GROUP, '0', 'MKSTREAM');
    const otherServer = await startScriptedImap();
    onTestFinished(() => otherServer.close());
    const other = await world.addProvider({
      host: otherServer.host,
      port: otherServer.port,
      username: 'u',
      password: 'secret',
    });
    const free = streamName(other.tenant, true);
    onTestFinished(() => world.changeProvider(other, 'email_providers', { is_active: false }));
    await daemon.waitForLog(isWatching('INBOX', other.id));
    deliver(60);
    await expectPaused('stream', 'STREAM_FULL');
    expect(await redis.xlen(full)).toBe(20);

    otherServer.deliver('INBOX', 'Subject: of somebody else\r\n\r\nx');
    await expect.poll(() => redis.xlen(free), PATIENCE).toBe(1);
    expect(await redis.xlen(full)).toBe(20);
    for (let done = 0; done < sent;) {
      const count = await work(1000, full);
      done += count;
      if (count === 0) await expect.poll(() => redis.xlen(full), PATIENCE).toBeGreaterThan(done);
    }
    expect(await subjects(full)).toEqual(Array.from({ length: sent }, (_, n) => `m${n + 1}`));
    await expectGoingOn('stream');
  });
});

describe('Redis', () => {
  it('that cannot save its data and takes no writes is waited for', async () => {
    const [, dir = ''] = (await redis.config('GET', 'dir')) as string[];
    const [, name = ''] = (await redis.config('GET', 'dbfilename')) as string[];
    await start();
    // No snapshot can take the place of a directory that is not empty: "MISCONF Redis is configured to save RDB snapshots".
    await rm(join(dir, name), { recursive: true, force: true });
    await mkdir(join(dir, name, 'in-the-way'), { recursive: true });
    await redis.config('SET', 'save', '3600 1000000');
    onTestFinished(async () => {
      await rm(join(dir, name), { recursive: true, force: true });
      await redis.config('SET', 'save', '');
    });
    await saveInBackground('err');
    deliver(5);
    await expectPaused('redis', 'REDIS_UNAVAILABLE');
    await rm(join(dir, name), { recursive: true, force: true });
    await saveInBackground('ok');
    await expectAllOnceInOrder();
    await expectGoingOn('redis');
  });

  it('that is full pauses fetching, and what was fetched is published when it has memory again', async () => {
    await start({ REDIS_MAX_MEMORY_RATIO: '1' });
    deliver(3);
    await expectAllOnceInOrder();
    await redis.config('SET', 'maxmemory', '1');
    deliver(20);
    await expectPaused('redis', 'REDIS_FULL');
    expect(await isReady()).toBe(true);
    await redis.config('SET', 'maxmemory', '0');
    await expectAllOnceInOrder();
    await expectGoingOn('redis');
    const rows = await world.sql<{ n: number }>(
      'SELECT count(*)::int AS n FROM inbound_messages WHERE provider_id = $1',
      [provider.id],
    );
    expect(rows).toEqual([{ n: sent }]);
  });

  it('whose memory runs out is noticed before it refuses anything', async () => {
    await start();
    const { used } = await memory();
    await redis.config('SET', 'maxmemory', String(Math.ceil(used * 1.05)));
    await daemon.waitForLog((line) => line['code'] === 'REDIS_FULL');
    deliver(10);
    await expectPaused('redis', 'REDIS_FULL');
    expect(daemon.lines.filter((line) => line.message === 'listener fault')).toEqual([]);
    await redis.config('SET', 'maxmemory', String(used * 10));
    await expectAllOnceInOrder();
    await expectGoingOn('redis');
  });

  it('that takes no writes after a failover is waited for', async () => {
    await start();
    await redis.call('REPLICAOF', '127.0.0.1', '1');
    deliver(5);
    await expectPaused('redis', 'REDIS_UNAVAILABLE');
    await redis.call('REPLICAOF', 'NO', 'ONE');
    await expectAllOnceInOrder();
    await expectGoingOn('redis');
  });
});

async function saveInBackground(outcome: 'ok' | 'err'): Promise<void> {
  await redis.bgsave();
  await expect
    .poll(() => redis.info('persistence'), PATIENCE)
    .toMatch(new RegExp(`rdb_bgsave_in_progress:0[\\s\\S]*rdb_last_bgsave_status:${outcome}`));
}

async function memory(): Promise<{ readonly used: number }> {
  const info = await redis.info('memory');
  return { used: Number(/^used_memory:(\d+)/m.exec(info)?.[1]) };
}

describe('a storage', () => {
  it.skipIf(!mayMount())(
    'on a full disk pauses fetching and leaves nothing half; with space again everything follows (needs the right to mount)',
    async () => {
      const dir = mountDisk(8);
      onTestFinished(() => unmount(dir));
      await start({ STORAGE_URL: pathToFileURL(join(dir, 'mail')).href });
      deliver(3);
      await expectAllOnceInOrder();
      await writeFile(join(dir, 'other'), Buffer.alloc(6 * 1024 * 1024));
      // Larger than what is left: refused in the middle, unless it was noticed before.
      deliver(5, 'a line of text\r\n'.repeat(100_000));
      await expectPaused('storage', 'STORAGE_FULL');
      expect(await isReady()).toBe(true);
      expect(await readdir(join(dir, 'mail', '.incoming'))).toEqual([]);
      await rm(join(dir, 'other'));
      execFileSync('mount', ['-o', 'remount,size=64m', dir]);
      await expectAllOnceInOrder();
      await expectGoingOn('storage');
    },
  );

  it('in a bucket that is full pauses fetching, whoever refuses, and goes on when it takes objects again', async () => {
    const bucket = await startBucket();
    try {
      await start({ STORAGE_URL: bucket.url });
      deliver(3);
      await expectAllOnceInOrder();
      bucket.isFull = true;
      deliver(5);
      await expectPaused('storage', 'STORAGE_FULL');
      const before = fetches();
      // It was asked whether it has room again, and no message was fetched for that.
      const asked = bucket.refused;
      await expect.poll(() => bucket.refused, PATIENCE).toBeGreaterThan(asked + 2);
      expect(fetches()).toBe(before);
      bucket.isFull = false;
      await expectAllOnceInOrder();
      await expectGoingOn('storage');
    } finally {
      bucket.server.close();
      bucket.server.closeAllConnections();
    }
  });
});

describe('PostgreSQL', () => {
  const failover = async (to: 'on' | 'off'): Promise<void> => {
    const [row] = await world.sql<{ name: string }>('SELECT current_database() AS name');
    await world.sql(`ALTER DATABASE "${row?.name}" SET default_transaction_read_only = ${to}`);
    await world.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'mailstream-%'`,
    );
  };

  it('that is read-only after a failover is waited for, and nothing is fetched that could not be recorded', async () => {
    await start({ IMAP_LEASE_TTL_MS: '3000' });
    deliver(2);
    await expectAllOnceInOrder();
    await failover('on');
    const bodies = (): number => server.commands.filter(({ line }) => line.includes('BODY')).length;
    const before = bodies();
    const refused = daemon.waitForLog((line) => String(line['detail']).includes('25006'));
    deliver(5);
    await refused;
    expect(bodies()).toBe(before);
    await failover('off');
    await expectAllOnceInOrder();
  });
});

/** Only root may mount, and not in every container. */
function mayMount(): boolean {
  try {
    unmount(mountDisk(1));
    return true;
  } catch {
    return false;
  }
}

/** A file system of its own, of so many MiB. */
function mountDisk(mebibytes: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'mailstream-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0777`, 'none', dir], {
      stdio: 'ignore',
    });
  } catch (error) {
    rmdirSync(dir);
    throw error;
  }
  return dir;
}

function unmount(dir: string): void {
  execFileSync('umount', ['--lazy', dir]);
  rmdirSync(dir);
}

interface Bucket {
  readonly server: Server;
  readonly url: string;
  isFull: boolean;
  refused: number;
}

/** As much of S3 as the storage needs, with an end to its space. */
async function startBucket(): Promise<Bucket> {
  const objects = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const key = request.url?.split('?')[0] ?? '';
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const found = objects.get(key);
      if (request.method === 'PUT' && bucket.isFull) {
        bucket.refused += 1;
        response.writeHead(507).end('<Error><Code>InsufficientStorage</Code></Error>');
      } else if (request.method === 'PUT') {
        objects.set(key, Buffer.concat(chunks));
        response.writeHead(200, { etag: '"x"' }).end();
      } else if (found === undefined) response.writeHead(404).end();
      else
        response
          .writeHead(200, { 'content-length': found.length })
          .end(request.method === 'HEAD' ? '' : found);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `s3://key:secret@bucket/mail?endpoint=${encodeURIComponent(endpoint)}`;
  const bucket: Bucket = { server, url, isFull: false, refused: 0 };
  return bucket;
}
