/**
 * The schema can be spread by tenant, and the command does it, once. Here Citus is a double that refuses what Citus refuses; with
 * CITUS_URL (a database of a superuser on a coordinator, which is emptied) the same is done for real.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { migrate } from '@mailstream/migrations/migrate';
import { createDatabase } from '@mailstream/shared/db/database';
import { instanceId, providerId, tenantId } from '@mailstream/shared/domain/ids';
import { createLogin } from '@mailstream/shared/local-stack/login-role';
import { deliver } from '@mailstream/shared/testing/deliver';
import { useDatabase, useDovecot } from '@mailstream/shared/testing/fixtures';
import { createPgFolderStatus } from '../../services/email-service/src/adapters/pg-folder-status.ts';
import { createPgLeaseStore } from '../../services/email-service/src/adapters/pg-lease-store.ts';
import { isWatching, startDaemon, useWorld } from '../../services/email-service/test/daemon.ts';
import { distribute } from '../src/citus/distribute.ts';
import { distributionOrder, problemsOf, readSchema } from '../src/citus/tenant-schema.ts';

const db = await useDatabase();
const stack = await useWorld();
const dovecot = useDovecot();
const owner = new pg.Client({ connectionString: db.ownerUrl });
beforeAll(() => owner.connect());
afterAll(() => owner.end());

/** What Citus refuses of hash-distributed tables, as far as a schema can get it wrong. */
const DOUBLE = `
  CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, colocationid int NOT NULL, colocated text NOT NULL);
  CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text, colocate_with text DEFAULT 'default')
  RETURNS void LANGUAGE plpgsql AS $$
  DECLARE key smallint := (SELECT attnum FROM pg_attribute WHERE attrelid = table_name AND attname = distribution_column);
  BEGIN
    IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = table_name) THEN
      RAISE 'table % is already distributed', table_name;
    END IF;
    IF EXISTS (SELECT FROM pg_index WHERE indrelid = table_name AND (indisunique OR indisexclusion) AND NOT key = ANY (indkey::int2[])) THEN
      RAISE 'cannot create constraint on %', table_name;
    END IF;
    IF EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = table_name AND f.confrelid <> table_name
                  AND NOT EXISTS (SELECT FROM pg_dist_partition p WHERE p.logicalrelid = f.confrelid)) THEN
      RAISE '% refers to a table that is not distributed', table_name;
    END IF;
    IF colocate_with <> 'none' AND NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass) THEN
      RAISE 'there is nothing to place % beside', table_name;
    END IF;
    INSERT INTO pg_dist_partition VALUES (table_name, CASE WHEN colocate_with IN ('none', 'tenants') THEN 1 ELSE 2 END, colocate_with);
  END $$`;

describe('the migrated schema', () => {
  it('has the tenant first in every primary key, unique index and foreign key of a table of tenants', async () => {
    const facts = await readSchema(owner);
    expect(problemsOf(facts)).toEqual([]);
    expect(facts.tables.filter(({ tenant }) => tenant !== null).length).toBeGreaterThan(25);
    expect(facts.foreignKeys.length).toBeGreaterThan(25);
    const local = facts.tables.filter(({ tenant }) => tenant === null).map(({ name }) => name);
    expect(local).toEqual(expect.arrayContaining(['service_instances', 'jobs', 'job_runs', 'alert_marks']));
  });

  it('is spread in an order in which every table comes after those that it refers to', async () => {
    const facts = await readSchema(owner);
    const order = distributionOrder(facts);
    expect(order[0]).toBe('tenants');
    for (const { table, otherTable } of facts.foreignKeys)
      if (table !== otherTable && order.includes(table))
        expect(order.indexOf(otherTable)).toBeLessThan(order.indexOf(table));
  });
});

