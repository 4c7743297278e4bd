import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const run = promisify(execFile);
const root = dirname(dirname(import.meta.dirname));
// Inside the repository, so that vitest is found from there.
const cache = join(root, 'node_modules', '.cache');
await mkdir(cache, { recursive: true });
const folder = await mkdtemp(join(cache, 'leak-check-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

await writeFile(
  join(folder, 'vitest.config.mjs'),
  `export default { test: { exclude: [], include: ['*.test.mjs'], pool: 'forks',
     setupFiles: [${JSON.stringify(join(root, 'shared/src/testing/leak-check.ts'))}] } };`,
);

async function resultOf(body: string): Promise<string> {
  await writeFile(
    join(folder, 'subject.test.mjs'),
    `import { createServer } from 'node:net'; import { spawn } from 'node:child_process';
     import { afterAll, test } from 'vitest'; test('subject', () => { ${body} });`,
  );
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { stdout, stderr } = await run(process.execPath, [vitest, 'run', '--root', folder], {
    env: { ...process.env, NO_COLOR: '1' },
  }).catch((failure: { stdout: string; stderr: string }) => failure);
  return stdout + stderr;
}

test('a file that leaves something open fails, with the names of what it left', async () => {
  const output = await resultOf(
    `createServer().listen(0); setInterval(() => {}, 1000); spawn(process.execPath, ['-e', 'setTimeout(() => {}, 6000)']);`,
  );
  expect(output).toMatch(/1 failed/);
  expect(output).toMatch(/left something open/);
  for (const kind of ['TCPServerWrap', 'Timeout', 'ProcessWrap']) expect(output).toContain(`1 ${kind}`);
}, 30_000);

test('a file that closes everything passes', async () => {
  const output = await resultOf(
    `const server = createServer(); server.listen(0); afterAll(() => server.close());`,
  );
  expect(output).toMatch(/1 passed/);
}, 30_000);
