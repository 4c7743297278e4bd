import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { loadCredentials } from '@mailstream/shared/local-stack/credentials';
import { obtain, type Need } from '@mailstream/shared/local-stack/obtain';
import { isFree } from '@mailstream/shared/local-stack/ports';
import { createProcessRegistry, stopLeftovers } from '@mailstream/shared/local-stack/process-registry';
import { choosePorts, FIXED_PORTS } from '@mailstream/shared/local-stack/stack-ports';
import { spawnServer } from '@mailstream/shared/local-stack/server-process';
import { supervise } from '@mailstream/shared/local-stack/supervisor';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';

const folder = await mkdtemp(join(tmpdir(), 'mailstream-local-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('ports', () => {
  test('random ports stay the same while they are free', async () => {
    const file = join(folder, 'ports.json');
    const first = await choosePorts('random', file, []);
    expect(new Set(Object.values(first)).size).toBe(Object.keys(FIXED_PORTS).length);
    expect(await choosePorts('random', file, [])).toEqual(first);
  });

  test('a random port that was taken meanwhile is replaced, and only that one', async () => {
    const file = join(folder, 'ports-taken.json');
    const first = await choosePorts('random', file, []);
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(first.imap, '127.0.0.1', resolve));
    const second = await choosePorts('random', file, []);
    await new Promise((resolve) => other.close(resolve));
    expect(second).toEqual({ ...first, imap: second.imap });
    expect(second.imap).not.toBe(first.imap);
  });

  test('a taken fixed port is named with what it is for and the way out', async () => {
    const other = createServer();
    const isOurs = await isFree(FIXED_PORTS.redis);
    if (isOurs) await new Promise<void>((resolve) => other.listen(FIXED_PORTS.redis, '127.0.0.1', resolve));
    const refused = choosePorts('fixed', join(folder, 'unused.json'), []);
    await expect(refused).rejects.toThrow(/6380 {2}\(Redis\)[\s\S]*--ports=random/);
    if (isOurs) await new Promise((resolve) => other.close(resolve));
  });
});

describe('credentials', () => {
  test('are made once, kept, and readable by their owner only', async () => {
    const file = join(folder, 'credentials.json');
    const made = await loadCredentials(file);
    expect(await loadCredentials(file)).toEqual(made);
    expect(Buffer.from(made.secretsMasterKey, 'base64')).toHaveLength(32);
    const { mode } = await import('node:fs/promises').then((fs) => fs.stat(file));
    expect(mode & 0o777).toBe(0o600);
  });

  test('a damaged file is not replaced: it holds the only key to stored secrets', async () => {
    const file = join(folder, 'damaged.json');
    await writeFile(file, '{"postgresPassword":');
    await expect(loadCredentials(file)).rejects.toThrow(/JSON/);
    expect(await readFile(file, 'utf8')).toBe('{"postgresPassword":');
  });
});

const sleeper = (name: string) => ({
  name,
  command: process.execPath,
  args: ['-e', 'setInterval(() => {}, 1000)'],
  cwd: folder,
  env: {},
  logFile: join(folder, `${name}.log`),
});

