/**
 * Setting aside and removing in a bucket (`RemovableStorage`). There is no rename: what is moved is copied, and then removed where it
 * was. A crash in between leaves it in both places, and the next attempt does the rest.
 */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { isStorageKey } from './storage-key.ts';
import type { RemovableStorage, StoredObject } from './storage.ts';

/** Begins with a dot, as no key can. */
const ASIDE = '.aside/';

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

export type S3Removal = Pick<RemovableStorage, 'list' | 'setAside' | 'restore' | 'removeAside'> & {
  /** Where to look for an object, in this order. The first again at the end: it may be restored while somebody looks. */
  places(key: string): readonly Place[];
};

/**
 * Keys are taken as they are: check them before. Rejects with what the SDK says.
 * @param top what all names of ours begin with; empty or with a slash at its end
 */
export function createS3Removal(client: S3Client, bucket: string, top: string): S3Removal {
  const stored = (key: string): Place => ({ Bucket: bucket, Key: `${top}${key}` });
  const aside = (key: string): Place => ({ Bucket: bucket, Key: `${top}${ASIDE}${key}` });

  const move = async (from: Place, to: Place): Promise<void> => {
    const source = [from.Bucket, ...from.Key.split('/')].map(encodeURIComponent).join('/');
    try {
      await client.send(new CopyObjectCommand({ ...to, CopySource: source }));
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    await client.send(new DeleteObjectCommand(from));
  };

  return {
    places: (key) => [stored(key), aside(key), stored(key)],
    list: async ({ area, tenant, after, limit }) => {
      const base = area === 'stored' ? top : `${top}${ASIDE}`;
      const answer = await client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: `${base}${tenant}/`,
          MaxKeys: limit,
          ...(after === null ? {} : { StartAfter: `${base}${after}` }),
        }),
      );
      const found = (answer.Contents ?? []).map(
        ({ Key: key = '', Size: size = 0, LastModified: storedAt }) => ({
          key: key.slice(base.length),
          size,
          // Without a time it is as young as can be.
          storedAt: storedAt ?? new Date(),
        }),
      );
      return {
        objects: found.filter(({ key }): boolean => isStorageKey(key)) satisfies StoredObject[],
        after: answer.IsTruncated === true ? (found.at(-1)?.key ?? null) : null,
      };
    },
    setAside: (key) => move(stored(key), aside(key)),
    restore: (key) => move(aside(key), stored(key)),
    // Of what is not there S3 says that it was removed.
    removeAside: async (key) => void (await client.send(new DeleteObjectCommand(aside(key)))),
  };
}

export function isNotFound(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name, $metadata } = error as { name?: unknown; $metadata?: { httpStatusCode?: unknown } };
  // NoSuchBucket is a 404 as well, but nothing like "not stored yet".
  return (
    name === 'NoSuchKey' ||
    name === 'NotFound' ||
    ($metadata?.httpStatusCode === 404 && name !== 'NoSuchBucket')
  );
}
