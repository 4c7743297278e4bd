/** One measurement's place: an empty database, an empty Redis, an empty storage, and daemons that use them. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { streamName } from '@mailstream/shared/events/email-received';
import { openMailboxes, type MailboxSeed, type SeededMailbox } from './mailboxes.ts';
import { startDaemon, type DaemonProcess } from './daemon-process.ts';
import type { Servers } from './servers.ts';

export interface Site {
  readonly databaseUrl: string;
  readonly storageDir: string;
  readonly redis: Redis;
  readonly stream: string;
  /** As owner, past row-level security. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Adds them and tells the daemons that run. */
  addMailboxes(seeds: readonly MailboxSeed[]): Promise<readonly SeededMailbox[]>;
  startDaemon(env?: Readonly<Record<string, string>>): Promise<DaemonProcess>;
  /**
   * Until the stream has that many entries.
   * @returns when the last of them was appended, milliseconds since 1970, by Redis
   * @throws when they are not there in time
   */
  untilPublished(count: number, withinMs: number): Promise<number>;
  close(): Promise<void>;
}

const ASK_EVERY_MS = 50;

export async function openSite(servers: Servers): Promise<Site> {
  const database = await servers.newDatabase();
  const storageDir = await mkdtemp(join(servers.folder, 'storage-'));
  const masterKey = randomBytes(32).toString('base64');
  const redisUrl = servers.nextRedisUrl();
  const redis = new Redis(redisUrl);
  await redis.flushdb();
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  const mailboxes = openMailboxes({ owner, masterKey });
  const daemons: DaemonProcess[] = [];
  const stream = streamName('', false);
  const env = {
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl,
    STORAGE_URL: pathToFileURL(storageDir).href,
    SECRETS_MASTER_KEY: masterKey,
    SPOOL_DIR: join(storageDir, `spool-${randomUUID()}`),
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    IMAP_PLAINTEXT_ALLOW_CIDRS: '127.0.0.0/8',
  };
  return {
    databaseUrl: database.url,
    storageDir,
    redis,
    stream,
    sql: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await owner.query<Row>(text, [...values])).rows,
    addMailboxes: (seeds) => mailboxes.add(seeds),
    startDaemon: async (extra = {}) => {
      const main = servers.build.productMain;
      const daemon = await startDaemon({ main, env: { ...env, ...extra } });
      daemons.push(daemon);
      return daemon;
    },
    untilPublished: async (count, withinMs) => {
      const deadline = performance.now() + withinMs;
      for (;;) {
        const length = await redis.xlen(stream);
        if (length >= count) return lastEntryMs(redis, stream);
        if (performance.now() > deadline) throw new Error(`${length} of ${count} messages are on the stream`);
        await delay(ASK_EVERY_MS);
      }
    },
    close: async () => {
      await Promise.all(daemons.map((daemon) => daemon.kill()));
      await redis.flushdb();
      redis.disconnect();
      await owner.end();
      await servers.dropDatabase(database.name);
      // What is stored stays until the folder of all servers is removed: for some minutes after thousands of files were removed ext4
      // makes new ones at a tenth of its speed, because it looks at each inode that was just freed before it takes one.
    },
  };
}

/** An entry's id begins with the time of its append. */
async function lastEntryMs(redis: Redis, stream: string): Promise<number> {
  const [last] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1);
  return Number(last?.[0].split('-')[0] ?? Number.NaN);
}
