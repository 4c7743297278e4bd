import { randomBytes, randomUUID } from 'node:crypto';
import { createDatabase, type Database } from '@mailstream/shared/db/database';
import { type ProviderId, providerId, type TenantId, tenantId } from '@mailstream/shared/domain/ids';
import { KeyRing } from '@mailstream/shared/secrets/key-ring';
import { countToRewrap, rewrapSecrets } from '@mailstream/shared/secrets/rewrap';
import { createSecretBox, isSealed, sealedKeyId } from '@mailstream/shared/secrets/secret-box';
import { createEnvSource } from '@mailstream/shared/secrets/secret-sources';
import { createSecretStore, type SecretRef, type SecretStore } from '@mailstream/shared/secrets/secret-store';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { assertNoCanary, newCanary } from '@mailstream/shared/testing/canary';
import { useDatabase } from '@mailstream/shared/testing/fixtures';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const db = await useDatabase();
const owner = new pg.Client({ connectionString: db.ownerUrl });
const database: Database = createDatabase({ url: db.url, applicationName: 'secrets', poolMax: 2 });
const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const oldBox = createSecretBox(new KeyRing('old', new Map([['old', oldKey]])));
const keys = new Map([
  ['new', newKey],
  ['old', oldKey],
]);
const bothBox = createSecretBox(new KeyRing('new', keys));
const newBox = createSecretBox(new KeyRing('new', new Map([['new', newKey]])));
let [one, two]: TenantId[] = [];
let provider: ProviderId;

function storeWith(box = oldBox, env: Record<string, string> = {}): SecretStore {
  return createSecretStore({ database, box, sources: [createEnvSource(env)] });
}

function ref(name: SecretRef['name'] = 'imap_password', tenant = one, id = provider): SecretRef {
  if (tenant === undefined) throw new Error('no tenant yet');
  return { tenant, providerId: id, name };
}

async function write(at: SecretRef, value: string, box = oldBox): Promise<void> {
  await database.withTenant(at.tenant, (trx) => storeWith(box).write(trx, at, new SecretValue(value)));
}

async function addProvider(tenant: TenantId, id = providerId(randomUUID())): Promise<ProviderId> {
  await owner.query(
    'INSERT INTO email_providers (tenant, id, provider_name, mailbox) VALUES ($1, $2, $3, gen_random_uuid()::text)',
    [tenant, id, 'demo'],
  );
  return id;
}

beforeAll(() => owner.connect());
beforeEach(async () => {
  [one, two] = [tenantId(randomUUID()), tenantId(randomUUID())];
  await owner.query('TRUNCATE tenants CASCADE');
  await owner.query(`INSERT INTO tenants (tenant, name) VALUES ($1, 'one'), ($2, 'two')`, [one, two]);
  provider = await addProvider(one);
});
afterAll(async () => {
  await database.close();
  await owner.end();
});

