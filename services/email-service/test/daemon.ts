/** The built daemon as a child process, what it needs to run against the test servers, and signals to wait for. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll } from 'vitest';
import { createDatabase } from '@mailstream/shared/db/database';
import { notifyProvider } from '@mailstream/shared/db/notices';
import { providerId, tenantId, type ProviderId, type TenantId } from '@mailstream/shared/domain/ids';
import { streamName } from '@mailstream/shared/events/email-received';
import { decodeEntry } from '@mailstream/shared/events/decode-entry';
import type { EmailReceivedPayload } from '@mailstream/shared/events/email-received-schema';
import { parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import { createSecretBox } from '@mailstream/shared/secrets/secret-box';
import { createSecretStore, type SecretName } from '@mailstream/shared/secrets/secret-store';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { useDatabase, useRedis, type TestDatabase } from '@mailstream/shared/testing/fixtures';

const MAIN = fileURLToPath(new URL('../dist/testing/main.js', import.meta.url));

export interface LogLine {
  readonly message: string;
  readonly level: string;
  readonly [field: string]: unknown;
}

export interface Daemon {
  readonly pid: number;
  readonly lines: readonly LogLine[];
  readonly stderr: () => string;
  /** Resolves with the first line, past or to come, that matches; rejects when the process ends first. */
  waitForLog(matches: (line: LogLine) => boolean): Promise<LogLine>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** SIGTERM, and the end of the process. */
  stop(): Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** @param main another process of the system, run and watched in the same way. */
export function startDaemon(env: Readonly<Record<string, string>>, main = MAIN): Daemon {
  const child: ChildProcess = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: LogLine[] = [];
  const waiting = new Set<(line: LogLine) => void>();
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  if (child.stdout === null) throw new Error('no standard output');
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as LogLine;
    lines.push(line);
    for (const tell of waiting) tell(line);
  });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const daemon: Daemon = {
    pid: child.pid ?? -1,
    lines,
    stderr: () => stderr,
    exited,
    waitForLog: (matches) => {
      const known = lines.find(matches);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => {
        const tell = (line: LogLine): void => {
          if (!matches(line)) return;
          waiting.delete(tell);
          resolve(line);
        };
        waiting.add(tell);
        void exited.then(() => {
          waiting.delete(tell);
          reject(new Error(`the daemon ended first: ${stderr} ${JSON.stringify(lines.slice(-5))}`));
        });
      });
    },
    stop: async () => {
      child.kill('SIGTERM');
      return (await exited).code;
    },
    kill: (signal) => void child.kill(signal),
  };
  return daemon;
}

/** True for the line that a listener writes when its folder is in sync and watched. */
export function isWatching(folder = 'INBOX', provider?: string): (line: LogLine) => boolean {
  return (line) =>
    line.message === 'listener' &&
    line['state'] === 'watching' &&
    line['folder'] === folder &&
    (provider === undefined || line['providerId'] === provider);
}

export interface ProviderSeed {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly secure?: boolean;
  readonly allowStarttls?: boolean;
  readonly folders?: readonly string[];
  readonly startFrom?: object;
  /** OAuth in place of the password. */
  readonly oauth?: {
    readonly tokenUrl: string;
    readonly clientId: string;
    readonly clientSecret: string;
    readonly refreshToken: string;
  };
}

export interface SeededProvider {
  readonly tenant: TenantId;
  readonly id: ProviderId;
}

export interface StreamEntry {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly payload: EmailReceivedPayload;
}

export interface World {
  readonly env: Readonly<Record<string, string>>;
  readonly database: TestDatabase;
  readonly redis: Redis;
  readonly storageDir: string;
  readonly stream: string;
  /** As owner, past row-level security. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  addTenant(): Promise<TenantId>;
  addProvider(seed: ProviderSeed, tenant?: TenantId): Promise<SeededProvider>;
  /** Runs SQL under the tenant and tells the daemon, as the API does. */
  changeProvider(
    provider: SeededProvider,
    table: 'email_providers' | 'imap_email_provider_config',
    set: Record<string, unknown>,
  ): Promise<void>;
  setPassword(provider: SeededProvider, password: string): Promise<void>;
  /** Waits (blocking in Redis) until the stream has that many entries, then returns all. */
  entries(atLeast: number): Promise<readonly StreamEntry[]>;
}

