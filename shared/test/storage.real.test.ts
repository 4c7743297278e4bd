/** The storage conformance suite on a real directory and on a real S3 server, and what only a file system can show. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultError } from '../src/errors/fault-error.ts';
import { createStorage } from '../src/storage/create-storage.ts';
import { createFilesystemStorage } from '../src/storage/filesystem-storage.ts';
import type { RemovableStorage } from '../src/storage/storage.ts';
import { hasGo, startS3Server } from '../src/testing/s3-server.ts';
import type { S3Server } from '../src/testing/s3-server.ts';
import { storageConformance } from '../src/testing/storage-conformance.ts';
import { storageRemovalConformance } from '../src/testing/storage-removal-conformance.ts';

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/mailstream');
const KEY = `7f1b8e9a-1111-4222-8333-444455556666/raw/aa/${'a'.repeat(64)}.eml`;

const run = promisify(execFile);
/** A file system that is really full needs the right to mount one. */
const canMount = await probeMount();

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mailstream-storage-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

function fileStorage(folder: string): RemovableStorage {
  return createStorage(pathToFileURL(join(root, folder)).href);
}

function among(bytes: Buffer): { readonly key: string; readonly bytes: Buffer }[] {
  const others = ['b', 'c', 'd', 'e', 'f', 'g'].map((digit) => ({
    key: `7f1b8e9a-1111-4222-8333-444455556666/attachments/aa/${digit.repeat(64)}`,
    bytes: Buffer.from(digit),
  }));
  return [...others, { key: KEY, bytes }];
}

async function faultOf(work: Promise<unknown>): Promise<FaultError['fault']> {
  const error: unknown = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(FaultError);
  return (error as FaultError).fault;
}

