/** What every storage must do about objects that nobody refers to; called beside `storageConformance`. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { tenantId, type TenantId } from '../domain/ids.ts';
import { attachmentKey, bodyKey, rawKey } from '../storage/storage-key.ts';
import type { RemovableStorage, StorageArea, StoredObject } from '../storage/storage.ts';

export function storageRemovalConformance(storage: () => RemovableStorage): void {
  const put = async (tenant: TenantId, bytes: Buffer): Promise<string> => {
    const key = attachmentKey(tenant, sha256(bytes));
    await storage().put(key, bytes);
    return key;
  };
  const list = async (
    area: StorageArea,
    tenant: TenantId,
    limit = 1000,
  ): Promise<readonly StoredObject[]> => {
    const all: StoredObject[] = [];
    for (let after: string | null = null; ;) {
      const page = await storage().list({ area, tenant, after, limit });
      expect(page.objects.length).toBeLessThanOrEqual(limit);
      all.push(...page.objects);
      if (page.after === null) return all;
      after = page.after;
    }
  };
  const keys = (objects: readonly StoredObject[]): readonly string[] => objects.map(({ key }) => key);

  it('lists what one tenant has, page by page, each once, with size and time', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const written = [];
    for (let index = 0; index < 12; index += 1) {
      const bytes = randomBytes(10 + index);
      const key = [attachmentKey, rawKey, bodyKey][index % 3]?.(tenant, sha256(bytes)) ?? '';
      await storage().put(key, bytes);
      written.push({ key, size: bytes.length });
    }
    await put(other, randomBytes(8));
    for (const limit of [1, 5, 12, 1000]) {
      const found = await list('stored', tenant, limit);
      expect(found.map(({ key, size }) => ({ key, size })).toSorted(byKey)).toEqual(written.toSorted(byKey));
      expect(keys(found)).toEqual(keys(await list('stored', tenant)));
    }
    const [first] = await list('stored', tenant);
    expect(Math.abs(Date.now() - (first?.storedAt.getTime() ?? 0))).toBeLessThan(600_000);
    expect(await list('stored', newTenant())).toEqual([]);
    expect(await list('aside', tenant)).toEqual([]);
  });

  it('goes on with a list although what it ended with is gone', async () => {
    const tenant = newTenant();
    for (let index = 0; index < 6; index += 1) await put(tenant, randomBytes(8));
    const all = keys(await list('stored', tenant));
    const { after } = await storage().list({ area: 'stored', tenant, after: null, limit: 3 });
    await storage().setAside(after ?? '');
    const page = await storage().list({ area: 'stored', tenant, after, limit: 10 });
    expect([keys(page.objects), page.after]).toEqual([all.slice(3), null]);
  });

  it('still reads what was set aside, and writes it anew', async () => {
    const [tenant, bytes] = [newTenant(), randomBytes(1000)];
    const key = await put(tenant, bytes);
    await storage().setAside(key);
    expect(await list('stored', tenant)).toEqual([]);
    expect(keys(await list('aside', tenant))).toEqual([key]);
    expect(await buffer(await storage().read(key))).toEqual(bytes);
    expect(await storage().exists(key)).toBe(true);
    await storage().put(key, bytes);
    expect(keys(await list('stored', tenant))).toEqual([key]);
    await storage().removeAside(key);
    expect(await list('aside', tenant)).toEqual([]);
    expect(await buffer(await storage().read(key))).toEqual(bytes);
  });

  it('puts back what was set aside, also where the same was written meanwhile', async () => {
    const [tenant, bytes] = [newTenant(), randomBytes(1000)];
    const key = await put(tenant, bytes);
    for (const writesAnew of [false, true]) {
      await storage().setAside(key);
      if (writesAnew) await storage().put(key, bytes);
      await storage().restore(key);
      expect(await list('aside', tenant)).toEqual([]);
      expect(keys(await list('stored', tenant))).toEqual([key]);
      expect(await buffer(await storage().read(key))).toEqual(bytes);
    }
  });

  it('removes what was set aside for ever, and nothing else', async () => {
    const [tenant, bytes] = [newTenant(), randomBytes(1000)];
    const [key, kept] = [await put(tenant, bytes), await put(tenant, randomBytes(8))];
    await storage().removeAside(key);
    expect(await storage().exists(key)).toBe(true);
    await storage().setAside(key);
    await storage().removeAside(key);
    expect(await storage().exists(key)).toBe(false);
    await expect(storage().read(key)).rejects.toMatchObject({ fault: { code: 'NOT_FOUND' } });
    expect(keys(await list('stored', tenant))).toEqual([kept]);
    await storage().put(key, bytes);
    expect(await buffer(await storage().read(key))).toEqual(bytes);
  });

  it('does nothing about what is not there', async () => {
    const key = attachmentKey(newTenant(), sha256(Buffer.from(randomUUID())));
    await storage().setAside(key);
    await storage().restore(key);
    await storage().removeAside(key);
    expect(await storage().exists(key)).toBe(false);
  });

  it('is never without an object for a reader while it moves', async () => {
    const [tenant, bytes] = [newTenant(), randomBytes(20_000)];
    const key = await put(tenant, bytes);
    const read = async (): Promise<void> => expect(await buffer(await storage().read(key))).toEqual(bytes);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([storage().setAside(key), read(), read(), read()]);
      await Promise.all([storage().restore(key), read(), read(), read()]);
    }
  });

  it.each(['../x', '.aside/x', 'a//b', ''])('refuses the key %j', async (key) => {
    await expect(storage().setAside(key)).rejects.toThrow(TypeError);
    await expect(storage().restore(key)).rejects.toThrow(TypeError);
    await expect(storage().removeAside(key)).rejects.toThrow(TypeError);
  });
}

function newTenant(): TenantId {
  return tenantId(randomUUID());
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
