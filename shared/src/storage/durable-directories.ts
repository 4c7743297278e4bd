/** Directories that survive a power cut: each is synced into its parent when it is made. */
import { mkdir, open } from 'node:fs/promises';
import { dirname, sep } from 'node:path';

export interface DurableDirectories {
  /** Makes it and those above it, up to the root. */
  ensure(directory: string): Promise<void>;
  /** Somebody removed one behind our back: what we know of them is worth nothing now. */
  forget(): void;
}

export function createDurableDirectories(root: string): DurableDirectories {
  const known = new Set<string>();

  async function ensure(directory: string): Promise<void> {
    if (known.has(directory)) return;
    const parent = dirname(directory);
    if (directory.startsWith(root + sep)) await ensure(parent);
    await mkdir(directory, { recursive: true });
    await syncDirectory(parent);
    known.add(directory);
  }

  return { ensure, forget: () => known.clear() };
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The content of a file that somebody else wrote. One that was set aside meanwhile has long been durable. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (handle === null) return;
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
