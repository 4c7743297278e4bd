/**
 * Storage in a bucket of Amazon S3 or something that speaks its protocol (MinIO, Ceph, versitygw, R2).
 * A PUT that was answered is durable, and an object appears whole or not at all, so there is no incoming area here.
 * Credentials: from the URL, else from where the AWS SDK looks (environment, profile, workload identity).
 */
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Readable } from 'node:stream';
import { FaultError } from '../errors/fault-error.ts';
import { createS3Removal, isNotFound } from './s3-removal.ts';
import { storageNotFound, storageUnavailable } from './storage-faults.ts';
import { assertStorageKey } from './storage-key.ts';
import { SourceError, chunksOf, discard, isBytes } from './storage-source.ts';
import type { RemovableStorage, StorageSource } from './storage.ts';

/** One part in flight and one being filled: what a stream of any length costs in memory. The protocol's least is 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024;
const CHECK_NAME = 'mailstream-check';
/** Requests of one `putAll` under way. */
const PUTS_AT_ONCE = 8;

export interface S3Settings {
  readonly bucket: string;
  /** Without slashes at its ends; empty for none. */
  readonly prefix: string;
  readonly region: string;
  /** Null for Amazon's own. With one, the bucket goes into the path and not into the host name. */
  readonly endpoint: string | null;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
}

export function createS3Storage(settings: S3Settings): RemovableStorage {
  const client = new S3Client({
    region: settings.region,
    maxAttempts: 3,
    // Servers other than Amazon's refuse checksums they do not know; the key is a SHA-256 anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 60_000 },
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint, forcePathStyle: true }),
    ...(settings.credentials === null ? {} : { credentials: settings.credentials }),
  });

  const top = settings.prefix === '' ? '' : `${settings.prefix}/`;
  const removal = createS3Removal(client, settings.bucket, top);

  function address(key: string): { Bucket: string; Key: string } {
    assertStorageKey(key);
    return { Bucket: settings.bucket, Key: `${top}${key}` };
  }

  async function isThere(target: { Bucket: string; Key: string }): Promise<boolean> {
    try {
      await client.send(new HeadObjectCommand(target));
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async function getFirst(
    places: readonly { Bucket: string; Key: string }[],
  ): Promise<GetObjectCommandOutput> {
    for (const place of places) {
      try {
        return await client.send(new GetObjectCommand(place));
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    throw storageNotFound();
  }

  async function putStream(key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const body = Readable.from(chunksOf(source), { objectMode: false, highWaterMark: 64 * 1024 });
    const params = { ...address(key), Body: body };
    await new Upload({ client, params, partSize: PART_BYTES, queueSize: 1 }).done();
  }

  async function put(key: string, source: StorageSource): Promise<void> {
    address(key);
    await asFault(async () => {
      if (await isThere(address(key))) await discard(source);
      else if (isBytes(source)) await client.send(new PutObjectCommand({ ...address(key), Body: source }));
      else await putStream(key, source);
    });
  }

  return {
    put,
    async putAll(objects) {
      const left = [...objects];
      const sender = async (): Promise<void> => {
        for (let next = left.shift(); next !== undefined; next = left.shift())
          await put(next.key, next.bytes);
      };
      const sent = await Promise.allSettled(Array.from({ length: PUTS_AT_ONCE }, sender));
      for (const result of sent) if (result.status === 'rejected') throw result.reason;
    },

    // A PUT that was answered is durable.
    barrier: () => Promise.resolve(),

    async read(key): Promise<Readable> {
      assertStorageKey(key);
      return await asFault(async () => {
        const answer = await getFirst(removal.places(key));
        if (!(answer.Body instanceof Readable)) throw new Error('the answer has no body');
        return answer.Body;
      });
    },

    async exists(key) {
      assertStorageKey(key);
      return await asFault(async () => {
        for (const place of removal.places(key)) if (await isThere(place)) return true;
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
        await client.send(new PutObjectCommand({ ...address(CHECK_NAME), Body: Buffer.from('check') }));
      });
    },

    // A bucket has no size that could be asked for.
    space: () => Promise.resolve(null),

    async close() {
      client.destroy();
    },
  };
}

async function asFault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SourceError) throw error.cause;
    throw error instanceof FaultError ? error : storageUnavailable(error);
  }
}
