/**
 * Setting aside and removing in a directory (`RemovableStorage`). A rename is atomic and keeps the content; the time of the file is set
 * before it, so that the time of what is aside tells when that happened.
 */
import { readdir, rename, stat, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory, type DurableDirectories } from './durable-directories.ts';
import { isStorageKey } from './storage-key.ts';
import type { RemovableStorage, StoredObject } from './storage.ts';

/** Begins with a dot, as no key can. */
const ASIDE = '.aside';

export type FilesystemRemoval = Pick<RemovableStorage, 'list' | 'setAside' | 'restore' | 'removeAside'> & {
  /** Where to look for an object, in this order. The first again at the end: it may be restored while somebody looks. */
  places(key: string): readonly string[];
};

/** Keys are taken as they are: check them before. Rejects with what the file system says. */
export function createFilesystemRemoval(root: string, directories: DurableDirectories): FilesystemRemoval {
  const stored = (key: string): string => join(root, ...key.split('/'));
  const aside = (key: string): string => join(root, ASIDE, ...key.split('/'));

  const move = async (from: string, to: string): Promise<void> => {
    await directories.ensure(dirname(to));
    await rename(from, to);
    await syncDirectory(dirname(to));
    await syncDirectory(dirname(from));
  };

  return {
    places: (key) => [stored(key), aside(key), stored(key)],
    list: async ({ area, tenant, after, limit }) => {
      const top = area === 'stored' ? root : join(root, ASIDE);
      const rest = after === null ? [] : after.split('/').slice(1);
      const objects: StoredObject[] = [];
      for await (const object of walk(top, tenant, rest)) {
        objects.push(object);
        if (objects.length === limit) return { objects, after: object.key };
      }
      return { objects, after: null };
    },
    setAside: (key) =>
      unlessGone(async () => {
        const now = new Date();
        await utimes(stored(key), now, now);
        await move(stored(key), aside(key));
      }),
    restore: (key) => unlessGone(() => move(aside(key), stored(key))),
    removeAside: (key) =>
      unlessGone(async () => {
        await unlink(aside(key));
        await syncDirectory(dirname(aside(key)));
      }),
  };

  /** Files below `folder` (a key without its last parts), by name. @param after parts of the last name that was seen; empty for none */
  async function* walk(
    top: string,
    folder: string,
    after: readonly string[],
  ): AsyncGenerator<StoredObject, void> {
    const [first = '', ...deeper] = after;
    for (const entry of await entriesOf(join(top, ...folder.split('/')))) {
      if (entry.name < first) continue;
      const key = `${folder}/${entry.name}`;
      if (entry.isDirectory()) yield* walk(top, key, entry.name === first ? deeper : []);
      else if (entry.isFile() && entry.name !== first && isStorageKey(key)) {
        const found = await stat(join(top, ...key.split('/'))).catch(ignoreGone);
        if (found !== undefined) yield { key, size: found.size, storedAt: found.mtime };
      }
    }
  }
}

async function entriesOf(directory: string): Promise<Awaited<ReturnType<typeof readdirWithTypes>>> {
  const entries = await readdirWithTypes(directory).catch(ignoreGone);
  return (entries ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const readdirWithTypes = (directory: string) => readdir(directory, { withFileTypes: true });

async function unlessGone(work: () => Promise<void>): Promise<void> {
  await work().catch(ignoreGone);
}

function ignoreGone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
