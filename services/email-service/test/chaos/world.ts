/** Everything one schedule needs, made for it and removed after it: servers, links, mailboxes, replicas. */
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { DovecotServer } from '@mailstream/shared/local-stack/dovecot-server';
import { DAEMON_NODE_OPTIONS } from '@mailstream/shared/local-stack/services';
import { openTcpLink, throughLink, type TcpLink } from '@mailstream/shared/testing/tcp-link';
import type { Build } from './frozen-build.ts';
import { addMailboxes, type Mailbox } from './mailboxes.ts';
import type { Random } from './random.ts';
import { Replica, type Ending } from './replica.ts';
import {
  ownDovecot,
  ownPostgres,
  ownRedis,
  type ChaosPostgres,
  type ChaosRedis,
  type Managed,
} from './servers.ts';
import { openStorageVolume, type StorageVolume } from './storage-volume.ts';
import type { Template } from './template.ts';

export interface Size {
  readonly tenants: number;
  readonly mailboxesPerTenant: number;
  readonly daemons: number;
  readonly workers: number;
}

/** Shorter than in production, so that a schedule sees many terms. */
export const LEASE_TTL_MS = 3_000;

export interface World {
  readonly folder: string;
  readonly logs: string;
  readonly storage: StorageVolume;
  readonly postgres: ChaosPostgres;
  readonly redis: ChaosRedis;
  readonly dovecot: Managed<DovecotServer>;
  /** `daemon-1→redis`, `imap-3`, … */
  readonly links: ReadonlyMap<string, TcpLink>;
  readonly daemons: readonly Replica[];
  readonly workers: readonly Replica[];
  readonly mailboxes: readonly Mailbox[];
  readonly endings: readonly Ending[];
  /** Past the links, as owner: rejects while the server is away. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Past the links. */
  withRedis<T>(work: (redis: Redis) => Promise<T>): Promise<T>;
  /** Ends every process and removes the folder; logs are copied to `keepIn` before. */
  close(keepIn: string | null): Promise<void>;
}

