/** Secrets in Vault, over real HTTP: logging in, reading, writing, and everything that Vault answers besides. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { ConfigError, EnvReader } from '@mailstream/shared/runtime/env';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import type { SecretRef } from '@mailstream/shared/secrets/secret-ref';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { assertNoCanary, newCanary } from '@mailstream/shared/testing/canary';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { makeTestCertificate } from '@mailstream/shared/testing/test-certificate';
import { BoundedCache } from '../src/vault/bounded-cache.ts';
import { openVault, vaultPlugIn } from '../src/vault/vault-plug-in.ts';
import { createVaultKeeper, createVaultSource } from '../src/vault/vault-secrets.ts';
import { readVaultSettings, type VaultSettings } from '../src/vault/vault-settings.ts';
import { useVault, VaultServer } from './vault-server.ts';

const vault = await useVault();
const folder = await mkdtemp(join(tmpdir(), 'mailstream-vault-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

let ref: SecretRef;
let path = '';

beforeEach(() => {
  const [tenant, id] = [tenantId(randomUUID()), providerId(randomUUID())];
  ref = { tenant, providerId: id, name: 'imap_password' };
  path = `mailstream/${tenant}/imap_password_${id}`;
  Object.assign(vault, {
    isSealed: false,
    isSilent: false,
    loginTtl: 3600,
    renewalTtl: 3600,
    isRenewable: true,
  });
  vault.beforeWrite = () => undefined;
  vault.forbidden.clear();
  vault.tokens.clear();
  vault.answersInstead.length = 0;
  vault.requests.length = 0;
});

function settings(environment: Readonly<Record<string, string>>): VaultSettings {
  const env = new EnvReader(environment);
  const read = readVaultSettings(env);
  env.finish();
  if (read === null) throw new Error('no settings');
  return read;
}

const appRole = (server: VaultServer = vault): Record<string, string> => ({
  VAULT_ADDR: server.address,
  VAULT_AUTH: 'approle',
  VAULT_ROLE_ID: server.roleId,
  VAULT_SECRET_ID: server.secretId,
});

function open(
  more: Readonly<Record<string, string>> = {},
  clock = systemClock as typeof systemClock | FakeClock,
) {
  const read = settings({ ...appRole(), ...more });
  const { session, kv } = openVault(read, { clock });
  return {
    session,
    kv,
    source: createVaultSource(kv, read.pathPrefix),
    keeper: createVaultKeeper(kv, read.pathPrefix),
  };
}

const code = (expected: string) => ({ fault: { code: expected } });

describe('what an operator keeps in Vault', () => {
  it('is read after one login, and not again while it is kept', async () => {
    vault.putByHand(path, { value: 'by hand' });
    const { source } = open();
    for (let i = 0; i < 5; i += 1) expect((await source.read(ref))?.reveal()).toBe('by hand');
    expect(await source.read({ ...ref, name: 'smtp_password' })).toBeNull();
    expect(vault.requests).toEqual([
      'POST auth/approle/login',
      `LIST secret/metadata/mailstream/${ref.tenant}`,
      `GET secret/data/${path}`,
    ]);
  });

  it('is asked for anew when the time to keep it is over', async () => {
    const clock = new FakeClock();
    const { source } = open({ VAULT_CACHE_MS: '1000' }, clock);
    vault.putByHand(path, { value: 'one' });
    expect((await source.read(ref))?.reveal()).toBe('one');
    vault.putByHand(path, { value: 'two' });
    expect((await source.read(ref))?.reveal()).toBe('one');
    clock.advance(1001);
    expect((await source.read(ref))?.reveal()).toBe('two');
  });

  it('is asked for once where many ask at the same moment', async () => {
    vault.putByHand(path, { value: 'shared' });
    const { source } = open();
    await Promise.all(Array.from({ length: 50 }, () => source.read(ref)));
    expect(vault.requests).toHaveLength(3);
  });

  it('of a tenant without a folder, or that was deleted, is nothing', async () => {
    const { source } = open();
    expect(await source.read(ref)).toBeNull();
    vault.putByHand(path, { value: 'x' });
    vault.deleteByHand(path);
    expect(await open().source.read(ref)).toBeNull();
  });

  it('without a field "value" is refused with the hint what to check', async () => {
    vault.putByHand(path, { password: 'x' });
    await expect(open().source.read(ref)).rejects.toMatchObject(code('VAULT_REFUSED'));
  });
});

describe('what people enter', () => {
  it('is written with check-and-set, read by its version, and destroyed', async () => {
    const { keeper, source } = open();
    const first = await keeper.put(ref, new SecretValue('first'));
    const second = await keeper.put(ref, new SecretValue('second'));
    expect((await keeper.get(ref, first)).reveal()).toBe('first');
    expect((await open().keeper.get(ref, second)).reveal()).toBe('second');
    // Only the row in the database says which one counts.
    expect(await source.read(ref)).toBeNull();
    await keeper.destroy(ref, first);
    await keeper.destroy(ref, first);
    expect(vault.versions(path)).toMatchObject([null, { value: 'second', written_by: 'mailstream' }]);
    await expect(open().keeper.get(ref, first)).rejects.toMatchObject(code('VAULT_SECRET_MISSING'));
    expect(first + second).not.toMatch(/first|second/);
  });

  it('gives way to what an operator puts over it, and comes back with the version that the row names', async () => {
    const { keeper } = open();
    const pointer = await keeper.put(ref, new SecretValue('entered'));
    vault.putByHand(path, { value: 'rotated by hand' });
    expect((await open().source.read(ref))?.reveal()).toBe('rotated by hand');
    expect((await open().keeper.get(ref, pointer)).reveal()).toBe('entered');
  });

  it('is another one after all versions were removed by hand, even if the number is the same', async () => {
    const { keeper, kv } = open();
    const pointer = await keeper.put(ref, new SecretValue('old'));
    await kv.remove(path);
    await open().keeper.put(ref, new SecretValue('new'));
    await expect(open().keeper.get(ref, pointer)).rejects.toMatchObject(code('VAULT_SECRET_MISSING'));
  });

  it('goes on above a version that was deleted', async () => {
    vault.putByHand(path, { value: 'x' });
    vault.deleteByHand(path);
    const pointer = await open().keeper.put(ref, new SecretValue('again'));
    expect(pointer).toMatch(/^2\./);
  });

  it('survives somebody who writes in between, and says so when that does not end', async () => {
    let others = 2;
    vault.beforeWrite = (written) => {
      if (others-- > 0) vault.putByHand(written, { value: 'other' });
    };
    const { keeper } = open();
    expect((await keeper.get(ref, await keeper.put(ref, new SecretValue('mine')))).reveal()).toBe('mine');
    vault.beforeWrite = (written) => void vault.putByHand(written, { value: 'other' });
    await expect(keeper.put(ref, new SecretValue('mine'))).rejects.toMatchObject(code('VAULT_CONFLICT'));
  });

  it('written by ten at once is there ten times', async () => {
    const writers = Array.from({ length: 10 }, (_, i) => ({ value: `v${i}`, keeper: open().keeper }));
    const results = await Promise.allSettled(
      writers.map(({ value, keeper }) => keeper.put(ref, new SecretValue(value))),
    );
    const kept = await Promise.all(
      results.map(async (result, i) =>
        result.status === 'fulfilled' ? (await open().keeper.get(ref, result.value)).reveal() : `v${i}`,
      ),
    );
    expect(kept).toEqual(writers.map(({ value }) => value));
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject(code('VAULT_CONFLICT'));
  });

  it('whose answer got lost is not written twice', async () => {
    const { keeper } = open();
    vault.beforeWrite = () => {
      vault.answersFalsely = 504;
      vault.beforeWrite = () => undefined;
    };
    const pointer = await keeper.put(ref, new SecretValue('once'));
    expect(vault.counted('POST secret/data')).toBe(2);
    expect((await open().keeper.get(ref, pointer)).reveal()).toBe('once');
    expect(vault.versions(path)).toHaveLength(1);
  });
});

describe('the token', () => {
  it('that Vault does not know any more is replaced, and the request made again', async () => {
    vault.putByHand(path, { value: 'x' });
    const { source } = open({ VAULT_CACHE_MS: '0' });
    await source.read(ref);
    vault.tokens.clear();
    expect((await source.read(ref))?.reveal()).toBe('x');
    expect(vault.counted('POST auth/approle/login')).toBe(2);
  });

  it('is got once where many need it at the same moment', async () => {
    const { kv } = open();
    await Promise.all(Array.from({ length: 30 }, (_, i) => kv.read(`mailstream/t/${i}`)));
    vault.tokens.clear();
    await Promise.all(Array.from({ length: 30 }, (_, i) => kv.newest(`mailstream/t/${i}`)));
    expect(vault.counted('POST auth/approle/login')).toBe(2);
  });

  it('is renewed after two thirds of its life, and replaced where a renewal gives it little', async () => {
    const clock = new FakeClock();
    vault.loginTtl = 900;
    vault.renewalTtl = 900;
    const { session, kv } = open({}, clock);
    await session.start();
    await kv.newest(path);
    clock.advance(600_000);
    await expect.poll(() => vault.counted('POST auth/token/renew-self')).toBe(1);
    await expect.poll(() => clock.pending).toBe(1);
    // Near its max_ttl Vault gives less than was asked for.
    vault.renewalTtl = 100;
    clock.advance(600_000);
    await expect.poll(() => vault.counted('POST auth/approle/login')).toBe(2);
    await expect.poll(() => clock.pending).toBe(1);
    await session.stop();
    expect(clock.pending).toBe(0);
  });

  it('that ended while nobody asked is replaced before it is used', async () => {
    const clock = new FakeClock();
    vault.loginTtl = 60;
    const { kv } = open({}, clock);
    await kv.newest(path);
    clock.advance(59_000);
    await kv.newest(path);
    expect(vault.requests).toEqual([
      'POST auth/approle/login',
      `GET secret/data/${path}`,
      'POST auth/approle/login',
      `GET secret/data/${path}`,
    ]);
  });

  it('that was given is used to its end, and a revoked one is refused without guessing', async () => {
    vault.putByHand(path, { value: 'x' });
    const given = { VAULT_AUTH: 'token', VAULT_TOKEN: vault.addToken(), VAULT_CACHE_MS: '0' };
    const { source } = open(given);
    expect((await source.read(ref))?.reveal()).toBe('x');
    vault.tokens.clear();
    await expect(source.read(ref)).rejects.toMatchObject(code('VAULT_DENIED'));
  });

  it('of a file is read again when the agent has written a new one', async () => {
    vault.putByHand(path, { value: 'x' });
    const file = join(folder, 'token');
    await writeFile(file, `${vault.addToken(600)}\n`);
    const { source } = open({ VAULT_AUTH: 'token', VAULT_TOKEN_FILE: file, VAULT_CACHE_MS: '0' });
    await source.read(ref);
    vault.tokens.clear();
    await writeFile(file, `${vault.addToken(600)}\n`);
    expect((await source.read(ref))?.reveal()).toBe('x');
    await rm(file);
    vault.tokens.clear();
    await expect(source.read(ref)).rejects.toMatchObject(code('VAULT_DENIED'));
  });

  it('comes from Kubernetes by the service account, which changes', async () => {
    const jwt = join(folder, 'jwt');
    await writeFile(jwt, vault.serviceAccountJwt);
    const kubernetes = { VAULT_AUTH: 'kubernetes', VAULT_ROLE: 'mailstream', VAULT_JWT_FILE: jwt };
    const { kv } = open(kubernetes);
    expect(await kv.newest(path)).toBe(0);
    vault.serviceAccountJwt = 'second-jwt';
    await writeFile(jwt, 'second-jwt');
    vault.tokens.clear();
    expect(await kv.newest(path)).toBe(0);
    vault.serviceAccountJwt = 'another';
    await expect(open(kubernetes).kv.newest(path)).rejects.toMatchObject(code('VAULT_DENIED'));
  });

  it('is refused for a wrong secret id', async () => {
    const wrong = open({ VAULT_SECRET_ID: 'wrong' });
    await expect(wrong.kv.newest(path)).rejects.toMatchObject(code('VAULT_DENIED'));
    expect(vault.requests).toEqual(['POST auth/approle/login']);
  });
});

describe('a Vault that does not do what it is asked', () => {
  it('sealed: said at once, and gone when it is unsealed', async () => {
    const { kv } = open();
    vault.isSealed = true;
    await expect(kv.newest(path)).rejects.toMatchObject({
      fault: { code: 'VAULT_SEALED', kind: 'transient' },
    });
    expect(vault.requests).toHaveLength(1);
    vault.isSealed = false;
    expect(await kv.newest(path)).toBe(0);
  });

  it('policy: one new login, then it is denied', async () => {
    const { kv } = open();
    vault.forbidden.add('secret/data/mailstream');
    await expect(kv.newest(path)).rejects.toMatchObject({
      fault: { code: 'VAULT_DENIED', kind: 'misconfigured' },
    });
    expect(vault.requests).toHaveLength(4);
  });

  it('a mount that is not there is no empty folder', async () => {
    const { source } = open({ VAULT_KV_MOUNT: 'elsewhere' });
    await expect(source.read(ref)).rejects.toMatchObject(code('VAULT_REFUSED'));
  });

  it('errors of a moment are tried again, others are not', async () => {
    const { kv } = open();
    await kv.newest(path);
    vault.answersInstead.push({ status: 502, text: '<html>' }, { status: 412 });
    expect(await kv.newest(path)).toBe(0);
    vault.answersInstead.push({ status: 500 }, { status: 500 }, { status: 500 });
    await expect(kv.newest(path)).rejects.toMatchObject({
      fault: { code: 'VAULT_UNAVAILABLE', kind: 'transient' },
    });
    vault.answersInstead.push({ status: 429, headers: { 'retry-after': '7' } });
    await expect(kv.newest(path)).rejects.toMatchObject({ fault: { kind: 'throttled', retryAfterMs: 7000 } });
    vault.answersInstead.push({ status: 307, headers: { location: 'http://169.254.169.254/' } });
    await expect(kv.newest(path)).rejects.toMatchObject(code('VAULT_REFUSED'));
    vault.answersInstead.push({ status: 200, text: 'a login page' });
    await expect(kv.newest(path)).rejects.toMatchObject(code('VAULT_REFUSED'));
  });

  it('silence ends with the timeout, and a closed port at once', async () => {
    const { kv } = open({ VAULT_TIMEOUT_MS: '100' });
    vault.isSilent = true;
    await expect(kv.newest(path)).rejects.toMatchObject(code('VAULT_UNAVAILABLE'));
    const closed = open({ VAULT_ADDR: 'http://127.0.0.1:1' });
    await expect(closed.kv.newest(path)).rejects.toMatchObject(code('VAULT_UNAVAILABLE'));
  });

  it('an address outside the networks of the operator is not connected to', async () => {
    for (const [name, address] of [
      ['VAULT_ADDR', '169.254.169.254'],
      ['VAULT_ALLOW_CIDRS', '127.0.0.1'],
    ] as const) {
      const allowed = name === 'VAULT_ALLOW_CIDRS' ? { VAULT_ALLOW_CIDRS: '10.0.0.0/8' } : {};
      const read = settings({ ...appRole(), VAULT_ADDR: `https://vault.test:${vault.port}`, ...allowed });
      const resolver = () => Promise.resolve([{ address, family: 4 }]);
      const { kv } = openVault(read, { clock: systemClock, resolver });
      await expect(kv.newest(path)).rejects.toMatchObject(code('VAULT_REFUSED'));
    }
    expect(vault.requests).toEqual([]);
  });

  it('shows no secret in any error', async () => {
    const [secretId, password, token] = [newCanary('secret id'), newCanary('password'), newCanary('token')];
    const errors: unknown[] = [];
    const collect = (error: unknown): void =>
      void errors.push(error, inspect(error, { depth: 9, showHidden: true }));
    await open({ VAULT_SECRET_ID: secretId.value }).kv.newest(path).catch(collect);
    await open({ VAULT_AUTH: 'token', VAULT_TOKEN: token.value }).kv.newest(path).catch(collect);
    for (const status of [400, 404, 307]) {
      vault.beforeWrite = () => void (vault.answersFalsely = status);
      await open().keeper.put(ref, new SecretValue(password.value)).catch(collect);
    }
    expect(errors.length).toBe(10);
    assertNoCanary(errors, [secretId, password, token]);
  });
});

describe('TLS and namespaces', () => {
  it('need the authority that is named, and the namespace', async () => {
    const tls = makeTestCertificate(['127.0.0.1']);
    const secure = await startVault({ tls, namespace: 'team/mail', mount: 'kv/mail' });
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, tls.cert);
    const own = { ...appRole(secure), VAULT_KV_MOUNT: 'kv/mail' };
    const trusting = { ...own, VAULT_CACERT: ca };
    secure.putByHand(path, { value: 'over TLS' });
    const read = async (environment: Record<string, string>) => {
      const given = settings(environment);
      return await createVaultSource(openVault(given).kv, given.pathPrefix).read(ref);
    };
    try {
      expect((await read({ ...trusting, VAULT_NAMESPACE: 'team/mail' }))?.reveal()).toBe('over TLS');
      await expect(read({ ...own, VAULT_NAMESPACE: 'team/mail' })).rejects.toMatchObject(
        code('VAULT_UNAVAILABLE'),
      );
      await expect(read({ ...trusting, VAULT_NAMESPACE: 'other' })).rejects.toMatchObject(
        code('VAULT_REFUSED'),
      );
    } finally {
      await secure.stop();
    }
  });
});

describe('settings', () => {
  const problems = (environment: Record<string, string>): readonly string[] => {
    const env = new EnvReader(environment);
    vaultPlugIn.open(env);
    try {
      env.finish();
      return [];
    } catch (error) {
      return error instanceof ConfigError ? error.problems : ['?'];
    }
  };

  it('are told all at once, by their names and without values', () => {
    expect(problems({})).toEqual([
      expect.stringMatching(/^VAULT_ADDR is not set/),
      expect.stringMatching(/^VAULT_TOKEN or VAULT_TOKEN_FILE is not set/),
    ]);
    const found = problems({
      VAULT_ADDR: 'http://vault.example:8200',
      VAULT_AUTH: 'approle',
      VAULT_CACERT: '/nowhere',
      VAULT_KV_MOUNT: '../sys',
      VAULT_PATH_PREFIX: 'a/',
      VAULT_NAMESPACE: 'a b',
      VAULT_ALLOW_CIDRS: '10/8',
    });
    for (const name of [
      'VAULT_ADDR must begin with https',
      'VAULT_ROLE_ID is not set',
      'VAULT_SECRET_ID or VAULT_SECRET_ID_FILE',
      'VAULT_CACERT names a file that cannot be read',
      'VAULT_KV_MOUNT must be',
      'VAULT_PATH_PREFIX must be',
      'VAULT_NAMESPACE must be',
      'VAULT_ALLOW_CIDRS:',
    ])
      expect(found).toContainEqual(expect.stringContaining(name));
    expect(problems({ VAULT_ADDR: 'https://v.example', VAULT_AUTH: 'kubernetes' })).toEqual([
      expect.stringMatching(/^VAULT_ROLE is not set/),
    ]);
    expect(problems({ VAULT_ADDR: 'https://u:p@v.example/x', VAULT_TOKEN: 't' })).toHaveLength(1);
  });

  it('let an agent on this machine be used without TLS', () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]'])
      expect(problems({ VAULT_ADDR: `http://${host}:8200`, VAULT_TOKEN: 't' })).toEqual([]);
  });
});

describe('the cache', () => {
  it('holds as many as it may, and drops what was not used for longest', async () => {
    const cache = new BoundedCache<number>(new FakeClock(), { most: 3, lifetimeMs: 1000 });
    let asked = 0;
    const get = (key: string) => cache.get(key, () => Promise.resolve((asked += 1)));
    for (const key of ['a', 'b', 'c', 'a', 'd', 'e']) await get(key);
    expect(cache.size).toBe(3);
    expect(await get('a')).toBe(1);
    expect(await get('b')).toBe(6);
  });

  it('keeps no failure, and nothing that was forgotten while it was asked for', async () => {
    const cache = new BoundedCache<number>(new FakeClock(), { most: 3, lifetimeMs: 1000 });
    await expect(cache.get('a', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    const slow = cache.get('a', () => Promise.resolve(1));
    cache.forget('a');
    expect(await slow).toBe(1);
    expect(await cache.get('a', () => Promise.resolve(2))).toBe(2);
  });
});

async function startVault(options: ConstructorParameters<typeof VaultServer>[0]): Promise<VaultServer> {
  const server = new VaultServer(options);
  await server.start();
  return server;
}
