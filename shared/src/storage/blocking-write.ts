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
  /**
   * Writes `bytes` to `target`, below the root, unless it is there; durably. Throws what the file system says.
   * @param isOrdered the file system is known to bring what was written in order (`file-system-barrier.ts`): then the disk is waited for
   *   once, with everything in its place. A journal takes the file, its name and new directories together, and what is synced after
   *   the first finds nothing to do: four waits become one, and a power cut before it leaves what `untilBarrier` leaves.
   */
  durably(target: string, bytes: Uint8Array, isOrdered: boolean): void;
  /**
   * Without waiting for the disk: durable after the next barrier (`file-system-barrier.ts`). Until then a power cut may
   * leave the name with too few bytes, which counts as not there.
   */
  untilBarrier(target: string, bytes: Uint8Array): void;
}

type Sync = 'before' | 'after' | 'not';

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

  /** @param sync before the name is there, after it, or not here */
  function write(target: string, bytes: Uint8Array, sync: Sync): void {
    ensureDirectory(dirname(target), sync === 'before');
    ensureDirectory(incoming, sync === 'before');
    const path = join(incoming, randomUUID());
    const file = openSync(path, 'wx', 0o640);
    try {
      writeFileSync(file, bytes);
      if (sync === 'before') fdatasyncSync(file);
      renameSync(path, target);
      if (sync === 'after') fdatasyncSync(file);
    } catch (error) {
      rmSync(path, { force: true });
      // A disk that failed once says yes the next time, to bytes that are lost.
      if (sync === 'after') rmSync(target, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Those between the root and `directory` that are not. */
  function makeDurable(directory: string): void {
    if (!directory.startsWith(root + sep) || made.get(directory) === true) return;
    syncDirectory(dirname(directory));
    makeDurable(dirname(directory));
    made.set(directory, true);
  }

  function writeAgain(target: string, bytes: Uint8Array, sync: Sync): void {
    try {
      write(target, bytes, sync);
    } catch (error) {
      // Somebody removed a directory behind our back: what we know of directories is worth nothing now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      made.clear();
      write(target, bytes, sync);
    }
  }

  return {
    durably(target, bytes, isOrdered) {
      // Whoever wrote it may not have come to the barrier yet.
      if (isThere(target, bytes.length)) syncFile(target);
      else writeAgain(target, bytes, isOrdered ? 'after' : 'before');
      syncDirectory(dirname(target));
      makeDurable(dirname(target));
    },
    untilBarrier(target, bytes) {
      if (!isThere(target, bytes.length)) writeAgain(target, bytes, 'not');
    },
  };
}

function isThere(target: string, size: number): boolean {
  return statSync(target, { throwIfNoEntry: false })?.size === size;
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