describe('what is in the way', () => {
  beforeEach(() => owner.query('BEGIN'));
  afterEach(() => owner.query('ROLLBACK'));

  it.each([
    [
      'CREATE TABLE x (tenant uuid NOT NULL, id uuid PRIMARY KEY)',
      'x: x_pkey is unique and does not begin with tenant',
    ],
    ['CREATE TABLE x (tenant uuid NOT NULL, id uuid)', 'x: there is no primary key'],
    [
      'CREATE TABLE x (tenant text, id uuid, UNIQUE (tenant, id), PRIMARY KEY (tenant, id))',
      'x: tenant is a text; tables of two types cannot be co-located',
    ],
    ['CREATE TABLE x (tenant uuid, id uuid); ', 'x: tenant may be null'],
    [
      'CREATE UNIQUE INDEX x ON tickets (lower(subject), tenant)',
      'tickets: x is unique and does not begin with tenant',
    ],
    [
      'ALTER TABLE tickets ADD job text, ADD CONSTRAINT x FOREIGN KEY (job) REFERENCES jobs',
      'tickets: x joins a table of tenants with jobs, which is on the coordinator',
    ],
    [
      'ALTER TABLE jobs ADD tenant_of uuid, ADD CONSTRAINT x FOREIGN KEY (tenant_of) REFERENCES tenants',
      'jobs: x joins a table of tenants with jobs, which is on the coordinator',
    ],
    [
      'ALTER TABLE tickets ADD CONSTRAINT x FOREIGN KEY (tenant, contact_id) REFERENCES contacts ON DELETE SET NULL',
      'tickets: x takes the tenant away ON DELETE',
    ],
    [
      'CREATE UNIQUE INDEX y ON clients (tenant, id); ALTER TABLE tickets ADD CONSTRAINT x FOREIGN KEY (client_id, tenant) REFERENCES clients (id, tenant)',
      'tickets: x does not join clients by tenant first',
    ],
    [
      'CREATE TRIGGER x BEFORE INSERT ON tickets FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
      'tickets: trigger x would not run on the shards',
    ],
  ])('%s', async (sql, problem) => {
    // That function is for updates; all the double of a mistake needs is a trigger.
    await owner.query(sql.replace('BEFORE INSERT', 'BEFORE UPDATE'));
    expect(problemsOf(await readSchema(owner))).toContain(problem);
    expect(await distribute(owner)).toMatchObject({ kind: 'problems' });
  });
});

