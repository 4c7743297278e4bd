/** What `npm start` does once it is installed and built: servers, services, demo mailbox, a sample mail that is a ticket, and an end. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type { StackInfo } from '@mailstream/shared/local-stack/stack-info';
import { ROOT } from './container-files.ts';

/** As shared/bin/start-main.mjs does it, in a folder that looks like a clone: data of a developer's own stack stay out of it. */
const PROGRAM = `
  const { startStack } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'shared/dist/local-stack/start.js')).href)});
  const { identityOf } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'shared/bin/process-identity.mjs')).href)});
  process.exitCode = await startStack({ root: process.cwd(), ports: 'random', identityOf, say: console.log });
`;

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

function run(
  argv: readonly string[],
  cwd: string,
): { ended: Promise<Ended>; stop(): void; said(text: string): Promise<void> } {
  const child = spawn(process.execPath, argv, { cwd, env: { PATH: process.env['PATH'] ?? '', HOME: cwd } });
  let out = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      out += chunk;
      for (const look of waiting) look();
    });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, out })));
  return {
    ended,
    stop: () => void child.kill('SIGTERM'),
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (out.includes(text)) resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(out)));
      }),
  };
}

test('the whole system starts, shows a mail become a ticket, tells how to reach it, and leaves nothing running', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mailstream-start-'));
  // PostgreSQL and the mail server run as another user.
  await chmod(folder, 0o755);
  for (const name of ['services', 'server', 'migrations', 'shared', 'node_modules', 'package.json'])
    await symlink(join(ROOT, name), join(folder, name));
  const stack = run(['--input-type=module', '--eval', PROGRAM], folder);
  try {
    await stack.said('Ctrl-C');
    const info = JSON.parse(await readFile(join(folder, '.data/stack.json'), 'utf8')) as StackInfo;
    const get = (path: string): Promise<Response> =>
      fetch(`${info.api}${path}`, { headers: { authorization: `Bearer ${info.apiToken}` } });
    expect(await (await fetch(info.ui)).text()).toContain('<html');
    const { items } = (await (await get('/api/tickets')).json()) as { items: { subject: string }[] };
    expect(items.length).toBeGreaterThan(0);
    for (const url of [info.emailService, info.worker])
      expect((await fetch(`${new URL(url).origin}/health/ready`)).status).toBe(200);
    stack.stop();
    const { code, out } = await stack.ended;
    expect(code, out).toBe(0);
    expect(existsSync(join(folder, '.data/stack.json'))).toBe(false);
    for (const pid of Object.values(info.pids)) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  } finally {
    stack.stop();
    await stack.ended;
    await rm(folder, { recursive: true, force: true });
  }
});

test('a wrong argument is told, with what may be said', async () => {
  const { code, out } = await run([join(ROOT, 'shared/bin/start.mjs'), '--port=1'], ROOT).ended;
  expect(code).toBe(64);
  expect(out).toContain('--ports=random');
});
