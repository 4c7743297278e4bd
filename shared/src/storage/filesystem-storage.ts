/**
 * Storage in a directory.
 *
 *   <root>/.incoming/<uuid>      being written; of no meaning to anybody but its writer
 *   <root>/<tenant>/raw/<aa>/... whole and durable from the moment the name is there
 *   <root>/.aside/<tenant>/...   set aside (`filesystem-removal.ts`)
 *
 * write → fdatasync → rename → fsync of the directory; for many at once write → rename → one barrier for all of them. A name with
 * the size of its content is complete, so finding it is enough; file and directory are synced again, because whoever wrote it may
 * have died before doing so.
 */
import { createReadStream, mkdirSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createBlockingWrite } from './blocking-write.ts';
import { spaceAt } from './disk-space.ts';
import { createFileSystemBarrier, type FileSystemBarrier } from './file-system-barrier.ts';
import { createDurableDirectories, syncDirectory, syncFile } from './durable-directories.ts';
import { createFilesystemRemoval } from './filesystem-removal.ts';
import { storageNotFound, storageUnavailable } from './storage-faults.ts';
import { assertStorageKey } from './storage-key.ts';
import { SourceError, chunksOf, discard, isBytes } from './storage-source.ts';
import type { RemovableStorage, StorageSource } from './storage.ts';

/** Begins with a dot, as no key can. */
const INCOMING = '.incoming';
/** No write takes a day: what is older was left by a process that died. */
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * @param root absolute path; made when it is not there.
 * @param isBlocking write bytes that are in memory with calls that block this thread; see `blocking-write.ts`
 */
export function createFilesystemStorage(root: string, isBlocking = false): RemovableStorage {
  const blockingWrite = isBlocking ? createBlockingWrite(root, join(root, INCOMING)) : null;
  const directories = createDurableDirectories(root);
  const removal = createFilesystemRemoval(root, directories);

  async function writeIncoming(source: StorageSource): Promise<string> {
    await directories.ensure(root);
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
      await directories.ensure(directory);
      await rename(incoming, target);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      directories.forget();
      await directories.ensure(directory);
      await rename(incoming, target);
    }
    await syncDirectory(directory);
  }

  /** Looked for at the first use, when the directory is there; null where there is none. */
  let found: FileSystemBarrier | null | undefined;

  function barrierHere(): FileSystemBarrier | null {
    if (found !== undefined) return found;
    mkdirSync(root, { recursive: true });
    found = createFileSystemBarrier(root);
    return found;
  }

  async function put(key: string, source: StorageSource): Promise<void> {
    const target = pathOf(root, key);
    await asFault(async () => {
      if (blockingWrite !== null && isBytes(source)) {
        blockingWrite.durably(target, source);
        return;
      }
      if (await isThere(target, isBytes(source) ? source.length : null)) {
        await discard(source);
        await syncFile(target);
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
  }

  return {
    put,

    async putAll(objects) {
      await asFault(async () => {
        const isLater = blockingWrite !== null && barrierHere() !== null;
        for (const { key, bytes } of objects) {
          if (isLater) blockingWrite.untilBarrier(pathOf(root, key), bytes);
          else await put(key, bytes);
        }
      });
    },

    async barrier() {
      await asFault(async () => await barrierHere()?.pass());
    },

    async read(key): Promise<Readable> {
      assertStorageKey(key);
      return await asFault(async () => {
        const file = await openFirst(removal.places(key)).catch((error: unknown) => {
          throw hasCode(error, 'ENOENT') ? storageNotFound() : error;
        });
        return createReadStream('', { fd: file, highWaterMark: 256 * 1024 });
      });
    },

    async exists(key) {
      assertStorageKey(key);
      return await asFault(async () => {
        for (const path of removal.places(key)) if (await isThere(path, null)) return true;
        return false;
      });
    },

    list: async (page) => await asFault(() => removal.list(page)),
    async setAside(key) {
      assertStorageKey(key);
      await asFault(() => removal.setAside(key));
    },
    async restore(key) {
      assertStorageKey(key);
      await asFault(() => removal.restore(key));
    },
    async removeAside(key) {
      assertStorageKey(key);
      await asFault(() => removal.removeAside(key));
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
      found?.close();
    },
  };
}

function pathOf(root: string, key: string): string {
  assertStorageKey(key);
  return join(root, ...key.split('/'));
}

/** The first that is there. */
async function openFirst(paths: readonly string[]): Promise<FileHandle> {
  for (const path of paths) {
    try {
      return await open(path, 'r');
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
  throw Object.assign(new Error('nowhere'), { code: 'ENOENT' });
}

/** @param size bytes that it must have; null when nobody knows */
async function isThere(path: string, size: number | null): Promise<boolean> {
  try {
    const found = await stat(path);
    return size === null || found.size === size;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
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
