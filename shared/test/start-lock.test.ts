import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'mailstream-lock-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const LOCK = pathToFileURL(join(import.meta.dirname, '../bin/lock.mjs')).href;

/** Runs `body` with the lock's functions in a process of its own, as its users do. */
function script(body: string): string[] {
  return ['--input-type=module', '-e', `import { lock, tryLock } from ${JSON.stringify(LOCK)};\n${body}`];
}

async function outcome(path: string): Promise<string> {
  const body = `const got = await tryLock(${JSON.stringify(path)}); console.log(got.kind, got.owner?.pid ?? ''); got.release?.();`;
  return (await run(process.execPath, script(body))).stdout.trim();
}

/** A process that holds the lock until it is killed. */
async function holder(path: string): Promise<ChildProcess> {
  const body = `const got = await tryLock(${JSON.stringify(path)}); console.log(got.kind); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, script(body), { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

test('a lock that is held names its owner', async () => {
  const path = join(folder, 'held');
  const child = await holder(path);
  expect(await outcome(path)).toBe(`held ${child.pid}`);
  await kill(child);
});

test('the lock of a killed owner is taken over', async () => {
  const path = join(folder, 'killed');
  await kill(await holder(path));
  expect(existsSync(path)).toBe(true);
  expect(await outcome(path)).toBe('taken');
});

test('a process that got the number of a killed owner does not count as the owner', async () => {
  const path = join(folder, 'reused');
  await writeFile(path, JSON.stringify({ pid: process.pid, identity: 'another process of long ago' }));
  expect(await outcome(path)).toBe('taken');
});

test('a damaged lock file does not shut anybody out', async () => {
  const path = join(folder, 'damaged');
  await writeFile(path, '{"pid": 12');
  expect(await outcome(path)).toBe('taken');
});

test('of many that find a stale lock at once only one holds it at a time', async () => {
  const path = join(folder, 'race');
  const log = join(folder, 'race.log');
  await kill(await holder(path));
  await writeFile(log, '');
  const body = `
    import { appendFileSync } from 'node:fs';
    const release = await lock(${JSON.stringify(path)}, () => undefined);
    appendFileSync(${JSON.stringify(log)}, 'in ' + process.pid + '\\n');
    await new Promise((resolve) => setImmediate(resolve));
    appendFileSync(${JSON.stringify(log)}, 'out ' + process.pid + '\\n');
    release();`;
  await Promise.all(Array.from({ length: 6 }, () => run(process.execPath, script(body))));
  const lines = (await readFile(log, 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(12);
  for (let at = 0; at < lines.length; at += 2) {
    expect(lines[at + 1]).toBe(lines[at]?.replace('in', 'out'));
  }
  expect(existsSync(path)).toBe(false);
});
