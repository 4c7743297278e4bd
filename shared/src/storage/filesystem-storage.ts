/**
 * Storage in a directory.
 *
 *   <root>/.incoming/<uuid>      being written; of no meaning to anybody but its writer
 *   <root>/<tenant>/raw/<aa>/... whole and durable from the moment the name is there
 *
 * write → fdatasync → rename → fsync of the directory. A name that is there was complete before it got there, so finding it is
 * enough; only the directory is synced again, because whoever renamed may have died before doing so.
 */
import { createReadStream } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createBlockingWrite } from './blocking-write.ts';
import { spaceAt } from './disk-space.ts';
import { storageNotFound, storageUnavailable } from './storage-faults.ts';
import { assertStorageKey } from './storage-key.ts';
import { SourceError, chunksOf, discard, isBytes } from './storage-source.ts';
import type { Storage, StorageSource } from './storage.ts';

/** Begins with a dot, as no key can. */
const INCOMING = '.incoming';
/** No write takes a day: what is older was left by a process that died. */
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * @param root absolute path; made when it is not there.
 * @param isBlocking write bytes that are in memory with calls that block this thread; see `blocking-write.ts`
 */
export function createFilesystemStorage(root: string, isBlocking = false): Storage {
  const blockingWrite = isBlocking ? createBlockingWrite(root, join(root, INCOMING)) : null;
  /** Directories that are known to be there and synced into their parents. */
  const durableDirectories = new Set<string>();

  async function ensureDirectory(directory: string): Promise<void> {
    if (durableDirectories.has(directory)) return;
    const parent = dirname(directory);
    if (directory.startsWith(root + sep)) await ensureDirectory(parent);
    await mkdir(directory, { recursive: true });
    await syncDirectory(parent);
    durableDirectories.add(directory);
  }

  async function writeIncoming(source: StorageSource): Promise<string> {
    await ensureDirectory(root);
    const path = join(root, INCOMING, randomUUID());
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'wx', 0o640);
    try {
      if (isBytes(source)) await file.writeFile(source);
      else for await (const chunk of chunksOf(source)) await file.writeFile(chunk);
      await file.datasync();
    } catch (error) {
      await file.close();
      await unlink(path).catch(() => undefined);
      throw error;
    }
    await file.close();
    return path;
  }

  async function moveIntoPlace(incoming: string, target: string): Promise<void> {
    const directory = dirname(target);
    try {
      await ensureDirectory(directory);
      await rename(incoming, target);
    } catch (error) {
      // Somebody removed the directory behind our back: what we know of directories is worth nothing now.
      if (!hasCode(error, 'ENOENT')) throw error;
      durableDirectories.clear();
      await ensureDirectory(directory);
      await rename(incoming, target);
    }
    await syncDirectory(directory);
  }

  return {
    async put(key, source) {
      const target = pathOf(root, key);
      await asFault(async () => {
        if (blockingWrite !== null && isBytes(source)) {
          blockingWrite(target, source);
          return;
        }
        if (await isThere(target)) {
          await discard(source);
          await syncDirectory(dirname(target));
          return;
        }
        const incoming = await writeIncoming(source);
        try {
          await moveIntoPlace(incoming, target);
        } catch (error) {
          await unlink(incoming).catch(() => undefined);
          throw error;
        }
      });
    },

    async read(key): Promise<Readable> {
      const target = pathOf(root, key);
      return await asFault(async () => {
        const file = await open(target, 'r').catch((error: unknown) => {
          throw hasCode(error, 'ENOENT') ? storageNotFound() : error;
        });
        return createReadStream('', { fd: file, highWaterMark: 256 * 1024 });
      });
    },

    async exists(key) {
      const target = pathOf(root, key);
      return await asFault(async () => await isThere(target));
    },

    async check() {
      await asFault(async () => {
        await unlink(await writeIncoming(Buffer.from('check')));
        await removeLeftovers(join(root, INCOMING));
      });
    },

    async space() {
      return await asFault(async () => await spaceAt(root));
    },

    async close() {
      // Nothing is kept open between calls.
    },
  };
}

function pathOf(root: string, key: string): string {
  assertStorageKey(key);
  return join(root, ...key.split('/'));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeLeftovers(directory: string): Promise<void> {
  const oldest = Date.now() - LEFTOVER_AGE_MS;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    // Another replica may clean up at the same time: a file that is gone is what we want.
    const found = await stat(path).catch(() => null);
    if (found !== null && found.mtimeMs < oldest) await rm(path, { force: true, recursive: true });
  }
}

/** Everything that is not an error of the source or a fault already is an error of the file system. */
async function asFault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SourceError) throw error.cause;
    throw hasStringCode(error) ? storageUnavailable(error) : error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return hasStringCode(error) && error.code === code;
}

function hasStringCode(error: unknown): error is { code: string } {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string';
}
