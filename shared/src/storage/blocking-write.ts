/**
 * The write of `filesystem-storage.ts` for bytes in memory, with calls that block the thread. For worker threads that do one
 * thing at a time: it costs about half the processor time of the same calls through the pool of four threads that the whole
 * process shares, and does not compete for it.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** Writes `bytes` to `target`, below `root`, unless it is there. Throws what the file system says. */
export type BlockingWrite = (target: string, bytes: Uint8Array) => void;

/** @param incoming directory for files being written, on the file system of `root` */
export function createBlockingWrite(root: string, incoming: string): BlockingWrite {
  const durableDirectories = new Set<string>();

  function ensureDirectory(directory: string): void {
    if (durableDirectories.has(directory)) return;
    if (directory.startsWith(root + sep)) ensureDirectory(dirname(directory));
    mkdirSync(directory, { recursive: true });
    syncDirectory(dirname(directory));
    durableDirectories.add(directory);
  }

  function write(target: string, bytes: Uint8Array): void {
    ensureDirectory(dirname(target));
    ensureDirectory(incoming);
    const path = join(incoming, randomUUID());
    try {
      writeDurably(path, bytes);
      renameSync(path, target);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  }

  return (target, bytes) => {
    if (!existsSync(target)) {
      try {
        write(target, bytes);
      } catch (error) {
        // Somebody removed a directory behind our back: what we know of directories is worth nothing now.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        durableDirectories.clear();
        write(target, bytes);
      }
    }
    syncDirectory(dirname(target));
  };
}

function writeDurably(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx', 0o640);
  try {
    writeFileSync(file, bytes);
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
