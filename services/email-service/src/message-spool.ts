/** Files that hold a message which is too large for memory, until it was read. */
import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { onDisk } from '@mailstream/shared/storage/storage-faults';

/** @returns the path of a new file with the beginning of a message. @throws FaultError STORAGE_UNAVAILABLE */
export async function spoolHead(dir: string, head: Uint8Array): Promise<string> {
  const path = join(dir, `${randomUUID()}.eml`);
  const file = await onDisk(open(path, 'wx', 0o600));
  try {
    await onDisk(file.writeFile(head));
    return path;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/**
 * Appends what comes.
 * @param wrote called after each piece, and waited for before the next
 * @returns how many bytes came. @throws FaultError STORAGE_UNAVAILABLE, or of the source
 */
export async function spoolRest(
  path: string,
  rest: AsyncIterable<Uint8Array>,
  wrote: () => Promise<void>,
): Promise<number> {
  let bytes = 0;
  const file = await onDisk(open(path, 'a'));
  try {
    for await (const piece of rest) {
      await onDisk(file.writeFile(piece));
      bytes += piece.length;
      await wrote();
    }
  } finally {
    await file.close();
  }
  return bytes;
}
