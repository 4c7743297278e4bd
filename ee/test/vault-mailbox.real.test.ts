/**
 * Vault and the database together: a change of settings and of its secret is one change, whatever happens. And the whole way: a mailbox
 * is connected through the API of the server, its password is in Vault, the daemon logs in with it.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase } from '@mailstream/shared/db/database';
import { providerId, type TenantId } from '@mailstream/shared/domain/ids';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import { countToRewrap, rewrapSecrets } from '@mailstream/shared/secrets/rewrap';
import { createSecretBox } from '@mailstream/shared/secrets/secret-box';
import { createSecretStore, type SecretRef } from '@mailstream/shared/secrets/secret-store';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { assertNoCanary, newPlainCanary } from '@mailstream/shared/testing/canary';
import { deliver } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { EnvReader } from '@mailstream/shared/runtime/env';
import { isWatching, startDaemon, useWorld, type Daemon } from '../../services/email-service/test/daemon.ts';
import { openVault } from '../src/vault/vault-plug-in.ts';
import { createVaultKeeper, createVaultSource } from '../src/vault/vault-secrets.ts';
import { readVaultSettings } from '../src/vault/vault-settings.ts';
import { useVault } from './vault-server.ts';

const world = await useWorld();
const vault = await useVault();
const dovecot = useDovecot();
const database = createDatabase({ url: world.database.url, applicationName: 'vault', poolMax: 2 });
afterAll(() => database.close());

const environment = {
  VAULT_ADDR: vault.address,
  VAULT_AUTH: 'approle',
  VAULT_ROLE_ID: vault.roleId,
  VAULT_SECRET_ID: vault.secretId,
};
const settings = readVaultSettings(new EnvReader(environment));
if (settings === null) throw new Error('no settings');
const { kv } = openVault(settings, { clock: systemClock });
const ring = parseKeyRing(world.env['SECRETS_MASTER_KEY'] ?? '');
if (ring.kind === 'problem') throw new Error(ring.text);
const box = createSecretBox(ring.ring);
const keeper = createVaultKeeper(kv, 'mailstream');
const store = createSecretStore({ database, box, sources: [createVaultSource(kv, 'mailstream')], keeper });

const pathOf = (ref: SecretRef): string => `mailstream/${ref.tenant}/${ref.name}_${ref.providerId}`;
const values = (ref: SecretRef): readonly unknown[] =>
  vault.versions(pathOf(ref)).map((data) => data?.['value'] ?? null);

describe('a secret that is kept in Vault', () => {
  let ref: SecretRef;

  beforeEach(async () => {
    vault.isSealed = false;
    const tenant = await world.addTenant();
    const id = providerId(randomUUID());
    await world.sql(
      'INSERT INTO email_providers (tenant, id, provider_name, mailbox) VALUES ($1, $2, $3, $4)',
      [...[tenant, id, 'demo', `${id}@example.com`]],
    );
    ref = { tenant, providerId: id, name: 'imap_password' };
  });

  const write = async (value: string, at = ref): Promise<void> => {
    await database.withTenant(at.tenant, (trx) => store.write(trx, at, new SecretValue(value)));
    await store.idle();
  };
  const rowOf = async (at = ref): Promise<string | undefined> =>
    (
      await world.sql<{ sealed: string }>('SELECT sealed FROM provider_secrets WHERE name = $1', [
        `${at.name}_${at.providerId}`,
      ])
    )[0]?.sealed;

  it('leaves only a pointer in the database, and the value before is destroyed after the commit', async () => {
    const canary = newPlainCanary('password');
    await write('first');
    await write(canary.value);
    expect((await store.read(ref))?.reveal()).toBe(canary.value);
    expect(await rowOf()).toMatch(/^kept\.vault\.2\./);
    assertNoCanary(await world.sql('SELECT * FROM provider_secrets'), [canary]);
    expect(values(ref)).toEqual([null, canary.value]);
  });

  it('is the old one after a rollback, and the new one is destroyed', async () => {
    await write('old');
    const work = database.withTenant(ref.tenant, async (trx) => {
      await store.write(trx, ref, new SecretValue('new'));
      expect((await store.read(ref, trx))?.reveal()).toBe('new');
      throw new Error('rolled back');
    });
    await expect(work).rejects.toThrow('rolled back');
    await store.idle();
    expect((await store.read(ref))?.reveal()).toBe('old');
    expect(values(ref)).toEqual(['old', null]);
  });

  it('is gone with its row, and only then', async () => {
    await write('to go');
    const remove = (fails: boolean) =>
      database.withTenant(ref.tenant, async (trx) => {
        await store.remove(trx, ref);
        if (fails) throw new Error('rolled back');
      });
    await expect(remove(true)).rejects.toThrow('rolled back');
    await store.idle();
    expect((await store.read(ref))?.reveal()).toBe('to go');
    await remove(false);
    await store.idle();
    expect(await store.read(ref)).toBeNull();
    expect(values(ref)).toEqual([null]);
  });

  it('cannot be written while Vault is sealed: nothing changes, and the code says why', async () => {
    await write('old');
    vault.isSealed = true;
    await expect(write('new')).rejects.toMatchObject({ fault: { code: 'VAULT_SEALED' } });
    vault.isSealed = false;
    expect((await store.read(ref))?.reveal()).toBe('old');
  });

  it('of a refresh token that was just rotated is sealed into the database rather than lost', async () => {
    const token: SecretRef = { ...ref, name: 'imap_refresh_token' };
    await write('one', token);
    vault.isSealed = true;
    await write('two', token);
    expect((await store.read(token))?.reveal()).toBe('two');
    vault.isSealed = false;
    await write('three', token);
    expect(await rowOf(token)).toMatch(/^kept\./);
    // What an access token is worth ends within the hour: it stays in the database.
    const access: SecretRef = { ...ref, name: 'imap_access_token' };
    await write('short', access);
    expect(await rowOf(access)).toMatch(/^v1\./);
  });

  it('is no work for a change of the master key, and no secret for a process without Vault', async () => {
    await write('kept');
    const row = await rowOf();
    expect(await countToRewrap(database, box)).toBe(0);
    expect(await rewrapSecrets(database, box)).toEqual({ rewrapped: 0, unreadable: 0 });
    expect(await rowOf()).toBe(row);
    const open = createSecretStore({ database, box, sources: [] });
    await expect(open.read(ref)).rejects.toThrow(/kept in "vault", which this process was not given/);
  });
});

describe('the processes', () => {
  const started: Daemon[] = [];
  afterAll(async () => {
    await Promise.all(started.map((process) => process.stop()));
  });
  const start = (name: string, env: Readonly<Record<string, string>> = {}): Daemon => {
    const main = fileURLToPath(new URL(`../dist/${name}/main.js`, import.meta.url));
    const process = startDaemon({ ...world.env, ...environment, HOST: '127.0.0.1', ...env }, main);
    started.push(process);
    return process;
  };

  async function addApiToken(tenant: TenantId): Promise<string> {
    const token = randomBytes(24).toString('base64url');
    await world.sql(
      'INSERT INTO api_tokens (tenant, id, name, token_hash, scopes) VALUES ($1, $2, $3, $4, $5)',
      [
        ...[tenant, randomUUID(), 'test', createHash('sha256').update(token).digest()],
        JSON.stringify(['providers:read', 'providers:write']),
      ],
    );
    return token;
  }

  it('connect a mailbox whose password is in Vault and nowhere else', async () => {
    const daemon = start('email-service');
    const server = start('server');
    const { port } = await server.waitForLog(({ message }) => message === 'listening');
    const tenant = await world.addTenant();
    const token = await addApiToken(tenant);
    const call = async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`http://127.0.0.1:${String(port)}/api/email/providers${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return {
        status: answer.status,
        body: (await answer.json()) as { id: string; error?: { code: string } },
      };
    };
    const username = dovecot.newUser();
    const connect = (password: string, mailbox = `${randomUUID()}@example.com`) =>
      call('POST', '', {
        ...{ providerType: 'imap', providerName: 'Support', mailbox, isActive: true },
        imap: {
          ...{ host: dovecot.host, port: dovecot.port, secure: false, allowStarttls: false },
          ...{ authType: 'password', username, password, folderFilters: [] },
        },
      });

    const created = await connect(dovecot.password);
    expect(created.status).toBe(201);
    const ref = { tenant, providerId: providerId(created.body.id), name: 'imap_password' } as const;
    expect(values(ref)).toEqual([dovecot.password]);
    const rows = await world.sql('SELECT sealed FROM provider_secrets WHERE tenant = $1', [tenant]);
    expect(rows).toEqual([{ sealed: expect.stringMatching(/^kept\.vault\./) as unknown }]);

    await daemon.waitForLog(isWatching('INBOX', created.body.id));
    const raw = Buffer.from(
      'From: a@example.org\r\nSubject: hello\r\nMessage-ID: <v@example.org>\r\n\r\nhello\r\n',
    );
    await deliver({
      ...{ host: dovecot.host, port: dovecot.lmtpPort },
      ...{ from: 'a@example.org', to: `${username}@example.com`, raw },
    });
    expect((await world.entries(1))[0]?.payload.emailData.id).toBe('<v@example.org>');

    // A sealed Vault takes no password; what is connected goes on.
    vault.isSealed = true;
    const refused = await connect(dovecot.password);
    expect([refused.status, refused.body.error?.code]).toEqual([503, 'VAULT_SEALED']);
    vault.isSealed = false;

    // A wrong password is parked, the right one wakes it: the daemon sees each version at once, whatever it had cached.
    const change = (password: string) => call('PATCH', `/${created.body.id}`, { imap: { password } });
    expect((await change('wrong')).status).toBe(200);
    await daemon.waitForLog((line) => line['state'] === 'parked' && line['providerId'] === created.body.id);
    expect((await change(dovecot.password)).status).toBe(200);
    const watched = () => daemon.lines.filter(isWatching('INBOX', created.body.id)).length;
    await expect.poll(watched, { timeout: 30_000 }).toBeGreaterThan(1);
    await expect.poll(() => values(ref)).toEqual([null, null, dovecot.password]);

    expect((await call('DELETE', `/${created.body.id}`).catch(() => ({ status: 204 }))).status).toBe(204);
    await expect.poll(() => values(ref)).toEqual([null, null, null]);
    for (const process of started) {
      expect(await process.stop()).toBe(0);
      for (const secret of [vault.secretId, dovecot.password, ...vault.tokens.keys()])
        expect(JSON.stringify(process.lines) + process.stderr()).not.toContain(secret);
    }
  });

  it('name every wrong setting of Vault among the others, and end with 78', async () => {
    for (const name of ['email-service', 'server', 'workflow-worker']) {
      const process = start(name, { VAULT_ADDR: 'vault', PORT: 'x', VAULT_SECRET_ID: '' });
      expect((await process.exited).code).toBe(78);
      for (const variable of ['VAULT_ADDR', 'VAULT_SECRET_ID', 'PORT'])
        expect(process.stderr()).toContain(`- ${variable} `);
    }
  });
});