/** A database, a Redis number and a storage directory of the test file's own, with the environment for a daemon. Call at top level. */
export async function useWorld(): Promise<World> {
  const database = await useDatabase();
  const { url: redisUrl } = await useRedis();
  const redis = new Redis(redisUrl);
  const storageDir = await mkdtemp(join(tmpdir(), 'mailstream-test-'));
  const masterKey = randomBytes(32).toString('base64');
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  const app = createDatabase({ url: database.url, applicationName: 'test', poolMax: 2 });
  const ring = parseKeyRing(masterKey);
  if (ring.kind === 'problem') throw new Error(ring.text);
  const secrets = createSecretStore({ database: app, box: createSecretBox(ring.ring), sources: [] });
  afterAll(async () => {
    redis.disconnect();
    await owner.end();
    await app.close();
    await rm(storageDir, { recursive: true, force: true });
  });
  const stream = streamName('', false);

  const world: World = {
    database,
    redis,
    storageDir,
    stream,
    env: {
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl,
      STORAGE_URL: pathToFileURL(storageDir).href,
      SECRETS_MASTER_KEY: masterKey,
      SPOOL_DIR: join(storageDir, 'spool'),
      EGRESS_ALLOW_CIDRS: '127.0.0.0/8,::1/128',
      IMAP_PLAINTEXT_ALLOW_CIDRS: '127.0.0.0/8,::1/128',
      IMAP_STARTUP_STAGGER_MS: '0',
      LOG_LEVEL: 'debug',
      PORT: '0',
    },
    sql: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await owner.query<Row>(text, [...values])).rows,
    addTenant: async () => {
      const tenant = tenantId(randomUUID());
      await owner.query('INSERT INTO tenants (tenant, name) VALUES ($1, $2)', [tenant, 'Test']);
      return tenant;
    },
    addProvider: async (seed, known) => {
      const tenant = known ?? (await world.addTenant());
      const id = providerId(randomUUID());
      await app.withTenant(tenant, async (trx) => {
        await trx('email_providers').insert({
          tenant,
          id,
          provider_name: 'Test',
          mailbox: `${seed.username}-${id}@example.com`,
        });
        await trx('imap_email_provider_config').insert({
          tenant,
          email_provider_id: id,
          host: seed.host,
          port: seed.port,
          secure: seed.secure ?? false,
          allow_starttls: seed.allowStarttls ?? false,
          auth_type: seed.oauth === undefined ? 'password' : 'oauth2',
          oauth_token_url: seed.oauth?.tokenUrl ?? null,
          oauth_client_id: seed.oauth?.clientId ?? null,
          oauth_scopes: seed.oauth === undefined ? null : 'imap offline_access',
          username: seed.username,
          folder_filters: JSON.stringify(seed.folders ?? []),
          start_from: JSON.stringify(seed.startFrom ?? { kind: 'now' }),
        });
        const write = (name: SecretName, value: string): Promise<void> =>
          secrets.write(trx, { tenant, providerId: id, name }, new SecretValue(value));
        if (seed.oauth === undefined) await write('imap_password', seed.password);
        else {
          await write('imap_oauth_client_secret', seed.oauth.clientSecret);
          await write('imap_refresh_token', seed.oauth.refreshToken);
        }
        await notifyProvider(trx, tenant, id);
      });
      return { tenant, id };
    },
    changeProvider: ({ tenant, id }, table, set) =>
      app.withTenant(tenant, async (trx) => {
        await trx(table)
          .where(table === 'email_providers' ? { tenant, id } : { tenant, email_provider_id: id })
          .update(set);
        await notifyProvider(trx, tenant, id);
      }),
    setPassword: ({ tenant, id }, password) =>
      app.withTenant(tenant, async (trx) => {
        await secrets.write(
          trx,
          { tenant, providerId: id, name: 'imap_password' },
          new SecretValue(password),
        );
        await trx('imap_email_provider_config')
          .where({ tenant, email_provider_id: id })
          .increment('config_version');
        await notifyProvider(trx, tenant, id);
      }),
    entries: async (atLeast) => {
      const reader = redis.duplicate();
      const found: StreamEntry[] = [];
      try {
        let last = '0';
        while (found.length < atLeast) {
          const reply = await reader.xread('COUNT', 1000, 'BLOCK', 45_000, 'STREAMS', stream, last);
          if (reply === null) throw new Error(`the stream has ${found.length} entries, expected ${atLeast}`);
          for (const [, entries] of reply)
            for (const [id, values] of entries) {
              last = id;
              found.push(toEntry(id, values ?? []));
            }
        }
        const rest = await reader.xrange(stream, `(${last}`, '+');
        return [...found, ...rest.map(([id, values]) => toEntry(id, values))];
      } finally {
        reader.disconnect();
      }
    },
  };
  return world;
}

function toEntry(id: string, values: readonly string[]): StreamEntry {
  const fields: Record<string, string> = {};
  for (let index = 0; index < values.length; index += 2)
    fields[values[index] ?? ''] = values[index + 1] ?? '';
  return { id, fields, payload: decodeEntry(fields).payload };
}
