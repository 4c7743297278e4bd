/**
 * Starts PostgreSQL, Redis and Dovecot once for the run, below a temporary folder and on random ports, and migrates the
 * database that test files clone. Everything is gone afterwards, also when a test fails or somebody presses Ctrl-C.
 *
 * A server that is missing does not keep the other tests from running: only the tests that ask for it fail, with what to
 * install. `npm test` installs them beforehand where it may.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '@mailstream/migrations/migrate';
import { createLogin } from '@mailstream/shared/local-stack/login-role';
import { findProgram } from '@mailstream/shared/local-stack/find-program';
import { startDovecot } from '@mailstream/shared/local-stack/dovecot-server';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { startPostgres } from '@mailstream/shared/local-stack/postgres-server';
import { startRedis } from '@mailstream/shared/local-stack/redis-server';
import { spawnServer, type ServerProcess, type Spawn } from '@mailstream/shared/local-stack/server-process';
import type { TestServers } from '@mailstream/shared/testing/test-servers';
import pg from 'pg';
import type { TestProject } from 'vitest/node';

const TEMPLATE = 'mailstream_template';
const LOGIN = 'mailstream';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'mst-'));
  // When we are root, servers run as another user, who has to reach their folders below.
  await chmod(folder, 0o755);
  const running: ServerProcess[] = [];
  const atExit = (): void => abandon(running, folder);
  process.once('exit', atExit);
  try {
    project.provide('servers', JSON.stringify(await startServers(folder, running)));
  } catch (error) {
    project.provide('servers', error instanceof Error ? error.message : String(error));
  }
  return async () => {
    process.off('exit', atExit);
    await Promise.all(running.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  };
}

/** On Ctrl-C vitest ends the process within a millisecond, so nothing here may wait: the servers end by themselves. */
function abandon(running: readonly ServerProcess[], folder: string): void {
  for (const server of running) if (server.isRunning()) process.kill(server.pid, 'SIGINT');
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

async function startServers(folder: string, running: ServerProcess[]): Promise<TestServers> {
  // From the moment it exists: a start that is interrupted must not leave it.
  const spawn: Spawn = async (command) => {
    const server = await spawnServer(command);
    running.push(server);
    return server;
  };
  const password = randomBytes(16).toString('hex');
  // Before anything is started: what is missing would have its folder removed under a server that is just coming up.
  const programs = {
    redis: await needed('redis-server', 'valkey-server'),
    dovecot: await needed('dovecot'),
  };
  const [postgres, redis, dovecot] = await Promise.all([
    startPostgres({
      dataDir: join(folder, 'pg'),
      port: await freePort(),
      password,
      logFile: join(folder, 'postgres.log'),
      isDurable: false,
      spawn,
    }),
    startRedis({
      program: programs.redis,
      dataDir: join(folder, 'redis'),
      port: await freePort(),
      password,
      logFile: join(folder, 'redis.log'),
      isDurable: false,
      spawn,
    }),
    startDovecot({
      program: programs.dovecot,
      dataDir: join(folder, 'dovecot'),
      imapPort: await freePort(),
      imapsPort: await freePort(),
      lmtpPort: await freePort(),
      password,
      logFile: join(folder, 'dovecot.log'),
      isDurable: false,
      spawn,
    }),
  ]);
  const client = new pg.Client({ connectionString: postgres.adminUrl });
  await client.connect();
  await client.query(`CREATE DATABASE ${TEMPLATE}`).finally(() => client.end());
  await migrate(postgres.urlOf(TEMPLATE));
  await createLogin(postgres.urlOf(TEMPLATE), { user: LOGIN, password });
  return {
    postgres: {
      adminUrl: postgres.adminUrl,
      templateDatabase: TEMPLATE,
      login: { user: LOGIN, password },
    },
    redis: { url: redis.url },
    dovecot: {
      host: '127.0.0.1',
      port: dovecot.imapPort,
      imapsPort: dovecot.imapsPort,
      lmtpPort: dovecot.lmtpPort,
      password,
      certificateFile: dovecot.certificateFile,
      mailDir: dovecot.mailDir,
    },
  };
}

async function needed(...names: readonly string[]): Promise<string> {
  const program = await findProgram(...names);
  if (program !== null) return program;
  throw new Error(
    `${names.join(' or ')} is not installed, so tests against real servers cannot run. ` +
      'As root "npm test" installs it; otherwise: sudo apt-get install redis-server dovecot-imapd dovecot-lmtpd',
  );
}
