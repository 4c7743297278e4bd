/**
 * The write of `filesystem-storage.ts` for bytes in memory, with calls that block the thread. For worker threads that do one
 * thing at a time: it costs about half the processor time of the same calls through the pool of four threads that the whole
 * process shares, and does not compete for it.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** See `createBlockingWrite`. */
export interface BlockingWrite {
  /** Writes `bytes` to `target`, below the root, unless it is there; durably. Throws what the file system says. */
  durably(target: string, bytes: Uint8Array): void;
  /**
   * The same without waiting for the disk: durable after the next barrier (`file-system-barrier.ts`). Until then a power cut may
   * leave the name with too few bytes, which counts as not there.
   */
  untilBarrier(target: string, bytes: Uint8Array): void;
}

/** @param incoming directory for files being written, on the file system of `root` */
export function createBlockingWrite(root: string, incoming: string): BlockingWrite {
  /** Directories that we have seen, and whether they are durable by themselves; the others wait for the barrier as their files do. */
  const made = new Map<string, boolean>();

  function ensureDirectory(directory: string, isDurable: boolean): void {
    const known = made.get(directory);
    if (known === true || known === isDurable) return;
    if (directory.startsWith(root + sep)) ensureDirectory(dirname(directory), isDurable);
    mkdirSync(directory, { recursive: true });
    if (isDurable) syncDirectory(dirname(directory));
    made.set(directory, isDurable);
  }

  function write(target: string, bytes: Uint8Array, isDurable: boolean): void {
    ensureDirectory(dirname(target), isDurable);
    ensureDirectory(incoming, isDurable);
    const path = join(incoming, randomUUID());
    try {
      writeNew(path, bytes, isDurable);
      renameSync(path, target);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  }

  function writeAgain(target: string, bytes: Uint8Array, isDurable: boolean): void {
    try {
      write(target, bytes, isDurable);
    } catch (error) {
      // Somebody removed a directory behind our back: what we know of directories is worth nothing now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      made.clear();
      write(target, bytes, isDurable);
    }
  }

  return {
    durably(target, bytes) {
      // Whoever wrote it may not have come to the barrier yet.
      if (isThere(target, bytes.length)) syncFile(target);
      else writeAgain(target, bytes, true);
      syncDirectory(dirname(target));
    },
    untilBarrier(target, bytes) {
      if (!isThere(target, bytes.length)) writeAgain(target, bytes, false);
    },
  };
}

function isThere(target: string, size: number): boolean {
  return statSync(target, { throwIfNoEntry: false })?.size === size;
}

function writeNew(path: string, bytes: Uint8Array, isDurable: boolean): void {
  const file = openSync(path, 'wx', 0o640);
  try {
    writeFileSync(file, bytes);
    if (isDurable) fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** One that was set aside meanwhile has long been durable. */
function syncFile(path: string): void {
  let handle: number;
  try {
    handle = openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    fdatasyncSync(handle);
  } finally {
    closeSync(handle);
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