describe('processes', () => {
  const identities = new Map<number, string>();
  const identityOf = (pid: number): string | null => {
    try {
      process.kill(pid, 0);
      return identities.get(pid) ?? 'same';
    } catch {
      return null;
    }
  };

  test('what a killed launcher left is stopped by the next one', async () => {
    const file = join(folder, 'left.json');
    const left = await createProcessRegistry(file, identityOf).spawn(sleeper('left'));
    expect(await stopLeftovers(file, identityOf)).toEqual(['left']);
    expect((await left.exited).signal).toBe('SIGTERM');
  });

  test('a process that only has the number of one of ours is left alone', async () => {
    const file = join(folder, 'foreign.json');
    const foreign = await createProcessRegistry(file, identityOf).spawn(sleeper('foreign'));
    identities.set(foreign.pid, 'another');
    expect(await stopLeftovers(file, identityOf)).toEqual([]);
    expect(foreign.isRunning()).toBe(true);
    await foreign.stop();
  });

  test('nothing is started once the stop has begun', async () => {
    const registry = createProcessRegistry(join(folder, 'closed.json'), identityOf);
    registry.close();
    await expect(registry.spawn(sleeper('late'))).rejects.toThrow(/stopping/);
  });

  test('a server that does not heed its signal is killed at the deadline', async () => {
    const stubborn = await spawnServer({
      ...sleeper('stubborn'),
      args: ['-e', `process.on('SIGTERM', () => {}); console.log('deaf'); setInterval(() => {}, 1000)`],
      stopTimeoutMs: 200,
    });
    await expect.poll(() => stubborn.lastLogLines(1)).toBe('deaf');
    await stubborn.stop();
    expect((await stubborn.exited).signal).toBe('SIGKILL');
  });

  test('a program that is not there is an error that names the server', async () => {
    await expect(spawnServer({ ...sleeper('Nothing'), command: join(folder, 'no-such') })).rejects.toThrow(
      /Nothing could not be started/,
    );
  });

  test('a process that ends by itself is started again and its last words are shown', async () => {
    const said: string[] = [];
    let starts = 0;
    let restarted = (): void => undefined;
    const isBack = new Promise<void>((resolve) => (restarted = resolve));
    const supervised = await supervise({
      name: 'fragile',
      launch: () => {
        starts += 1;
        const args =
          starts === 1 ? ['-e', `console.log('last words'); process.exitCode = 3`] : sleeper('').args;
        return spawnServer({ ...sleeper('fragile'), args });
      },
      onRestarted: () => restarted(),
      say: (line) => said.push(line),
    });
    await isBack;
    expect(said[0]).toMatch(/fragile ended by itself \(exit code 3\)[\s\S]*last words/);
    await supervised.stop();
    expect(supervised.current().isRunning()).toBe(false);
    expect(starts).toBe(2);
  });
});

describe('what is missing', () => {
  const bin = join(folder, 'bin');
  const path = process.env['PATH'];
  const need: Need = {
    what: 'The server Imaginary',
    programs: ['imaginary-server'],
    apt: ['imaginary-server'],
    brew: 'imaginary',
    image: 'imaginary:1',
  };
  const options = { say: () => undefined, logFile: join(folder, 'install.log'), mayUseDocker: false };

  beforeEach(async () => {
    await rm(bin, { recursive: true, force: true });
    await mkdir(bin);
    process.env['PATH'] = `${bin}${delimiter}${path}`;
  });
  afterEach(() => {
    process.env['PATH'] = path;
  });

  /** Programs first on PATH that stand in for the machine's own. */
  async function program(name: string, text: string): Promise<void> {
    await writeFile(join(bin, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(bin, name), 0o755);
  }

  test('a program on PATH is used', async () => {
    await program('imaginary-server', 'true');
    expect(await obtain(need, options)).toEqual({ kind: 'program', path: join(bin, 'imaginary-server') });
  });

  test.skipIf(process.getuid?.() !== 0)('root gets it from apt-get, once its lock is free', async () => {
    const install = `printf '#!/bin/sh\\n' > ${bin}/imaginary-server && chmod +x ${bin}/imaginary-server`;
    await program(
      'apt-get',
      `case "$1" in install) if [ -e ${bin}/tried ]; then ${install}; else touch ${bin}/tried; echo 'E: Could not get lock'; exit 100; fi;; esac`,
    );
    expect(await obtain(need, options)).toEqual({ kind: 'program', path: join(bin, 'imaginary-server') });
  });

  test('when nothing works, one message names what to install, with exit code 69', async () => {
    for (const manager of ['apt-get', 'brew']) await program(manager, `echo 'E: no such package'; exit 100`);
    await expect(obtain(need, options)).rejects.toMatchObject({
      exitCode: 69,
      message: expect.stringMatching(
        /Imaginary is not installed[\s\S]*sudo apt-get install imaginary-server/,
      ),
    });
  });
});