export async function createWorld(options: {
  readonly build: Build;
  readonly template: Template;
  readonly size: Size;
  readonly random: Random;
  /** Folder in which the world gets its own. */
  readonly within: string;
  readonly daemonEnv?: Readonly<Record<string, string>>;
}): Promise<World> {
  const { build, template, size, random } = options;
  const folder = await mkdtemp(join(options.within, 'world-'));
  await chmod(folder, 0o755);
  const logs = join(folder, 'logs');
  await mkdir(logs);
  const closing: (() => Promise<unknown>)[] = [
    () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  ];
  const close = async (keepIn: string | null): Promise<void> => {
    while (closing.length > 1) await closing.pop()?.();
    if (keepIn !== null) await cp(logs, keepIn, { recursive: true });
    await closing.pop()?.();
  };
  try {
    const storage = await openStorageVolume(join(folder, 'storage'));
    closing.push(() => storage.close());
    const postgres = await ownPostgres({
      folder,
      logFile: join(logs, 'postgres.log'),
      password: template.password,
      template: template.dataDir,
    });
    closing.push(() => postgres.stop());
    const sql: World['sql'] = (text, values = []) =>
      query(postgres.server.urlOf(template.database), text, values);
    const redis = await ownRedis({ folder, logFile: join(logs, 'redis.log') });
    closing.push(() => redis.stop());
    const dovecot = await ownDovecot({ folder, logFile: join(logs, 'dovecot.log') });
    closing.push(() => dovecot.stop());

    const links = new Map<string, TcpLink>();
    closing.push(() => Promise.all([...links.values()].map((link) => link.close())));
    const open = async (name: string, port: number): Promise<TcpLink> => {
      const jitter = random.fork(name);
      const link = await openTcpLink({ host: '127.0.0.1', port }, () => jitter.next());
      links.set(name, link);
      return link;
    };
    const imapPorts: number[] = [];
    for (let tenant = 0; tenant < size.tenants; tenant += 1)
      imapPorts.push((await open(`imap-${tenant}`, dovecot.server.imapPort)).port);

    const masterKey = randomBytes(32).toString('base64');
    const databaseUrl = postgres.server.urlOf(template.database, template.login);
    const mailboxes = await addMailboxes({
      databaseUrl,
      masterKey,
      imapPorts,
      perTenant: size.mailboxesPerTenant,
      password: dovecot.server.password,
      addTenant: (tenant) => sql(`INSERT INTO tenants (tenant, name) VALUES ($1, 'chaos')`, [tenant]),
    });

    const endings: Ending[] = [];
    const replicas = async (count: number, kind: 'daemon' | 'worker'): Promise<readonly Replica[]> => {
      const made: Replica[] = [];
      for (let index = 1; index <= count; index += 1) {
        const name = `${kind}-${index}`;
        const toDatabase = await open(`${name}→postgres`, postgres.server.port);
        const toRedis = await open(`${name}→redis`, redis.server.port);
        const urls = {
          DATABASE_URL: throughLink(databaseUrl, toDatabase),
          REDIS_URL: throughLink(redis.server.url, toRedis),
          PORT: '0',
        };
        const env =
          kind === 'daemon'
            ? { ...urls, ...daemonEnv(masterKey, folder), ...options.daemonEnv }
            : { ...urls, ...WORKER_ENV };
        made.push(
          new Replica({
            name,
            main: kind === 'daemon' ? build.daemonMain : build.workerMain,
            nodeOptions: kind === 'daemon' ? DAEMON_NODE_OPTIONS : ['--enable-source-maps'],
            env,
            clockStep: build.clockStep,
            folder,
            logs,
            onEnded: (ending) => endings.push(ending),
          }),
        );
      }
      return made;
    };
    const daemons = await replicas(size.daemons, 'daemon');
    const workers = await replicas(size.workers, 'worker');
    closing.push(() => Promise.all([...daemons, ...workers].map((replica) => replica.kill())));

    return {
      folder,
      logs,
      storage,
      postgres,
      redis,
      dovecot,
      links,
      daemons,
      workers,
      mailboxes,
      endings,
      sql,
      withRedis: async (work) => {
        const client = new Redis(redis.server.url, { lazyConnect: true, retryStrategy: () => null });
        client.on('error', () => undefined);
        try {
          await client.connect();
          return await work(client);
        } finally {
          client.disconnect();
        }
      },
      close,
    };
  } catch (error) {
    await close(null);
    throw error;
  }
}

async function query<Row extends pg.QueryResultRow>(
  connectionString: string,
  text: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000, query_timeout: 20_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function daemonEnv(masterKey: string, folder: string): Readonly<Record<string, string>> {
  return {
    STORAGE_URL: pathToFileURL(join(folder, 'storage')).href,
    SECRETS_MASTER_KEY: masterKey,
    SPOOL_DIR: join(folder, 'spool'),
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    IMAP_PLAINTEXT_ALLOW_CIDRS: '127.0.0.0/8',
    IMAP_STARTUP_STAGGER_MS: '0',
    IMAP_LEASE_TTL_MS: String(LEASE_TTL_MS),
    IMAP_CONNECTION_TIMEOUT_MS: '2000',
    IMAP_POLL_INTERVAL_MS: '2000',
    IMAP_IDLE_RENEW_MS: '5000',
    IMAP_PROVIDER_REFRESH_MS: '5000',
    // Many batches, so that faults meet their ends.
    IMAP_MAX_EMAILS_PER_SYNC: '5',
    MAIL_PARSER_THREADS: '1',
    LOG_LEVEL: 'debug',
  };
}

const WORKER_ENV: Readonly<Record<string, string>> = {
  WORKER_VISIBILITY_MS: '3000',
  WORKER_HANDLING_DEADLINE_MS: '1000',
  WORKER_BLOCK_MS: '500',
  WORKER_STREAM_REFRESH_MS: '1000',
  WORKER_CONCURRENCY: '4',
  WORKER_RETRY_BASE_MS: '500',
  LOG_LEVEL: 'info',
};
