/** PostgreSQL, Redis and Dovecot of one run, to be stopped, killed, emptied and set back. Ports and passwords stay the same. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, lchown, readdir, readFile, readlink, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startDovecot, type DovecotServer } from '@mailstream/shared/local-stack/dovecot-server';
import { findProgram } from '@mailstream/shared/local-stack/find-program';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { startPostgres, type PostgresServer } from '@mailstream/shared/local-stack/postgres-server';
import { startRedis, type RedisServer } from '@mailstream/shared/local-stack/redis-server';
import type { ServerProcess } from '@mailstream/shared/local-stack/server-process';

export interface Managed<T extends ServerProcess> {
  readonly server: T;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** After `stop` or `kill`. */
  start(): Promise<void>;
}

/** Workers of a killed master need a moment to see it; until then a new master finds its memory or ports in use. */
const START_PATIENCE_MS = 20_000;

async function manage<T extends ServerProcess>(launch: () => Promise<T>): Promise<Managed<T>> {
  let server = await launch();
  const atExit = (): void => void server.kill();
  process.once('exit', atExit);
  return {
    get server() {
      return server;
    },
    stop: async () => {
      await server.stop();
      process.off('exit', atExit);
    },
    kill: () => server.kill(),
    start: async () => {
      const deadline = Date.now() + START_PATIENCE_MS;
      for (;;) {
        try {
          server = await launch();
          break;
        } catch (error) {
          if (Date.now() > deadline) throw error;
          await delay(200);
        }
      }
      process.off('exit', atExit);
      process.once('exit', atExit);
    },
  };
}

export interface ChaosPostgres extends Managed<PostgresServer> {
  /** Copies the cluster as a crash at this instant would leave it. */
  snapshot(): Promise<void>;
  hasSnapshot(): boolean;
  /** Killed, set back to the last snapshot, started. */
  restore(): Promise<void>;
}

/** @param template a cluster made before, copied; null makes an empty one. */
export async function ownPostgres(options: {
  readonly folder: string;
  readonly logFile: string;
  readonly password: string;
  readonly template: string | null;
}): Promise<ChaosPostgres> {
  const dataDir = join(options.folder, 'pg');
  const copy = join(options.folder, 'pg-snapshot');
  if (options.template !== null) await copyCluster(options.template, dataDir);
  const port = await freePort();
  const managed = await manage(() =>
    startPostgres({ dataDir, port, password: options.password, logFile: options.logFile, isDurable: false }),
  );
  return {
    get server() {
      return managed.server;
    },
    stop: managed.stop,
    kill: managed.kill,
    start: managed.start,
    snapshot: async () => {
      await rm(copy, { recursive: true, force: true });
      const held = await hold(managed.server.pid);
      try {
        await copyCluster(dataDir, copy);
      } finally {
        for (const pid of held) signal(pid, 'SIGCONT');
      }
    },
    hasSnapshot: () => existsSync(copy),
    restore: async () => {
      await managed.kill();
      await whenGone(dataDir);
      await rm(dataDir, { recursive: true, force: true });
      await copyCluster(copy, dataDir);
      await managed.start();
    },
  };
}

/** Owners and modes stay: PostgreSQL looks at both. */
async function copyCluster(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, preserveTimestamps: true });
  await own(from, to);
  await rm(join(to, 'postmaster.pid'), { force: true });
}

async function own(like: string, folder: string): Promise<void> {
  const { uid, gid } = await stat(like);
  const give = async (path: string): Promise<void> => {
    if (process.getuid?.() === 0) await lchown(path, uid, gid);
  };
  await give(folder);
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    await give(join(entry.parentPath, entry.name));
}

/** Stops the postmaster first, so that it makes no new children meanwhile. */
async function hold(postmaster: number): Promise<readonly number[]> {
  signal(postmaster, 'SIGSTOP');
  const held = [postmaster];
  for (const pid of await childrenOf(postmaster)) {
    signal(pid, 'SIGSTOP');
    held.push(pid);
  }
  return held;
}

async function childrenOf(parent: number): Promise<readonly number[]> {
  const list = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8');
  return list.trim().split(/\s+/).filter(Boolean).map(Number);
}

/** The children of a killed postmaster end when they see it; they must not write into the next one's files. */
async function whenGone(dataDir: string): Promise<void> {
  const deadline = Date.now() + START_PATIENCE_MS;
  const isUsed = async (): Promise<boolean> => {
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      if (cwd === dataDir) return true;
    }
    return false;
  };
  while ((await isUsed()) && Date.now() < deadline) await delay(50);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export interface ChaosRedis extends Managed<RedisServer> {
  /** Killed, everything it had is removed, started. */
  empty(): Promise<void>;
  /** Killed, the last bytes of what it wrote are cut off, started. */
  loseTail(bytes: number): Promise<void>;
  /** Every command that needs memory is refused, until it is told otherwise or started again. */
  setFull(isFull: boolean): Promise<void>;
}

export async function ownRedis(options: {
  readonly folder: string;
  readonly logFile: string;
}): Promise<ChaosRedis> {
  const dataDir = join(options.folder, 'redis');
  const settings = {
    program: await needed('redis-server', 'valkey-server'),
    dataDir,
    port: await freePort(),
    password: randomBytes(12).toString('hex'),
    logFile: options.logFile,
    isDurable: true,
  };
  const managed = await manage(async () => {
    const server = await startRedis(settings);
    // With `everysec` Redis may answer before it has written, and a kill would lose what it confirmed.
    const client = new Redis(server.url);
    await client.config('SET', 'appendfsync', 'always').finally(() => client.disconnect());
    return server;
  });
  return {
    get server() {
      return managed.server;
    },
    stop: managed.stop,
    kill: managed.kill,
    start: managed.start,
    empty: async () => {
      await managed.kill();
      await rm(dataDir, { recursive: true, force: true });
      await managed.start();
    },
    setFull: async (isFull) => {
      const client = new Redis(managed.server.url);
      await client.config('SET', 'maxmemory', isFull ? '1' : '0').finally(() => client.disconnect());
    },
    loseTail: async (bytes: number) => {
      await managed.kill();
      const folder = join(dataDir, 'appendonlydir');
      const newest = (await readdir(folder))
        .filter((name) => name.endsWith('.incr.aof'))
        .sort()
        .at(-1);
      if (newest !== undefined) {
        const path = join(folder, newest);
        await truncate(path, Math.max(0, (await stat(path)).size - bytes));
      }
      await managed.start();
    },
  };
}

export async function ownDovecot(options: {
  readonly folder: string;
  readonly logFile: string;
}): Promise<Managed<DovecotServer>> {
  const settings = {
    program: await needed('dovecot'),
    dataDir: join(options.folder, 'dovecot'),
    imapPort: await freePort(),
    imapsPort: await freePort(),
    lmtpPort: await freePort(),
    password: randomBytes(12).toString('hex'),
    logFile: options.logFile,
    isDurable: false,
  };
  return manage(() => startDovecot(settings));
}

async function needed(...names: readonly string[]): Promise<string> {
  const program = await findProgram(...names);
  if (program === null)
    throw new Error(`${names.join(' or ')} is not installed: "npm test" as root installs it`);
  return program;
}
