/**
 * Redis and GreenMail as containers, for a machine that has neither the programs nor a package manager we may use.
 * `docker run` stays in the foreground and passes signals on, so a container is a child process like the others.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { searchPath } from './find-program.ts';
import type { RedisServer } from './redis-server.ts';
import { whenReady, type ServerProcess, type Spawn } from './server-process.ts';
import { answers } from './tcp-probe.ts';

const run = promisify(execFile);
/** The first start downloads the image. */
const READY_MS = 300_000;

export interface ContainerOptions {
  readonly docker: string;
  readonly image: string;
  /** Names the containers of this clone. */
  readonly folder: string;
  readonly logFile: string;
  readonly spawn: Spawn;
}

async function runContainer(
  options: ContainerOptions,
  name: string,
  flags: readonly string[],
  command: readonly string[],
): Promise<ServerProcess> {
  const clone = createHash('sha256').update(options.folder).digest('hex').slice(0, 10);
  const container = `mailstream-${clone}-${name}`;
  const env = { ...process.env, PATH: searchPath() } as Record<string, string>;
  // Left by a run that was killed: its client is gone, the container is not.
  await run(options.docker, ['rm', '--force', container], { env }).catch(() => undefined);
  return options.spawn({
    name,
    command: options.docker,
    args: ['run', '--rm', '--init', '--name', container, ...flags, options.image, ...command],
    cwd: options.folder,
    env,
    logFile: options.logFile,
    stopTimeoutMs: 15_000,
  });
}

export async function startRedisContainer(
  options: ContainerOptions & { readonly dataDir: string; readonly port: number; readonly password: string },
): Promise<RedisServer> {
  const server = await runContainer(
    options,
    'redis',
    ['-p', `127.0.0.1:${options.port}:6379`, '-v', `${options.dataDir}:/data`],
    [
      ...['redis-server', '--requirepass', options.password],
      ...['--appendonly', 'yes', '--maxmemory-policy', 'noeviction'],
    ],
  );
  const ping = `AUTH ${options.password}\r\nPING\r\n`;
  await whenReady(server, () => answers(options.port, /\+OK\r\n\+PONG/, ping), READY_MS);
  return { ...server, port: options.port, url: `redis://:${options.password}@127.0.0.1:${options.port}` };
}

/** Mail is in memory: gone after a restart. Any password fits, and the user name is the whole address. */
export async function startGreenmailContainer(
  options: ContainerOptions & { readonly imapPort: number; readonly smtpPort: number },
): Promise<ServerProcess> {
  const settings = '-Dgreenmail.setup.test.all -Dgreenmail.hostname=0.0.0.0 -Dgreenmail.auth.disabled';
  const server = await runContainer(
    options,
    'greenmail',
    [
      ...['-p', `127.0.0.1:${options.imapPort}:3143`, '-p', `127.0.0.1:${options.smtpPort}:3025`],
      ...['-e', `GREENMAIL_OPTS=${settings}`],
    ],
    [],
  );
  await whenReady(server, () => answers(options.imapPort, /^\* OK /), READY_MS);
  return server;
}