describe('the command', () => {
  it('changes nothing where there is no Citus', async () => {
    expect(await distribute(owner)).toEqual({ kind: 'notCitus' });
  });

  it('spreads every table of tenants once, beside tenants, and says rights on columns again', async () => {
    await owner.query('BEGIN');
    try {
      await owner.query(DOUBLE);
      expect(await distribute(owner, { onlyCheck: true })).toMatchObject({
        kind: 'done',
        distributed: [],
        unchanged: 0,
      });
      const order = distributionOrder(await readSchema(owner));
      expect(await distribute(owner)).toEqual({ kind: 'done', distributed: order, unchanged: 0 });
      const { rows } = await owner.query<{ name: string; colocated: string }>(
        'SELECT logicalrelid::text AS name, colocated FROM pg_dist_partition ORDER BY ctid',
      );
      expect(rows.map(({ name }) => name)).toEqual(order);
      expect(rows.filter(({ colocated }) => colocated !== 'tenants').map(({ name }) => name)).toEqual([
        'tenants',
      ]);
      expect(await distribute(owner)).toEqual({ kind: 'done', distributed: [], unchanged: order.length });
      // A migration brought one more.
      await owner.query(
        'CREATE TABLE later (tenant uuid NOT NULL REFERENCES tenants, id uuid, PRIMARY KEY (tenant, id))',
      );
      expect(await distribute(owner)).toMatchObject({ distributed: ['later'], unchanged: order.length });
      const login = await owner.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM pg_roles WHERE rolname IN ('mailstream_app', 'mailstream_daemon', 'mailstream_auth') AND rolcanlogin`,
      );
      expect(login.rows).toEqual([{ count: 3 }]);
      // One that somebody spread elsewhere is told of.
      await owner.query(
        `UPDATE pg_dist_partition SET colocationid = 2 WHERE logicalrelid = 'later'::regclass`,
      );
      expect(await distribute(owner)).toEqual({
        kind: 'problems',
        problems: ['later: it is not placed beside tenants'],
      });
    } finally {
      await owner.query('ROLLBACK');
    }
  });

  it('refuses a login that forced row-level security would hide rows from', async () => {
    await owner.query('BEGIN');
    try {
      await owner.query(DOUBLE);
      await owner.query(`SET LOCAL ROLE mailstream`);
      expect(await distribute(owner)).toMatchObject({
        problems: [expect.stringMatching(/neither a superuser nor has it BYPASSRLS/) as unknown],
      });
    } finally {
      await owner.query('ROLLBACK');
    }
  });

  it('ends with what a shell can tell apart', async () => {
    const main = fileURLToPath(new URL('../dist/citus/main.js', import.meta.url));
    const run = (args: readonly string[], env: Record<string, string>) =>
      promisify(execFile)(process.execPath, [main, ...args], { env });
    expect((await run(['--check'], { MIGRATION_DATABASE_URL: db.ownerUrl })).stdout).toContain(
      'could be distributed',
    );
    await expect(run([], { MIGRATION_DATABASE_URL: db.ownerUrl })).rejects.toMatchObject({ code: 1 });
    await expect(run([], {})).rejects.toMatchObject({ code: 78 });
  });
});

describe('transactions as Citus needs them', () => {
  it('hold a tenant to its own rows, as the others do', async () => {
    const database = createDatabase({ url: db.url, applicationName: 'citus', poolMax: 1, isCitus: true });
    const [one, two] = [tenantId(randomUUID()), tenantId(randomUUID())];
    try {
      for (const tenant of [one, two])
        await owner.query(`INSERT INTO tenants (tenant, name) VALUES ($1, 'x')`, [tenant]);
      const seen = await database.withTenant(one, async (trx, link) => {
        const { rows } = await trx.raw<{
          rows: { tenant: string; role: string; setting: string; jit: string }[];
        }>(
          `SELECT tenant, current_user AS role, current_setting('citus.propagate_set_commands') AS setting, current_setting('jit') AS jit FROM tenants`,
        );
        return { rows, isDirect: link.isDirect };
      });
      expect(seen).toEqual({
        rows: [{ tenant: one, role: 'mailstream_app', setting: 'local', jit: 'off' }],
        isDirect: true,
      });
      expect(
        await database.asDaemon((trx) => trx('tenants').whereIn('tenant', [one, two]).select('tenant')),
      ).toHaveLength(2);
      // Nothing of it is left on the connection.
      const after = await database.asAuth((trx) =>
        trx.raw<{ rows: unknown[] }>(`SELECT current_setting('mailstream.tenant', true) AS tenant`),
      );
      expect(after.rows).toEqual([{ tenant: '' }]);
    } finally {
      await database.close();
    }
  });
});

describe('statements over all tenants', () => {
  it.each([false, true])(
    'give and keep leases alike, one for all or one for each tenant (Citus: %s)',
    async (isCitus) => {
      const world = await newProviders();
      const database = createDatabase({ url: db.url, applicationName: 'leases', poolMax: 2, isCitus });
      try {
        const leases = createPgLeaseStore({ database, renewals: database, service: 'email-service' });
        const [mine, yours] = [instanceId(randomUUID()), instanceId(randomUUID())];
        const terms = await Promise.all(world.map((ref) => leases.acquire(ref, mine, 60_000)));
        expect(terms.map((term) => term?.epoch)).toEqual(world.map(() => 1));
        expect(await Promise.all(world.map((ref) => leases.acquire(ref, yours, 60_000)))).toEqual(
          world.map(() => null),
        );
        const held = world.map((ref) => ({ ...ref, epoch: 1 }));
        const sorted = (refs: readonly { readonly id: string }[]): readonly string[] =>
          refs.map(({ id }) => id).sort();
        expect(sorted((await leases.renew(held, mine, 60_000)).renewed)).toEqual(sorted(world));
        expect(await leases.renew(held, yours, 60_000)).toEqual({ renewed: [], busy: [] });
        const view = await leases.look(mine, 60_000);
        expect(view).toMatchObject({
          instances: 1,
          fingerprint: expect.stringMatching(/^-?\d+$/) as unknown,
        });
        expect(view.free.filter(({ id }) => sorted(world).includes(id))).toEqual([]);

        const status = createPgFolderStatus(database, database);
        const age = { provenAgeMs: 1_000, unseen: 2, oldestUnseenAgeMs: null, newestUnseenAgeMs: null };
        await status.stamp(
          mine,
          60_000,
          held.map((ref) => ({ ...ref, folder: 'INBOX', ...age })),
        );
        const stamped = await owner.query(
          'SELECT provider_id FROM folder_status WHERE provider_id = ANY ($1)',
          [world.map(({ id }) => id)],
        );
        expect(stamped.rowCount).toBe(world.length);

        await Promise.all(world.map((ref) => leases.release(ref, { owner: mine, epoch: 1 })));
        const free = (await leases.look(yours, 60_000)).free.map(({ id }) => id as string);
        expect(free).toEqual(expect.arrayContaining(world.map(({ id }) => id as string)));
      } finally {
        await database.close();
      }
    },
  );

  it('bring a mail to its ticket in processes that are told of Citus', async () => {
    const world = await useCitusWorld();
    const subjects = async () =>
      (await world.sql<{ subject: string }>('SELECT subject FROM tickets')).map(({ subject }) => subject);
    await expect.poll(subjects, { timeout: 60_000 }).toEqual(['to a ticket']);
    for (const process of world.processes) expect(await process.stop()).toBe(0);
  });
});

/** Three mailboxes of two tenants. */
async function newProviders() {
  const [one, two] = [tenantId(randomUUID()), tenantId(randomUUID())];
  const refs = [one, one, two].map((tenant) => ({ tenant, id: providerId(randomUUID()) }));
  for (const tenant of [one, two])
    await owner.query(`INSERT INTO tenants (tenant, name) VALUES ($1, 'x')`, [tenant]);
  for (const { tenant, id } of refs) {
    await owner.query(
      'INSERT INTO email_providers (tenant, id, provider_name, mailbox) VALUES ($1, $2, $3, $4)',
      [...[tenant, id, 'x', `${id}@example.com`]],
    );
    await owner.query(
      `INSERT INTO imap_email_provider_config (tenant, email_provider_id, host, port, auth_type, username)
       VALUES ($1, $2, 'imap.example.com', 993, 'password', 'x')`,
      [tenant, id],
    );
  }
  return refs;
}

async function useCitusWorld() {
  const username = dovecot.newUser();
  const { id } = await stack.addProvider({ ...dovecot, username });
  const env = { ...stack.env, DATABASE_IS_CITUS: 'true' };
  const worker = fileURLToPath(new URL('../../services/workflow-worker/dist/main.js', import.meta.url));
  const processes = [startDaemon(env), startDaemon(env, worker)];
  onTestFinished(async () => void (await Promise.all(processes.map((process) => process.stop()))));
  await processes[0]?.waitForLog(isWatching('INBOX', id));
  await deliver({
    ...{ host: dovecot.host, port: dovecot.lmtpPort, from: 'a@example.org', to: `${username}@example.com` },
    raw: Buffer.from(
      'From: a@example.org\r\nSubject: to a ticket\r\nMessage-ID: <citus@example.org>\r\n\r\nx\r\n',
    ),
  });
  return { sql: stack.sql, processes };
}

const citusUrl = process.env['CITUS_URL'];

describe.skipIf(citusUrl === undefined)('a real Citus (CITUS_URL)', () => {
  it('takes migrations and tables, and keeps tenants apart on its shards', async () => {
    const url = citusUrl ?? '';
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const password = randomUUID();
    try {
      await client.query(
        'DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE EXTENSION IF NOT EXISTS citus',
      );
      await migrate(url);
      await createLogin(url, { user: 'mailstream_citus', password });
      expect(await distribute(client)).toMatchObject({ kind: 'done', unchanged: 0 });
      expect(await distribute(client)).toMatchObject({ kind: 'done', distributed: [] });
      const [one, two] = [tenantId(randomUUID()), tenantId(randomUUID())];
      for (const tenant of [one, two])
        await client.query(`INSERT INTO tenants (tenant, name) VALUES ($1, 'x')`, [tenant]);
      const login = new URL(url);
      Object.assign(login, { username: 'mailstream_citus', password });
      const database = createDatabase({
        url: login.href,
        applicationName: 'citus',
        poolMax: 1,
        isCitus: true,
      });
      try {
        const rows = await database.withTenant(one, (trx) => trx('tenants').select('tenant'));
        expect(rows).toEqual([{ tenant: one }]);
        expect(await database.asDaemon((trx) => trx('tenants').select('tenant'))).toHaveLength(2);
      } finally {
        await database.close();
      }
    } finally {
      await client.end();
    }
  });
});
