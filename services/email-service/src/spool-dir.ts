/** Where large messages wait to be parsed: a directory of each process's own. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const DAY_MS = 86_400_000;

/** What processes that were killed left in theirs is removed after a day: nobody needs it. */
export async function freshSpool(root: string, owner: string, now: Date): Promise<string> {
  const own = join(root, owner);
  await mkdir(own, { recursive: true, mode: 0o700 });
  for (const name of await readdir(root)) {
    const path = join(root, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: now.getTime() }));
    if (now.getTime() - mtimeMs > DAY_MS) await rm(path, { recursive: true, force: true });
  }
  return own;
}
