/** Chooses the storage by its URL, so that nothing else knows which one it is. */
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { createFilesystemStorage } from './filesystem-storage.ts';
import type { S3Settings } from './s3-storage.ts';
import type { RemovableStorage } from './storage.ts';

/**
 * `file:///absolute/directory`, or `s3://[accessKeyId:secretAccessKey@]bucket[/prefix][?endpoint=https://..&region=..]`
 * (region `us-east-1` where none is given; key id and secret percent-encoded).
 * Nothing is opened yet: `check()` tells whether it works.
 * @throws TypeError for any other URL. The message never holds the URL: there may be a secret in it.
 */
export function createStorage(url: string): RemovableStorage {
  const parsed = parseUrl(url);
  if (parsed.protocol === 'file:') return createFilesystemStorage(directoryOf(parsed), !isMainThread);
  if (parsed.protocol === 's3:') return lazyS3Storage(s3Settings(parsed));
  throw new TypeError('the storage URL must begin with file:// or s3://');
}

function parseUrl(url: string): URL {
  if (!URL.canParse(url)) throw new TypeError('the storage URL is not a URL');
  return new URL(url);
}

function directoryOf(url: URL): string {
  if (url.host !== '') throw new TypeError('a file: storage URL needs three slashes: file:///directory');
  return fileURLToPath(url).replace(/(?<=.)\/+$/, '');
}

function s3Settings(url: URL): S3Settings {
  const endpoint = url.searchParams.get('endpoint');
  if (url.hostname === '') throw new TypeError('the storage URL names no bucket: s3://bucket/prefix');
  if (endpoint !== null && !/^https?:\/\//.test(endpoint)) {
    throw new TypeError('the endpoint of the storage URL must begin with http:// or https://');
  }
  return {
    bucket: url.hostname,
    prefix: decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, ''),
    region: url.searchParams.get('region') ?? 'us-east-1',
    endpoint,
    credentials:
      url.username === ''
        ? null
        : {
            accessKeyId: decodeURIComponent(url.username),
            secretAccessKey: decodeURIComponent(url.password),
          },
  };
}

/** The SDK is megabytes of code that an installation on a file system never loads. */
function lazyS3Storage(settings: S3Settings): RemovableStorage {
  let loading: Promise<RemovableStorage> | null = null;
  const storage = (): Promise<RemovableStorage> => {
    loading ??= import('./s3-storage.ts').then((module) => module.createS3Storage(settings));
    return loading;
  };
  return {
    put: async (key, source) => await (await storage()).put(key, source),
    putAll: async (objects) => await (await storage()).putAll(objects),
    barrier: async () => await (await storage()).barrier(),
    read: async (key) => await (await storage()).read(key),
    exists: async (key) => await (await storage()).exists(key),
    list: async (page) => await (await storage()).list(page),
    setAside: async (key) => await (await storage()).setAside(key),
    restore: async (key) => await (await storage()).restore(key),
    removeAside: async (key) => await (await storage()).removeAside(key),
    check: async () => await (await storage()).check(),
    space: async () => await (await storage()).space(),
    close: async () => {
      if (loading !== null) await (await loading).close();
    },
  };
}
