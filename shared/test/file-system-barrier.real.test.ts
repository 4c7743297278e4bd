/** The barrier on the file system that is here; what it makes durable no test can see, but that it answers, shares and recovers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createFileSystemBarrier } from '../src/storage/file-system-barrier.ts';

const root = mkdtempSync(join(tmpdir(), 'mailstream-barrier-'));
const barrier = createFileSystemBarrier(root);
const pass = async (): Promise<void> => await barrier?.pass();
afterAll(() => {
  barrier?.close();
  rmSync(root, { recursive: true });
});

/** The shells of this process. */
function shells(): readonly number[] {
  const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], {
    encoding: 'utf8',
  });
  return children
    .split('\n')
    .filter((line) => line.includes(root))
    .map((line) => Number.parseInt(line, 10));
}

describe.skipIf(barrier === null)(
  'the barrier of a file system (needs Linux 5.8 and one that is known)',
  () => {
    it('is passed, by many at once', async () => {
      await pass();
      await Promise.all(Array.from({ length: 20 }, pass));
      expect(shells()).toHaveLength(1);
    });

    it('fails for those who wait when its shell dies, and works again with another', async () => {
      await pass();
      const [pid = 0] = shells();
      process.kill(pid, 'SIGSTOP');
      const waiting = Promise.allSettled([pass(), pass()]);
      process.kill(pid, 'SIGKILL');
      const [first] = await waiting;
      expect(first).toMatchObject({ status: 'rejected', reason: { code: 'EIO' } });
      await pass();
      expect(shells()).not.toContain(pid);
    });

    it('is not taken where the directory is on a file system that nobody knows', () => {
      expect(createFileSystemBarrier('/proc')).toBeNull();
    });
  },
);
