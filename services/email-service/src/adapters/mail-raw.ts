/** The raw bytes of one message: their hash, their way into storage, and reading them as often as needed. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { MailStorage } from './mail-put-collector.ts';
import { storageUnavailable } from '@mailstream/shared/storage/storage-faults';
import { rawKey } from '@mailstream/shared/storage/storage-key';
import type { RawRef, RawSource } from '../ports/mail.ts';

/** In memory, in a file, or in storage already. */
export type MailSource = RawSource | { readonly kind: 'stored'; readonly raw: RawRef };

export interface RawMail {
  readonly ref: RawRef;
  /** Settles when the bytes are durable; handled, so it may be awaited late. */
  readonly stored: Promise<void>;
  /** All of it, where it is in memory. */
  readonly bytes: Buffer | null;
  /** The bytes, from the start; may be called again. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** The parser yields to the event loop after each piece. */
const PIECE_BYTES = 64 * 1024;
const READ_BYTES = 256 * 1024;
/** A file of these is read at once: parsing streams takes some 40 ms a MiB, and parsing what is in memory 2 (issue 7). */
const MAX_WHOLE_BYTES = 8 * 1024 * 1024;

/** @throws FaultError STORAGE_UNAVAILABLE when a spooled file cannot be read. */
export async function openRaw(source: MailSource, tenant: TenantId, storage: MailStorage): Promise<RawMail> {
  switch (source.kind) {
    case 'bytes':
      return inMemory(source.bytes, tenant, storage);
    case 'file': {
      if (source.size <= MAX_WHOLE_BYTES) return inMemory(await wholeFile(source.path), tenant, storage);
      const chunks = (): AsyncIterable<Uint8Array> => fileChunks(source.path);
      const ref = await hashChunks(chunks(), tenant);
      return { ref, bytes: null, chunks, stored: handled(storage.put(ref.storageKey, chunks())) };
    }
    case 'stored':
      return {
        ref: source.raw,
        bytes: null,
        chunks: () => storedChunks(storage, source.raw.storageKey),
        stored: Promise.resolve(),
      };
  }
}

function inMemory(source: Uint8Array, tenant: TenantId, storage: MailStorage): RawMail {
  const ref = rawRef(tenant, createHash('sha256').update(source).digest('hex'), source.length);
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  return {
    ...{ ref, bytes, chunks: () => pieces(source) },
    stored: handled(storage.put(ref.storageKey, source)),
  };
}

/** @throws FaultError STORAGE_UNAVAILABLE */
async function wholeFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw storageUnavailable(error);
  }
}

async function hashChunks(chunks: AsyncIterable<Uint8Array>, tenant: TenantId): Promise<RawRef> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
  }
  return rawRef(tenant, hash.digest('hex'), size);
}

function rawRef(tenant: TenantId, sha256: string, size: number): RawRef {
  return { storageKey: rawKey(tenant, sha256), sha256, size };
}

// oxlint-disable-next-line require-await -- an async iterable is what the parser takes
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += PIECE_BYTES) yield bytes.subarray(i, i + PIECE_BYTES);
}

async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }))
      yield chunk as Uint8Array;
  } catch (error) {
    throw storageUnavailable(error);
  }
}

async function* storedChunks(storage: MailStorage, key: string): AsyncGenerator<Uint8Array> {
  const stream = await storage.read(key);
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw storageUnavailable(error);
  }
}

function handled(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}
