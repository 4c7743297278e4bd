/** What every storage must do; called once per implementation (swap the factory in `test/storage.real.test.ts`). */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { tenantId } from '../domain/ids.ts';
import { FaultError } from '../errors/fault-error.ts';
import { attachmentKey, rawKey } from '../storage/storage-key.ts';
import type { Storage } from '../storage/storage.ts';

const TENANT = tenantId('7f1b8e9a-1111-4222-8333-444455556666');

export function storageConformance(storage: () => Storage): void {
  it('gives back exactly the bytes that were put', async () => {
    const bytes = randomBytes(100_000);
    const key = rawKey(TENANT, sha256(bytes));
    await storage().put(key, bytes);
    expect(await storage().exists(key)).toBe(true);
    expect(sha256(await buffer(await storage().read(key)))).toBe(sha256(bytes));
  });

  it('says how much room there is, or that nobody can tell', async () => {
    await storage().check();
    const space = await storage().space();
    if (space === null) return;
    expect(space.freeBytes).toBeGreaterThan(0);
    expect(space.totalBytes).toBeGreaterThanOrEqual(space.freeBytes);
  });

  it('keeps an empty object', async () => {
    const key = attachmentKey(TENANT, sha256(Buffer.alloc(0)));
    await storage().put(key, Buffer.alloc(0));
    expect(await buffer(await storage().read(key))).toHaveLength(0);
  });

  it('takes a stream of 40 MiB in pieces of odd sizes', async () => {
    const piece = randomBytes(999_983);
    const hash = createHash('sha256');
    const count = 42;
    const key = attachmentKey(TENANT, sha256(piece));
    await storage().put(key, repeat(piece, count));
    for (let i = 0; i < count; i++) hash.update(piece);
    const read = createHash('sha256');
    for await (const chunk of await storage().read(key)) read.update(chunk as Uint8Array);
    expect(read.digest('hex')).toBe(hash.digest('hex'));
  });

  it('leaves a key that is there alone and does not read the source', async () => {
    const bytes = randomBytes(64);
    const key = attachmentKey(TENANT, sha256(bytes));
    await storage().put(key, bytes);
    await storage().put(key, unreadable());
    await storage().put(key, Buffer.alloc(bytes.length));
    expect(await buffer(await storage().read(key))).toEqual(bytes);
  });

  it('takes many at once: some there already, some twice, one empty', async () => {
    const contents = [...Array.from({ length: 20 }, (_, i) => randomBytes(1000 * i)), randomBytes(700_000)];
    const objects = contents.map((bytes) => ({ key: attachmentKey(TENANT, sha256(bytes)), bytes }));
    const [, there] = objects;
    if (there === undefined) throw new Error('no objects');
    await storage().put(there.key, there.bytes);
    await Promise.all([storage().putAll([...objects, there]), storage().putAll(objects.slice(5))]);
    await storage().putAll([]);
    await Promise.all([storage().barrier(), storage().barrier()]);
    for (const { key, bytes } of objects) {
      expect(sha256(await buffer(await storage().read(key)))).toBe(sha256(bytes));
    }
  });

  it('takes the same key from many writers at once', async () => {
    const bytes = randomBytes(500_000);
    const key = attachmentKey(TENANT, sha256(bytes));
    await Promise.all(Array.from({ length: 8 }, async () => await storage().put(key, repeat(bytes, 1))));
    expect(await buffer(await storage().read(key))).toEqual(bytes);
  });

  it('shows nothing under the key when the source fails, and passes its error on', async () => {
    const key = attachmentKey(TENANT, sha256(randomBytes(8)));
    const failure = new Error('the link broke');
    await expect(storage().put(key, failing(failure))).rejects.toBe(failure);
    expect(await storage().exists(key)).toBe(false);
    await storage().put(key, Buffer.from('second try'));
    expect((await buffer(await storage().read(key))).toString()).toBe('second try');
  });

  it('says NOT_FOUND for a key that was never put', async () => {
    const key = attachmentKey(TENANT, sha256(Buffer.from(randomUUID())));
    expect(await storage().exists(key)).toBe(false);
    const error: unknown = await storage()
      .read(key)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FaultError);
    expect((error as FaultError).fault.code).toBe('NOT_FOUND');
  });

  it.each([
    '../etc/passwd',
    'a/../../b',
    '/etc/passwd',
    'a//b',
    '.incoming/x',
    'a/.b',
    'a\\b',
    'a\0b',
    '',
    'ä',
    'a/',
  ])('refuses the key %j', async (key) => {
    await expect(storage().put(key, Buffer.from('x'))).rejects.toThrow(TypeError);
    await expect(storage().read(key)).rejects.toThrow(TypeError);
    await expect(storage().exists(key)).rejects.toThrow(TypeError);
  });

  it('passes its own check', async () => {
    await storage().check();
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function* repeat(piece: Uint8Array, count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield piece;
}

async function* failing(error: Error): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(300_000);
  throw error;
}

// oxlint-disable-next-line require-yield -- a source that must not be read at all
async function* unreadable(): AsyncGenerator<Uint8Array> {
  throw new Error('this source must not be read');
}
