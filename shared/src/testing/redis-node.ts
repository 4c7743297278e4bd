/** One small server of Redis for a topology of a test file: in memory only, on a free port. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { afterAll } from 'vitest';
import { findProgram, searchPath } from '../local-stack/find-program.ts';
import { spawnServer, whenReady, type ServerProcess } from '../local-stack/server-process.ts';

export interface RedisNode {
  readonly port: number;
  /** As the user `default`, who may do everything; made anew at each start, and quiet about errors. */
  readonly admin: Redis;
  readonly server: ServerProcess;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export interface RedisNodeOptions {
  readonly folder: string;
  readonly name: string;
  readonly port: number;
  /** Lines of the configuration, besides port, folder and memory only. */
  readonly settings: readonly string[];
  readonly login: Pick<RedisOptions, 'password' | 'tls'>;
  readonly isSentinel?: boolean;
}

/** A folder that is removed after the file, when everything that was started in it is. */
export async function useFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'msr-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs until the end of the test file. */
export async function useRedisNode(options: RedisNodeOptions): Promise<RedisNode> {
  const { folder, name, port, settings, login, isSentinel = false } = options;
  const program = await findProgram('redis-server', 'valkey-server');
  if (program === null) throw new Error('redis-server is not installed: "npm test" as root installs it');
  const dir = join(folder, name);
  await mkdir(dir, { mode: 0o700 });
  const file = join(dir, 'redis.conf');
  const lines = [
    'bind 127.0.0.1',
    `dir ${dir}`,
    ...(isSentinel
      ? []
      : ['save ""', 'appendonly no', 'maxmemory-policy noeviction', 'repl-diskless-sync-delay 0']),
    ...settings,
  ];
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  const server = await spawnServer({
    name: `Redis ${name}`,
    command: program,
    args: [file, ...(isSentinel ? ['--sentinel'] : [])],
    cwd: dir,
    env: { PATH: searchPath(), LC_ALL: 'C' },
    logFile: join(folder, `${name}.log`),
    // Replicas and clients are still there: nobody is waited for.
    stopSignal: 'SIGKILL',
  });
  const admin = new Redis({
    ...login,
    host: 'localhost',
    port,
    retryStrategy: () => 50,
    maxRetriesPerRequest: 0,
  });
  admin.on('error', () => undefined);
  const atExit = (): void => void server.kill();
  process.once('exit', atExit);
  afterAll(async () => {
    process.off('exit', atExit);
    admin.disconnect();
    await server.stop();
  });
  await whenReady(server, async () => (await admin.ping()) === 'PONG');
  return { port, admin, server, kill: () => server.kill() };
}
