import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { providerId, type TenantId, tenantId } from '../domain/ids.ts';
import type { SecretRef } from './secret-ref.ts';
import { createEnvSource, createFilesystemSource, createSecretSources } from './secret-sources.ts';

const REF: SecretRef = {
  tenant: tenantId('11111111-1111-4111-8111-111111111111'),
  providerId: providerId('2222aaaa-2222-4222-8222-222222222222'),
  name: 'imap_password',
};
const NAME = 'imap_password_2222aaaa-2222-4222-8222-222222222222';

describe('env source', () => {
  it('reads the exact name, or upper case with underscores', async () => {
    const upper = 'IMAP_PASSWORD_2222AAAA_2222_4222_8222_222222222222';
    expect((await createEnvSource({ [NAME]: 'a' }).read(REF))?.reveal()).toBe('a');
    expect((await createEnvSource({ [upper]: 'b' }).read(REF))?.reveal()).toBe('b');
    expect(await createEnvSource({ [NAME]: '' }).read(REF)).toBeNull();
    expect(await createEnvSource({}).read(REF)).toBeNull();
  });
});

describe('filesystem source', () => {
  let root = '';
  const source = () => createFilesystemSource(join(root, 'secrets'));
  const path = () => join(root, 'secrets', REF.tenant, NAME);

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'mailstream-secrets-'));
    await mkdir(join(root, 'secrets', REF.tenant), { recursive: true });
  });
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });

  it('has nothing where there is no file or no folder', async () => {
    expect(await source().read(REF)).toBeNull();
    expect(await createFilesystemSource(join(root, 'absent')).read(REF)).toBeNull();
  });

  it('drops one trailing line break and nothing else', async () => {
    for (const [written, read] of [
      ['secret\n', 'secret'],
      ['secret\r\n', 'secret'],
      [' two lines\n\n', ' two lines\n'],
      ['none', 'none'],
    ] as const) {
      await writeFile(path(), written);
      expect((await source().read(REF))?.reveal()).toBe(read);
    }
    await writeFile(path(), '\n');
    expect(await source().read(REF)).toBeNull();
  });

  it('follows the links of a Kubernetes mount', async () => {
    await rm(path());
    await writeFile(join(root, 'data'), 'linked');
    await symlink(join(root, 'data'), path());
    expect((await source().read(REF))?.reveal()).toBe('linked');
    await rm(path());
  });

  it('does not leave its folder even when the types are cheated', async () => {
    await writeFile(join(root, NAME), 'outside');
    for (const part of ['..', '.', '', '../..', '/etc', 'a/../..', '..\u0000']) {
      await expect(source().read({ ...REF, tenant: part as TenantId })).rejects.toMatchObject({
        fault: { code: 'SECRET_UNREADABLE' },
      });
    }
  });

  it('refuses a folder, a pipe and a file that is no secret by its size, and waits for none', async () => {
    await mkdir(path());
    await expect(source().read(REF)).rejects.toMatchObject({ fault: { code: 'SECRET_UNREADABLE' } });
    await rm(path(), { recursive: true });
    execFileSync('mkfifo', [path()]);
    await expect(source().read(REF)).rejects.toMatchObject({ fault: { code: 'SECRET_UNREADABLE' } });
    await rm(path());
    await writeFile(path(), 'x'.repeat(64 * 1024 + 1));
    await expect(source().read(REF)).rejects.toMatchObject({ fault: { code: 'SECRET_UNREADABLE' } });
    await rm(path());
  });
});

describe('SECRET_READ_CHAIN', () => {
  const vault = { name: 'vault', read: () => Promise.resolve(null) };

  it('is followed in order, with sources of other packages', () => {
    const result = createSecretSources({
      chain: ['vault', 'filesystem', 'env'],
      env: {},
      secretsPath: '/secrets',
      others: [vault],
    });
    expect(result.kind === 'ok' && result.sources.map((source) => source.name)).toEqual([
      'vault',
      'filesystem',
      'env',
    ]);
  });

  it('leaves the filesystem out where there is no SECRETS_PATH', () => {
    const result = createSecretSources({ chain: ['env', 'filesystem'], env: {}, secretsPath: null });
    expect(result.kind === 'ok' && result.sources.map((source) => source.name)).toEqual(['env']);
  });

  it('refuses a name that nobody knows', () => {
    const result = createSecretSources({ chain: ['env', 'vualt'], env: {}, secretsPath: null });
    expect(result).toEqual({
      kind: 'problem',
      text: 'SECRET_READ_CHAIN names "vualt"; known are env, filesystem',
    });
  });
});
