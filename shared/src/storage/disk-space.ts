/** Room on the file system of a directory. */
import { statfs } from 'node:fs/promises';
import type { StorageSpace } from './storage.ts';

/** Null while the directory is not there. @throws what the file system says */
export async function spaceAt(directory: string): Promise<StorageSpace | null> {
  try {
    const { bavail, blocks, bsize, files, ffree } = await statfs(directory);
    // Some file systems make inodes as they need them and report none at all.
    const hasNoInodes = files > 0 && ffree === 0;
    return { freeBytes: hasNoInodes ? 0 : bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
