/** Redis (or Valkey) from the machine, on 127.0.0.1 with a password. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { searchPath } from './find-program.ts';
import { spawnServer, whenReady, type ServerProcess, type Spawn } from './server-process.ts';
import { answers } from './tcp-probe.ts';

export interface RedisServer extends ServerProcess {
  readonly port: number;
  readonly url: string;
}

export interface RedisOptions {
  /** Absolute path of redis-server or valkey-server. */
  readonly program: string;
  /** Holds the configuration, the append-only file and snapshots; created when missing. */
  readonly dataDir: string;
  readonly port: number;
  readonly password: string;
  readonly logFile: string;
  /** False for tests: everything in memory, nothing written. */
  readonly isDurable: boolean;
  /** Default: `spawnServer`. */
  readonly spawn?: Spawn;
}

/** @throws with the log's last lines when it does not start. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const configFile = join(options.dataDir, 'redis.conf');
  // In a file of its own: a password on the command line can be read by everybody on the machine.
  await writeFile(configFile, configuration(options), { mode: 0o600 });
  const server = await (options.spawn ?? spawnServer)({
    name: 'Redis',
    command: options.program,
    args: [configFile],
    cwd: options.dataDir,
    env: { PATH: searchPath(), LC_ALL: 'C' },
    logFile: options.logFile,
  });
  const ping = `AUTH ${options.password}\r\nPING\r\n`;
  await whenReady(server, () => answers(options.port, /\+OK\r\n\+PONG/, ping));
  return { ...server, port: options.port, url: `redis://:${options.password}@127.0.0.1:${options.port}` };
}

function configuration(options: RedisOptions): string {
  return [
    'bind 127.0.0.1',
    `port ${options.port}`,
    `requirepass ${options.password}`,
    `dir ${options.dataDir}`,
    'daemonize no',
    // What a stream that must lose nothing needs: refuse writes when full, never evict.
    'maxmemory-policy noeviction',
    ...(options.isDurable
      ? ['databases 16', 'appendonly yes', 'appendfsync everysec']
      : // One number for each test file.
        ['databases 1024', 'appendonly no', 'save ""']),
    '',
  ].join('\n');
}
