/**
 * Real servers for a test file. Call these at the top level of the file, with `await`:
 *
 *     const db = await useDatabase();
 *     const redis = await useRedis();
 *     const dovecot = useDovecot();
 *
 * The servers run once for the whole run; a file gets a database, a Redis number and mailboxes of its own, so files
 * run side by side and need not tidy up. A test that stops or empties a server starts one for itself with `use…Server`.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import type { TestServers } from './test-servers.ts';

/** The shared servers themselves. @throws outside the `real` project, or when a server could not be started. */
export function testServers(): TestServers {
  const servers = inject('servers');
  if (!servers.startsWith('{')) throw new Error(servers);
  return JSON.parse(servers) as TestServers;
}

export interface TestDatabase {
  readonly name: string;
  /** The role that services log in with. */
  readonly url: string;
  /** Superuser and owner: no row-level security. For arranging and asserting. */
  readonly ownerUrl: string;
}

/** A fresh clone of the migrated database; dropped after the file, with whoever is still connected. */
export async function useDatabase(): Promise<TestDatabase> {
  const { postgres } = testServers();
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  await administer(postgres.adminUrl, `CREATE DATABASE ${name} TEMPLATE ${postgres.templateDatabase}`);
  afterAll(() => administer(postgres.adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  return {
    name,
    url: withDatabase(postgres.adminUrl, name, postgres.login),
    ownerUrl: withDatabase(postgres.adminUrl, name),
  };
}

/** An empty database without a schema, for tests of the migrations. */
export async function useEmptyDatabase(): Promise<TestDatabase> {
  const { postgres } = testServers();
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  await administer(postgres.adminUrl, `CREATE DATABASE ${name}`);
  afterAll(() => administer(postgres.adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  return {
    name,
    url: withDatabase(postgres.adminUrl, name, postgres.login),
    ownerUrl: withDatabase(postgres.adminUrl, name),
  };
}

async function administer(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function withDatabase(adminUrl: string, name: string, login?: { user: string; password: string }): string {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  if (login !== undefined) Object.assign(url, { username: login.user, password: login.password });
  return url.href;
}

export interface TestRedis {
  /** With the number of this file's database. */
  readonly url: string;
}

/** An empty Redis database of this file's own, emptied again after it. Publish/subscribe is shared by all files. */
export async function useRedis(): Promise<TestRedis> {
  const { redis } = testServers();
  const numbers = new Redis(redis.url);
  const drawn = await numbers.incr('test-databases').finally(() => numbers.disconnect());
  // Number 0 holds the counter; the test server has 1024.
  const url = `${redis.url}/${1 + (drawn % 1_023)}`;
  await flush(url);
  afterAll(() => flush(url));
  return { url };
}

async function flush(url: string): Promise<void> {
  const client = new Redis(url);
  await client.flushdb().finally(() => client.disconnect());
}

export interface TestDovecot {
  readonly host: string;
  readonly port: number;
  /** IMAPS with a certificate for `localhost` that nobody signed; null where the machine has no openssl. */
  readonly imapsPort: number | null;
  readonly lmtpPort: number;
  /** Of every user. */
  readonly password: string;
  /** PEM, to be trusted in tests of TLS. */
  readonly certificateFile: string | null;
  /** A user name that nobody has used yet: its mailbox is empty. Mail for `<name>@anything` lands there. */
  newUser(): string;
  /** Its Maildir on disk; removing `dovecot-uidlist` and the indexes in it changes UIDVALIDITY. */
  maildir(user: string): string;
}

/** The shared Dovecot. Users are made by using them. */
export function useDovecot(): TestDovecot {
  const { dovecot } = testServers();
  return {
    ...dovecot,
    newUser: () => `u${randomBytes(8).toString('hex')}`,
    maildir: (user) => join(dovecot.mailDir, user, 'Maildir'),
  };
}