describe('storage in a directory', () => {
  storageConformance(() => fileStorage('conformance'));
  storageRemovalConformance(() => fileStorage('removal'));

  it('leaves no half-written file behind when the source fails', async () => {
    const storage = fileStorage('failing');
    await expect(storage.put(KEY, brokenSource())).rejects.toThrow('broken');
    expect(await readdir(join(root, 'failing', '.incoming'))).toEqual([]);
  });

  it('does not write a file again that is there', async () => {
    const storage = fileStorage('again');
    await storage.put(KEY, Buffer.from('content'));
    const before = await stat(join(root, 'again', KEY));
    await storage.put(KEY, Buffer.from('content'));
    const after = await stat(join(root, 'again', KEY));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  it('removes what a process that was killed a day ago left, and nothing younger', async () => {
    const incoming = join(root, 'leftovers', '.incoming');
    await mkdir(incoming, { recursive: true });
    await writeFile(join(incoming, 'old'), 'x');
    await writeFile(join(incoming, 'young'), 'x');
    const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 60 * 60;
    await utimes(join(incoming, 'old'), twoDaysAgo, twoDaysAgo);
    await fileStorage('leftovers').check();
    expect(await readdir(incoming)).toEqual(['young']);
  });

  it('goes on when somebody removed a directory that it knew', async () => {
    const storage = fileStorage('removed');
    await storage.put(KEY, Buffer.from('one'));
    await rm(join(root, 'removed'), { recursive: true });
    await storage.put(KEY, Buffer.from('two'));
    expect(await storage.exists(KEY)).toBe(true);
  });

  it('says STORAGE_UNAVAILABLE, transient, when it cannot write', async () => {
    await writeFile(join(root, 'a-file'), 'not a directory');
    const storage = fileStorage('a-file/below');
    const expected = { kind: 'transient', code: 'STORAGE_UNAVAILABLE' };
    expect(await faultOf(storage.put(KEY, Buffer.from('x')))).toMatchObject(expected);
    expect(await faultOf(storage.check())).toMatchObject(expected);
  });

  it('says STORAGE_UNAVAILABLE when something is in the way', async () => {
    await mkdir(join(root, 'blocked'));
    await writeFile(join(root, 'blocked', '.incoming'), 'in the way');
    const storage = fileStorage('blocked');
    expect(await faultOf(storage.put(KEY, Buffer.from('x')))).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(await storage.exists(KEY)).toBe(false);
  });

  it.skipIf(!canMount)('says STORAGE_FULL on a full disk, and works again when there is room', async () => {
    const folder = join(root, 'small-disk');
    await mkdir(folder);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', folder]);
    try {
      const storage = fileStorage('small-disk');
      expect(await faultOf(storage.put(KEY, Buffer.alloc(1_000_000)))).toMatchObject({
        kind: 'transient',
        code: 'STORAGE_FULL',
        detail: 'storage failed: ENOSPC',
      });
      expect(await storage.exists(KEY)).toBe(false);
      await storage.put(KEY, Buffer.alloc(1000));
      expect(await storage.exists(KEY)).toBe(true);
    } finally {
      await run('umount', [folder]);
    }
  });
});

describe('storage in a directory, with writes that block the thread', () => {
  const blocking = new Map<string, RemovableStorage>();
  const at = (folder: string): RemovableStorage => {
    const storage = blocking.get(folder) ?? createFilesystemStorage(join(root, folder), true);
    blocking.set(folder, storage);
    return storage;
  };
  afterAll(async () => {
    for (const storage of blocking.values()) await storage.close();
  });
  storageConformance(() => at('blocking'));

  it.each([
    ['alone', async (storage: RemovableStorage, bytes: Buffer) => await storage.put(KEY, bytes)],
    ['among many', async (storage: RemovableStorage, bytes: Buffer) => await storage.putAll(among(bytes))],
  ])('writes anew what a power cut left too short, %s', async (folder, put) => {
    const storage = at(folder);
    await put(storage, Buffer.from('whole'));
    await writeFile(join(root, folder, KEY), 'wh');
    await put(storage, Buffer.from('whole'));
    expect((await buffer(await storage.read(KEY))).toString()).toBe('whole');
  });

  it('goes on when somebody removed a directory that it knew, with many at once', async () => {
    const storage = at('removed-among-many');
    await storage.putAll(among(Buffer.from('one')));
    await rm(join(root, 'removed-among-many'), { recursive: true });
    await storage.putAll(among(Buffer.from('two')));
    expect(await storage.exists(KEY)).toBe(true);
  });

  it('goes on when somebody removed a directory that it knew', async () => {
    const storage = createFilesystemStorage(join(root, 'blocking-removed'), true);
    await storage.put(KEY, Buffer.from('one'));
    await rm(join(root, 'blocking-removed'), { recursive: true });
    await storage.put(KEY, Buffer.from('two'));
    expect(await storage.exists(KEY)).toBe(true);
  });
});

const go = await hasGo();
describe.skipIf(!go)('storage in an S3 bucket (gofakes3, built with go)', () => {
  let server: S3Server | null = null;
  let storage: RemovableStorage | null = null;
  beforeAll(async () => {
    server = await startS3Server(CACHE);
    storage = createStorage(server.storageUrl('some/prefix'));
  }, 300_000);
  afterAll(async () => {
    await storage?.close();
    await server?.stop();
  });

  const running = (): RemovableStorage => {
    if (storage === null) throw new Error('the server is not up');
    return storage;
  };
  storageConformance(running);
  storageRemovalConformance(running);

  it('says STORAGE_UNAVAILABLE, transient, when there is no such bucket', async () => {
    if (server === null) throw new Error('the server is not up');
    const elsewhere = createStorage(
      `s3://k:s@no-such-bucket/?endpoint=${encodeURIComponent(server.endpoint)}`,
    );
    const fault = await faultOf(elsewhere.put(KEY, Buffer.from('x')));
    expect(fault).toMatchObject({ kind: 'transient', code: 'STORAGE_UNAVAILABLE' });
    await elsewhere.close();
  });
});

it('says STORAGE_UNAVAILABLE when nothing listens at the S3 endpoint', async () => {
  const storage = createStorage('s3://k:s@bucket/?endpoint=http%3A%2F%2F127.0.0.1%3A1');
  expect(await faultOf(storage.check())).toMatchObject({ kind: 'transient', code: 'STORAGE_UNAVAILABLE' });
  await storage.close();
});

describe('createStorage', () => {
  it.each(['', 'data', 'http://x/y', 'file://host/dir', 's3:///prefix', 's3://bucket?endpoint=ftp://x'])(
    'refuses %j without quoting it',
    (url) => {
      expect(() => createStorage(url)).toThrow(TypeError);
    },
  );

  it('never quotes the secret of a URL that it refuses', () => {
    expect(() => createStorage('s3://id:hunter2@bucket?endpoint=bad')).toThrow(/^(?!.*hunter2)/);
  });
});

async function probeMount(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'mailstream-mount-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder]);
    await run('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* brokenSource(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(10);
  throw new Error('broken');
}
