/**
 * The bench's own PostgreSQL, Redis and Dovecot, durable as `npm start` runs them, with the build that is measured. One after the
 * other takes a database of its own from the migrated template.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '@mailstream/migrations/migrate';
import { startDovecot, type DovecotServer } from '@mailstream/shared/local-stack/dovecot-server';
import { findProgram } from '@mailstream/shared/local-stack/find-program';
import { createLogin } from '@mailstream/shared/local-stack/login-role';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { startPostgres, type PostgresServer } from '@mailstream/shared/local-stack/postgres-server';
import { startRedis } from '@mailstream/shared/local-stack/redis-server';
import type { ServerProcess } from '@mailstream/shared/local-stack/server-process';
import { freezeBuild, type Build } from '../../test/chaos/frozen-build.ts';

export interface Servers {
  /** Everything of the bench is below it. */
  readonly folder: string;
  readonly build: Build;
  readonly postgres: PostgresServer;
  /** With the number of a database that no open site uses; empty or not. */
  nextRedisUrl(): string;
  /** Started when it is first asked for. */
  dovecot(): Promise<DovecotServer>;
  /** A migrated database of that name. */
  newDatabase(): Promise<{ readonly name: string; readonly url: string; readonly ownerUrl: string }>;
  dropDatabase(name: string): Promise<void>;
  close(): Promise<void>;
}

const TEMPLATE = 'bench_template';
/** What a Redis has unless it is told otherwise; far more than sites that are open at once. */
const REDIS_NUMBERS = 16;

/** @param folder exists, may be entered by other users, and is removed by the caller */
export async function startServers(folder: string): Promise<Servers> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  const keep = <T extends ServerProcess>(server: T): T => {
    const atExit = (): void => void server.kill();
    process.once('exit', atExit);
    closing.push(async () => {
      process.off('exit', atExit);
      await server.stop();
    });
    return server;
  };
  const password = randomBytes(12).toString('hex');
  const login = { user: 'mailstream', password };
  try {
    const build = await freezeBuild(join(folder, 'build'));
    const postgres = keep(
      await startPostgres({
        dataDir: join(folder, 'pg'),
        port: await freePort(),
        password,
        logFile: join(folder, 'postgres.log'),
        isDurable: true,
      }),
    );
    const redis = keep(
      await startRedis({
        program: await needed('redis-server', 'valkey-server'),
        dataDir: join(folder, 'redis'),
        port: await freePort(),
        password,
        logFile: join(folder, 'redis.log'),
        isDurable: true,
      }),
    );
    const administer = (statement: string): Promise<void> => execute(postgres.adminUrl, statement);
    await administer(`CREATE DATABASE ${TEMPLATE}`);
    await migrate(postgres.urlOf(TEMPLATE));
    await createLogin(postgres.urlOf(TEMPLATE), login);
    let dovecot: Promise<DovecotServer> | null = null;
    let databases = 0;
    let numbers = 0;
    return {
      folder,
      build,
      postgres,
      nextRedisUrl: () => {
        numbers += 1;
        return `${redis.url}/${numbers % REDIS_NUMBERS}`;
      },
      dovecot: () => (dovecot ??= ownDovecot(folder).then(keep)),
      newDatabase: async () => {
        databases += 1;
        const name = `bench_${databases}`;
        await administer(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
        return { name, url: postgres.urlOf(name, login), ownerUrl: postgres.urlOf(name) };
      },
      dropDatabase: (name) => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function ownDovecot(folder: string): Promise<DovecotServer> {
  const dataDir = join(folder, 'dovecot');
  await mkdir(dataDir, { recursive: true });
  return startDovecot({
    program: await needed('dovecot'),
    dataDir,
    imapPort: await freePort(),
    imapsPort: await freePort(),
    lmtpPort: await freePort(),
    password: randomBytes(12).toString('hex'),
    logFile: join(folder, 'dovecot.log'),
    isDurable: false,
  });
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

async function needed(...names: readonly string[]): Promise<string> {
  const program = await findProgram(...names);
  if (program === null)
    throw new Error(`${names.join(' or ')} is not installed: "npm test" as root installs it`);
  return program;
}
