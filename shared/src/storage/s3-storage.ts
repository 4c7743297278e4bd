/**
 * Storage in a bucket of Amazon S3 or something that speaks its protocol (MinIO, Ceph, versitygw, R2).
 * A PUT that was answered is durable, and an object appears whole or not at all, so there is no incoming area here.
 * Credentials: from the URL, else from where the AWS SDK looks (environment, profile, workload identity).
 */
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Readable } from 'node:stream';
import { FaultError } from '../errors/fault-error.ts';
import { storageNotFound, storageUnavailable } from './storage-faults.ts';
import { assertStorageKey } from './storage-key.ts';
import { SourceError, chunksOf, discard, isBytes } from './storage-source.ts';
import type { Storage } from './storage.ts';

/** One part in flight and one being filled: what a stream of any length costs in memory. The protocol's least is 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024;
const CHECK_NAME = 'mailstream-check';

export interface S3Settings {
  readonly bucket: string;
  /** Without slashes at its ends; empty for none. */
  readonly prefix: string;
  readonly region: string;
  /** Null for Amazon's own. With one, the bucket goes into the path and not into the host name. */
  readonly endpoint: string | null;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
}

export function createS3Storage(settings: S3Settings): Storage {
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

  function address(key: string): { Bucket: string; Key: string } {
    assertStorageKey(key);
    return { Bucket: settings.bucket, Key: settings.prefix === '' ? key : `${settings.prefix}/${key}` };
  }

  async function isThere(key: string): Promise<boolean> {
    try {
      await client.send(new HeadObjectCommand(address(key)));
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async function putStream(key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const body = Readable.from(chunksOf(source), { objectMode: false, highWaterMark: 64 * 1024 });
    const params = { ...address(key), Body: body };
    await new Upload({ client, params, partSize: PART_BYTES, queueSize: 1 }).done();
  }

  return {
    async put(key, source) {
      address(key);
      await asFault(async () => {
        if (await isThere(key)) await discard(source);
        else if (isBytes(source)) await client.send(new PutObjectCommand({ ...address(key), Body: source }));
        else await putStream(key, source);
      });
    },

    async read(key): Promise<Readable> {
      const target = address(key);
      return await asFault(async () => {
        const answer = await client.send(new GetObjectCommand(target)).catch((error: unknown) => {
          throw isNotFound(error) ? storageNotFound() : error;
        });
        if (!(answer.Body instanceof Readable)) throw new Error('the answer has no body');
        return answer.Body;
      });
    },

    async exists(key) {
      address(key);
      return await asFault(async () => await isThere(key));
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

function isNotFound(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name, $metadata } = error as { name?: unknown; $metadata?: { httpStatusCode?: unknown } };
  // NoSuchBucket is a 404 as well, but nothing like "not stored yet".
  return (
    name === 'NoSuchKey' ||
    name === 'NotFound' ||
    ($metadata?.httpStatusCode === 404 && name !== 'NoSuchBucket')
  );
}

async function asFault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SourceError) throw error.cause;
    throw error instanceof FaultError ? error : storageUnavailable(error);
  }
}
