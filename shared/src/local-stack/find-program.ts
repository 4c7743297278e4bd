/** Where programs are that a bare PATH of an ordinary user does not show. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

const EXTRA_FOLDERS = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/opt/homebrew/sbin',
  '/opt/homebrew/bin',
  '/home/linuxbrew/.linuxbrew/sbin',
  '/home/linuxbrew/.linuxbrew/bin',
];

/** PATH of everything we start. */
export function searchPath(): string {
  const own = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set([...own, ...EXTRA_FOLDERS])].join(delimiter);
}

/** Absolute path of the first of these names that can be run; null when none is there. */
export async function findProgram(...names: readonly string[]): Promise<string | null> {
  for (const name of names) {
    for (const folder of searchPath().split(delimiter)) {
      const candidate = join(folder, name);
      if (await isExecutable(candidate)) return candidate;
    }
  }
  return null;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