describe('secret store', () => {
  it('keeps the newest value, sealed', async () => {
    const canary = newCanary('password');
    await write(ref(), 'first');
    await write(ref(), canary.value);
    expect((await storeWith().read(ref()))?.reveal()).toBe(canary.value);
    const { rows } = await owner.query<{ sealed: string }>('SELECT * FROM provider_secrets');
    expect(rows).toHaveLength(1);
    expect(isSealed(rows[0]?.sealed ?? '')).toBe(true);
    assertNoCanary(rows, [canary]);
  });

  it('reads those of many mailboxes at once in two statements, each its own', async () => {
    const first = ref('imap_access_token');
    const refs = [first];
    for (let n = 0; n < 20; n += 1)
      refs.push(ref('imap_password', first.tenant, await addProvider(first.tenant)));
    for (const [n, at] of refs.entries()) if (n % 4 !== 0) await write(at, `secret ${n}`);
    let statements = 0;
    const counted: Pick<Database, 'statement'> = {
      statement: (...asked) => {
        statements += 1;
        return database.statement(...asked);
      },
    };
    const store = createSecretStore({ database: counted, box: oldBox, sources: [] });
    const read = await Promise.all(refs.map((at) => store.read(at)));
    expect(read.map((secret) => secret?.reveal() ?? null)).toEqual(
      refs.map((_, n) => (n % 4 === 0 ? null : `secret ${n}`)),
    );
    expect(statements).toBe(2);
  });

  it('has nothing where nothing was written, and nothing after a rollback', async () => {
    expect(await storeWith().read(ref())).toBeNull();
    const work = database.withTenant(ref().tenant, async (trx) => {
      await storeWith().write(trx, ref(), new SecretValue('x'));
      expect((await storeWith().read(ref(), trx))?.reveal()).toBe('x');
      throw new Error('rolled back');
    });
    await expect(work).rejects.toThrow('rolled back');
    expect(await storeWith().read(ref())).toBeNull();
  });

  it('removes the named secrets of one provider, or all of them', async () => {
    const other = await addProvider(ref().tenant);
    const refs = [ref('imap_password'), ref('imap_refresh_token'), ref('imap_password', one, other)] as const;
    for (const at of refs) await write(at, 'x');
    const has = () => Promise.all(refs.map(async (at) => (await storeWith().read(at)) !== null));
    await database.withTenant(ref().tenant, (trx) => storeWith().remove(trx, ref(), ['imap_refresh_token']));
    expect(await has()).toEqual([true, false, true]);
    await database.withTenant(ref().tenant, (trx) => storeWith().remove(trx, ref()));
    expect(await has()).toEqual([false, false, true]);
  });

  it('shows one tenant nothing of another, and a row moved to another does not open', async () => {
    const id = await addProvider(ref('imap_password', two).tenant);
    await write(ref('imap_password', one), 'secret of one');
    const foreign = ref('imap_password', two, id);
    const name = `imap_password_${id}`;
    await owner.query(
      `INSERT INTO provider_secrets (tenant, email_provider_id, name, sealed) SELECT $1, $2, $3, sealed FROM provider_secrets`,
      [two, id, name],
    );
    await expect(storeWith().read(foreign)).rejects.toMatchObject({ fault: { code: 'SECRET_UNREADABLE' } });
    const seen = await database.withTenant(foreign.tenant, (trx) => trx('provider_secrets').pluck('name'));
    expect(seen).toEqual([name]);
  });

  it('reads what the operator gives before the database, plain or sealed', async () => {
    await write(ref(), 'stored');
    const name = `imap_password_${provider}`;
    expect((await storeWith(oldBox, { [name]: 'given' }).read(ref()))?.reveal()).toBe('given');
    const sealed = oldBox.seal(ref(), new SecretValue('given sealed'));
    expect((await storeWith(oldBox, { [name]: sealed }).read(ref()))?.reveal()).toBe('given sealed');
    const foreign = oldBox.seal(ref('imap_refresh_token'), new SecretValue('for another place'));
    await expect(storeWith(oldBox, { [name]: foreign }).read(ref())).rejects.toMatchObject({
      fault: { code: 'SECRET_UNREADABLE' },
    });
  });

  it('takes the first refresh token from the operator and the rotated one from the database', async () => {
    const given = { [`imap_refresh_token_${provider}`]: 'first', [`imap_access_token_${provider}`]: 'never' };
    const store = storeWith(oldBox, given);
    expect((await store.read(ref('imap_refresh_token')))?.reveal()).toBe('first');
    await write(ref('imap_refresh_token'), 'rotated');
    expect((await store.read(ref('imap_refresh_token')))?.reveal()).toBe('rotated');
    expect(await store.read(ref('imap_access_token'))).toBeNull();
  });
});

describe('rewrap', () => {
  async function keyIds(): Promise<readonly (string | null)[]> {
    const { rows } = await owner.query<{ sealed: string }>('SELECT sealed FROM provider_secrets');
    return rows.map((row) => sealedKeyId(row.sealed));
  }

  it('moves all secrets of all tenants to the newest key, and they read with it alone', async () => {
    const other = await addProvider(ref('imap_password', two).tenant);
    const refs = [ref('imap_password'), ref('imap_refresh_token'), ref('imap_password', two, other)] as const;
    for (const at of refs) await write(at, `secret ${at.name}`);
    expect(await countToRewrap(database, bothBox)).toBe(3);
    expect(await rewrapSecrets(database, bothBox)).toEqual({ rewrapped: 3, unreadable: 0 });
    expect(await countToRewrap(database, bothBox)).toBe(0);
    expect(await rewrapSecrets(database, bothBox)).toEqual({ rewrapped: 0, unreadable: 0 });
    for (const at of refs) expect((await storeWith(newBox).read(at))?.reveal()).toBe(`secret ${at.name}`);
  });

  it('goes on where it was interrupted, with both keys readable in between', async () => {
    const total = 250;
    for (let i = 0; i < total; i += 1) {
      const id = await addProvider(ref().tenant);
      await write(ref('imap_password', one, id), 'x');
    }
    let batches = 0;
    const interrupted: Pick<Database, 'withTenant' | 'asDaemon'> = {
      asDaemon: (work) => database.asDaemon(work),
      withTenant: (tenant, work) => {
        batches += 1;
        if (batches > 1) return Promise.reject(new Error('killed'));
        return database.withTenant(tenant, work);
      },
    };
    await expect(rewrapSecrets(interrupted, bothBox)).rejects.toThrow('killed');
    const left = await countToRewrap(database, bothBox);
    expect([left, (await keyIds()).filter((id) => id === 'new').length]).toEqual([150, 100]);
    expect(await rewrapSecrets(database, bothBox)).toEqual({ rewrapped: 150, unreadable: 0 });
  });

  it('leaves what no key opens, counts it and comes to an end', async () => {
    await write(ref(), 'readable');
    const stranger = createSecretBox(new KeyRing('lost', new Map([['lost', randomBytes(32)]])));
    await write(ref('imap_refresh_token'), 'unreadable', stranger);
    expect(await rewrapSecrets(database, bothBox)).toEqual({ rewrapped: 1, unreadable: 1 });
    expect(new Set(await keyIds())).toEqual(new Set(['lost', 'new']));
    expect(await countToRewrap(database, bothBox)).toBe(1);
  });
});
