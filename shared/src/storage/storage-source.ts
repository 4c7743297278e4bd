/** Reading a source once, telling its errors from those of the storage. */
import { Readable } from 'node:stream';
import type { StorageSource } from './storage.ts';

/** Wraps an error of the source, so that the storage does not take it for its own. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

export function isBytes(source: StorageSource): source is Uint8Array {
  return source instanceof Uint8Array;
}

/** The chunks of a source; its errors come out as `SourceError` with the original as `cause`. */
export async function* chunksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await readNext(iterator);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** Closes a source that nobody will read. */
export async function discard(source: StorageSource): Promise<void> {
  if (isBytes(source)) return;
  // A stream that was never read is not closed by ending its iterator.
  if (source instanceof Readable) source.destroy();
  else await source[Symbol.asyncIterator]().return?.();
}

async function readNext(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  try {
    return await iterator.next();
  } catch (error) {
    throw new SourceError('the source failed', { cause: error });
  }
}
