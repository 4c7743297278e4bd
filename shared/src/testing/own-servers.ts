/**
 * Servers that belong to one test file, for what must not happen to the shared ones: being killed, restarted, emptied.
 * Ports and data stay the same over a restart. Everything is stopped and removed after the file.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { startDovecot, type DovecotServer } from '../local-stack/dovecot-server.ts';
import { findProgram } from '../local-stack/find-program.ts';
import { freePort } from '../local-stack/ports.ts';
import { startPostgres, type PostgresServer } from '../local-stack/postgres-server.ts';
import { startRedis, type RedisServer } from '../local-stack/redis-server.ts';
import type { ServerProcess } from '../local-stack/server-process.ts';

export interface OwnServer<T extends ServerProcess> {
  /** The one that runs now, or ran last. */
  readonly server: T;
  /** Cleanly. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** After `stop` or `kill`: the same data, port and password. */
  start(): Promise<void>;
}

/** Writes to disk (`appendonly`), so that a restart keeps what it had. */
export function useOwnRedis(): Promise<OwnServer<RedisServer>> {
  return own(async (folder) => {
    const options = {
      program: await needed('redis-server', 'valkey-server'),
      dataDir: join(folder, 'redis'),
      port: await freePort(),
      password: randomBytes(12).toString('hex'),
      logFile: join(folder, 'redis.log'),
      isDurable: true,
    };
    return () => startRedis(options);
  });
}

/** An empty cluster: no schema, no roles. With fsync off it survives a SIGKILL of its processes all the same. */
export function useOwnPostgres(): Promise<OwnServer<PostgresServer>> {
  return own(async (folder) => {
    const options = {
      dataDir: join(folder, 'pg'),
      port: await freePort(),
      password: randomBytes(12).toString('hex'),
      logFile: join(folder, 'postgres.log'),
      isDurable: false,
    };
    return () => startPostgres(options);
  });
}

/** @param introspectionUrl where it asks whether an OAuth token is good; without one it takes passwords only */
export function useOwnDovecot(introspectionUrl?: string): Promise<OwnServer<DovecotServer>> {
  return own(async (folder) => {
    const options = {
      program: await needed('dovecot'),
      dataDir: join(folder, 'dovecot'),
      imapPort: await freePort(),
      imapsPort: await freePort(),
      lmtpPort: await freePort(),
      password: randomBytes(12).toString('hex'),
      logFile: join(folder, 'dovecot.log'),
      isDurable: false,
      ...(introspectionUrl === undefined ? {} : { introspectionUrl }),
    };
    return () => startDovecot(options);
  });
}

async function own<T extends ServerProcess>(
  prepare: (folder: string) => Promise<() => Promise<T>>,
): Promise<OwnServer<T>> {
  const folder = await mkdtemp(join(tmpdir(), 'mso-'));
  await chmod(folder, 0o755);
  const launch = await prepare(folder);
  let server = await launch();
  // For a run that is interrupted: then no hook runs any more.
  const atExit = (): void => void server.kill();
  process.once('exit', atExit);
  afterAll(async () => {
    process.off('exit', atExit);
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get server() {
      return server;
    },
    stop: () => server.stop(),
    kill: () => server.kill(),
    start: async () => {
      if (server.isRunning()) throw new Error(`${server.name} runs already: stop it first`);
      server = await launch();
    },
  };
}

async function needed(...names: readonly string[]): Promise<string> {
  const program = await findProgram(...names);
  if (program === null)
    throw new Error(`${names.join(' or ')} is not installed: "npm test" as root installs it`);
  return program;
}
