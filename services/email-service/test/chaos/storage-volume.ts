/**
 * The storage of one run, on a small file system of its own so that it can be full. Where mounting is not allowed it is a plain
 * folder that never is: the fault then does nothing.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface StorageVolume {
  readonly folder: string;
  setFull(isFull: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Messages of a run are some MiB. */
const SIZE_MIB = 96;
const PIECE = Buffer.alloc(256 * 1024);

export async function openStorageVolume(folder: string): Promise<StorageVolume> {
  await mkdir(folder);
  const filler = join(folder, '.filler');
  const isMounted = await promisify(execFile)('mount', [
    ...['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m,mode=0755`, 'mailstream-chaos', folder],
  ]).then(
    () => true,
    () => false,
  );
  const atExit = (): void => void execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
  if (isMounted) process.once('exit', atExit);
  return {
    folder,
    setFull: async (isFull) => {
      if (!isMounted) return;
      if (!isFull) return rm(filler, { force: true });
      const file = await open(filler, 'w');
      try {
        for (;;) await file.write(PIECE);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        await file.close();
      }
    },
    close: async () => {
      if (!isMounted) return;
      process.off('exit', atExit);
      await promisify(execFile)('umount', ['-l', folder]);
    },
  };
}
