/**
 * What it costs to make a file. ext4 without a journal does not give away the inode of a removed file for five minutes, and looks at
 * each of them whenever it makes another one: right after a bench has removed its hundred thousand files a new one takes 0.5 to 1 ms
 * instead of 0.05 (`recently_deleted` in fs/ext4/ialloc.c). Every message makes one or two.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../report/statistics.ts';

const FILES = 101;
/** Five times what it takes on a slow virtual machine. */
const SLOW_MS = 0.25;

/** @returns the middle one of some, milliseconds. They are left in `folder`, as is what they are in */
export function newFileMs(folder: string): number {
  const directory = join(folder, 'new-files');
  mkdirSync(directory);
  const times = Array.from({ length: FILES }, (_, n) => {
    const begunMs = performance.now();
    const file = openSync(join(directory, String(n)), 'wx');
    const tookMs = performance.now() - begunMs;
    closeSync(file);
    return tookMs;
  });
  return median(times);
}

/** Null where nothing is wrong. */
export function newFileWarning(tookMs: number): string | null {
  if (tookMs < SLOW_MS) return null;
  return [
    `A new file takes ${tookMs.toFixed(2)} ms here, five times what it should and more. Were many files removed in the last five minutes, such as by another bench?`,
    'Where ext4 has no journal that slows down each new one. Whatever stores mail is slower than it is otherwise: wait five minutes, or read it so.',
  ].join('\n');
}
