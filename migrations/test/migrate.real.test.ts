/** The schema as replicas bring it up: at once, again, after a crash; and what row-level security must look like everywhere. */
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { useDatabase, useEmptyDatabase } from '@mailstream/shared/testing/fixtures';
import { migrate } from '../src/migrate.ts';

const empty = await useEmptyDatabase();
const migrated = await useDatabase();
const clients: pg.Client[] = [];

afterAll(async () => {
  for (const client of clients) await client.end();
});

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  clients.push(client);
  return client;
}

describe('migrations', () => {
  it('run by four replicas at once are applied once, and nobody fails', async () => {
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(empty.ownerUrl)));
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
    expect(applied.flat()).toEqual([...applied.flat()].sort());
  });

  it('that are up to date change nothing', async () => {
    expect(await migrate(empty.ownerUrl)).toEqual([]);
  });

  it('go on after a process that was killed while it held the lock', async () => {
    const client = await connect(empty.ownerUrl);
    await client.query('UPDATE schema_migrations_lock SET is_locked = 1');
    expect(await migrate(empty.ownerUrl)).toEqual([]);
  });
});

describe('every table of a tenant', () => {
  it('has row-level security, forced, with a policy for the application that covers reading and writing', async () => {
    const client = await connect(migrated.ownerUrl);
    const { rows } = await client.query<{
      name: string;
      enabled: boolean;
      forced: boolean;
      policies: number;
    }>(`
      SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
             (SELECT count(*)::int FROM pg_policies p
               WHERE p.tablename = c.relname AND p.qual IS NOT NULL AND p.with_check IS NOT NULL AND 'mailstream_app' = ANY (p.roles)) AS policies
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'
       WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
       ORDER BY 1`);
    expect(rows.length).toBeGreaterThan(12);
    expect(rows.filter((table) => !table.enabled || !table.forced || table.policies < 1)).toEqual([]);
  });

  it('has the tenant first in its primary key and in every unique index', async () => {
    const client = await connect(migrated.ownerUrl);
    const { rows } = await client.query<{ table: string; index: string; first: string }>(`
      SELECT c.relname AS "table", i.relname AS index, a.attname AS first
        FROM pg_index x
        JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
       WHERE x.indisunique AND c.relnamespace = 'public'::regnamespace
         AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant')`);
    expect(rows.length).toBeGreaterThan(15);
    expect(rows.filter((index) => index.first !== 'tenant')).toEqual([]);
  });
});

it('nothing in the schema runs with the rights of its owner, past row-level security', async () => {
  const client = await connect(migrated.ownerUrl);
  const { rows } = await client.query<{ name: string }>(`
    SELECT p.proname AS name FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT c.relname FROM pg_class c
     WHERE c.relkind IN ('v', 'm') AND c.relnamespace = 'public'::regnamespace
       AND NOT coalesce(c.reloptions::text[] && ARRAY['security_invoker=true', 'security_invoker=on'], false)`);
  expect(rows).toEqual([]);
});

describe('the roles', () => {
  it('are no superusers, own nothing and cannot pass row-level security', async () => {
    const client = await connect(migrated.ownerUrl);
    const { rows } = await client.query<{ name: string; free: boolean; owned: number }>(`
      SELECT r.rolname AS name, r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb AS free,
             (SELECT count(*)::int FROM pg_class c WHERE c.relowner = r.oid) AS owned
        FROM pg_roles r WHERE r.rolname LIKE 'mailstream%'`);
    expect(rows.length).toBeGreaterThanOrEqual(4);
    expect(rows.filter((role) => role.free || role.owned > 0)).toEqual([]);
  });

  it('of the daemon sees leases and ids of all tenants, but no setting, no secret, no message', async () => {
    const client = await connect(migrated.url);
    await client.query('BEGIN');
    await client.query(`SELECT set_config('role', 'mailstream_daemon', true)`);
    await client.query(
      'SELECT tenant, email_provider_id, lease_owner, lease_epoch FROM imap_email_provider_config',
    );
    for (const [statement, what] of [
      ['SELECT host FROM imap_email_provider_config', 'imap_email_provider_config'],
      ['SELECT username FROM imap_email_provider_config', 'imap_email_provider_config'],
      ['SELECT mailbox FROM email_providers', 'email_providers'],
      ['SELECT sealed FROM provider_secrets', 'provider_secrets'],
      ['SELECT subject FROM inbound_messages', 'inbound_messages'],
      ["UPDATE imap_email_provider_config SET folder_state = '{}'", 'imap_email_provider_config'],
    ] as const) {
      await client.query('SAVEPOINT s');
      await expect(client.query(statement)).rejects.toThrow(`permission denied for table ${what}`);
      await client.query('ROLLBACK TO s');
    }
    await client.query('ROLLBACK');
  });
});
