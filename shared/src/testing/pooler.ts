/**
 * PgBouncer in transaction mode in front of the tests' PostgreSQL, with the settings that its package ships: no start-up parameter
 * is ignored, nothing is reset between clients, so whatever a client leaves on a connection shows.
 */
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll } from 'vitest';
import { findProgram, searchPath } from '../local-stack/find-program.ts';
import { freePort } from '../local-stack/ports.ts';
import { chooseUser } from '../local-stack/run-as.ts';
import { spawnServer, whenReady } from '../local-stack/server-process.ts';

export interface TestPooler {
  /** The same database and login through the pooler. */
  through(url: string): string;
}

/**
 * @param urls of all logins that will come through it, of one server.
 * @returns null where PgBouncer is not installed and could not be: "npm test" installs it as root.
 */
export async function usePooler(urls: readonly string[]): Promise<TestPooler | null> {
  const program = await findProgram('pgbouncer');
  const [first] = urls;
  if (program === null || first === undefined) return null;
  const folder = await mkdtemp(join(tmpdir(), 'msb-'));
  await chmod(folder, 0o755);
  const user = await chooseUser(folder, [program, join(folder, 'x')]);
  const port = await freePort();
  const upstream = new URL(first);
  const files = {
    'users.txt': urls.map((url) => `"${new URL(url).username}" "${new URL(url).password}"\n`).join(''),
    'pgbouncer.ini': [
      '[databases]',
      `* = host=${upstream.hostname} port=${upstream.port}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${join(folder, 'users.txt')}`,
      'pool_mode = transaction',
      '',
    ].join('\n'),
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    if (process.getuid?.() === 0) await chown(join(folder, name), user.uid, user.gid);
  }
  const [command, ...args] = [...user.prefix, program, join(folder, 'pgbouncer.ini')];
  const server = await spawnServer({
    name: 'PgBouncer',
    command: command as string,
    args,
    cwd: folder,
    env: { PATH: searchPath(), LC_ALL: 'C' },
    identity: user.identity,
    logFile: join(folder, 'pgbouncer.log'),
    // At once: what is still connected was left by a daemon that a test has killed.
    stopSignal: 'SIGTERM',
  });
  const atExit = (): void => void server.kill();
  process.once('exit', atExit);
  afterAll(async () => {
    process.off('exit', atExit);
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const through = (url: string): string => {
    const pooled = new URL(url);
    pooled.host = `127.0.0.1:${port}`;
    return pooled.href;
  };
  await whenReady(server, () => accepts(through(first)));
  return { through };
}

async function accepts(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } finally {
    await client.end();
  }
}
