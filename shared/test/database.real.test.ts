import { randomUUID } from 'node:crypto';
import { createDatabase, type Database } from '@mailstream/shared/db/database';
import { isOutcomeUnknown, sqlState } from '@mailstream/shared/db/database-faults';
import { tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import { useDatabase } from '@mailstream/shared/testing/fixtures';
import { openTcpLink, throughLink } from '@mailstream/shared/testing/tcp-link';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const db = await useDatabase();
const one = tenantId(randomUUID());
const two = tenantId(randomUUID());
const opened: Database[] = [];

function open(
  options: { url?: string; poolMax?: number; statementTimeoutMs?: number; checkoutTimeoutMs?: number } = {},
): Database {
  const database = createDatabase({ url: db.url, applicationName: 'test', poolMax: 1, ...options });
  opened.push(database);
  return database;
}

async function asOwner(sql: string, values: unknown[] = []): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: db.ownerUrl });
  await client.connect();
  return client.query(sql, values).finally(() => client.end());
}

const counters = (database: Database, tenant: TenantId): Promise<unknown[]> =>
  database.withTenant(tenant, (trx) => trx('tenant_counters').orderBy('name').pluck('name'));

const addCounter = (database: Database, tenant: TenantId, name: string): Promise<unknown> =>
  database.withTenant(tenant, async (trx) => trx('tenant_counters').insert({ tenant, name, value: 1 }));

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error('it should have failed');
    },
    (error: unknown) => error,
  );
}

beforeAll(async () => {
  await asOwner('INSERT INTO tenants (tenant, name) VALUES ($1, $3), ($2, $3)', [one, two, 'demo']);
  await asOwner("INSERT INTO tenant_counters VALUES ($1, 'own', 9007199254740991), ($2, 'other', 1)", [
    one,
    two,
  ]);
});

afterAll(async () => {
  await Promise.all(opened.map((database) => database.close()));
});

describe('withTenant', () => {
  it('sees the rows of its tenant and of no other', async () => {
    const database = open();
    expect(await counters(database, one)).toEqual(['own']);
    expect(await counters(database, two)).toEqual(['other']);
    expect(await counters(database, tenantId(randomUUID()))).toEqual([]);
  });

  it('refuses to write, change or take over a row of another tenant', async () => {
    const database = open();
    const write = database.withTenant(one, async (trx) =>
      trx('tenant_counters').insert({ tenant: two, name: 'x', value: 1 }),
    );
    expect(sqlState(await failureOf(write))).toBe('42501');
    const move = database.withTenant(one, async (trx) => trx('tenant_counters').update({ tenant: two }));
    expect(sqlState(await failureOf(move))).toBe('42501');
    const changed = await database.withTenant(one, async (trx) =>
      trx('tenant_counters').where({ tenant: two }).update({ value: 5 }),
    );
    expect(changed).toBe(0);
  });

  it('shows nothing where no tenant is set, and lets the bare login read nothing at all', async () => {
    const database = open();
    const rows = await database.withTenant(one, async (trx) => {
      await trx.raw(`SELECT set_config('mailstream.tenant', '', true)`);
      return trx('tenant_counters').select();
    });
    expect(rows).toEqual([]);
    const bare = new pg.Client({ connectionString: db.url });
    await bare.connect();
    const error = await failureOf(bare.query('SELECT * FROM tenant_counters')).finally(() => bare.end());
    expect(sqlState(error)).toBe('42501');
  });

  it('leaves neither role nor tenant on the connection after success or failure', async () => {
    const database = open();
    const state = (): Promise<unknown> =>
      database.asAuth(async (trx) => {
        const { rows } = (await trx.raw(
          `SELECT current_user AS role, current_setting('mailstream.tenant', true) AS tenant, pg_backend_pid() AS pid,
                  current_setting('statement_timeout') AS timeout, current_setting('idle_in_transaction_session_timeout') AS idle`,
        )) as { rows: { pid: number }[] };
        return rows[0];
      });
    const before = await state();
    await counters(database, one);
    await failureOf(database.withTenant(one, () => Promise.reject(new Error('work failed'))));
    await failureOf(database.withTenant(one, async (trx) => trx.raw('SELECT 1/0')));
    expect(await state()).toEqual(before);
    expect(before).toMatchObject({ role: 'mailstream_auth', tenant: '', timeout: '30s', idle: '1min' });
  });

  it('undoes everything when the work throws', async () => {
    const database = open();
    const failed = database.withTenant(one, async (trx) => {
      await trx('tenant_counters').insert({ tenant: one, name: 'undone', value: 1 });
      throw new RangeError('no');
    });
    expect(await failureOf(failed)).toBeInstanceOf(RangeError);
    expect(await counters(database, one)).not.toContain('undone');
  });

  it('refuses to report success when a failed statement was swallowed', async () => {
    const database = open();
    const swallowed = database.withTenant(one, async (trx) => {
      await trx('tenant_counters').insert({ tenant: one, name: 'lost', value: 1 });
      await trx.raw('SELECT 1/0').then(
        () => undefined,
        () => undefined,
      );
    });
    expect(sqlState(await failureOf(swallowed))).toBe('25P02');
    expect(await counters(database, one)).not.toContain('lost');
  });

  it('keeps what came before and after a savepoint that was rolled back', async () => {
    const database = open();
    await database.withTenant(one, async (trx) => {
      await trx
        .transaction(async (inner) => inner.raw('SELECT 1/0'))
        .then(
          () => undefined,
          () => undefined,
        );
      await trx('tenant_counters').insert({ tenant: one, name: 'after savepoint', value: 1 });
    });
    expect(await counters(database, one)).toContain('after savepoint');
  });

  it('reads bigint as a number', async () => {
    const values = await open().withTenant(one, async (trx) =>
      trx('tenant_counters').where({ name: 'own' }).pluck('value'),
    );
    expect(values).toEqual([Number.MAX_SAFE_INTEGER]);
  });
});

describe('a statement alone', () => {
  const names = (database: Database, tenant: TenantId): Promise<readonly string[]> =>
    database
      .statement<{ name: string }>(
        tenant,
        'SELECT name FROM tenant_counters WHERE name = ANY (CAST(:names AS text[]))',
        {
          names: ['own', 'other'],
        },
      )
      .then((rows) => rows.map(({ name }) => name));
  const insert =
    'INSERT INTO tenant_counters (tenant, name, value) VALUES (:tenant, :name, 1) RETURNING value';

  it('sees the rows of its tenant, time and again on the same connection, and leaves nothing on it', async () => {
    const database = open();
    for (let round = 0; round < 3; round += 1) {
      expect(await names(database, one)).toEqual(['own']);
      expect(await names(database, two)).toEqual(['other']);
      expect(await names(database, tenantId(randomUUID()))).toEqual([]);
    }
    expect(await counters(database, two)).toEqual(['other']);
    const pids = new Set<unknown>();
    for (let round = 0; round < 3; round += 1)
      pids.add(
        (await database.statement<{ pid: number }>(one, 'SELECT pg_backend_pid() AS pid', {}))[0]?.pid,
      );
    expect(pids.size).toBe(1);
  });

  it('is committed, and the same one as its neighbours, whatever else the connection is used for', async () => {
    const database = open();
    const all = ['a', 'b', 'c', 'd'].map((name) => `alone ${name}`);
    const rows = await Promise.all(
      all.map(async (name, n) =>
        n % 2 === 0
          ? database.statement(one, insert, { tenant: one, name })
          : addCounter(database, one, name),
      ),
    );
    expect(rows[0]).toEqual([{ value: 1 }]);
    expect(await counters(database, one)).toEqual(expect.arrayContaining(all));
  });

  it('is refused for a row of another tenant and leaves no trace, and the connection serves on', async () => {
    const database = open();
    const stranger = { tenant: two, name: 'x' };
    for (let round = 0; round < 2; round += 1)
      expect(sqlState(await failureOf(database.statement(one, insert, stranger)))).toBe('42501');
    expect(sqlState(await failureOf(database.statement(one, 'SELECT 1 / :zero::int', { zero: 0 })))).toBe(
      '22012',
    );
    expect(await counters(database, two)).toEqual(['other']);
    expect(await names(database, one)).toEqual(['own']);
  });

  it('goes again where what was prepared is not there any more', async () => {
    const database = open();
    for (let round = 0; round < 2; round += 1) await names(database, one);
    await database.withTenant(one, async (trx) => trx.raw('DEALLOCATE ALL'));
    expect(await names(database, one)).toEqual(['own']);
  });

  // One that was planned while the ledger was empty reads all of it when it has grown: four times the work of an ingest.
  it('is planned for each run', async () => {
    expect(
      await open().statement(one, "SELECT current_setting('plan_cache_mode') AS plan_cache_mode", {}),
    ).toEqual([{ plan_cache_mode: 'force_custom_plan' }]);
  });

  it('waits for the disk unless it may be forgotten', async () => {
    const database = open();
    const setting = "SELECT current_setting('synchronous_commit') AS value";
    expect(await database.statement(one, setting, {})).toEqual([{ value: 'on' }]);
    expect(await database.statement(one, setting, {}, { isDurable: false })).toEqual([{ value: 'off' }]);
    expect(await database.statement(one, setting, {})).toEqual([{ value: 'on' }]);
  });

  it('does not run where role and tenant cannot be set', async () => {
    const login = `stranger_${randomUUID().replaceAll('-', '')}`;
    await asOwner(`CREATE ROLE ${login} LOGIN PASSWORD 'secret'`);
    const url = new URL(db.url);
    url.username = login;
    url.password = 'secret';
    const database = open({ url: url.href });
    expect(sqlState(await failureOf(database.statement(one, 'SELECT 1', {})))).toBe('42501');
    await database.close();
    await asOwner(`DROP ROLE ${login}`);
  });

  it('has an unknown outcome when PostgreSQL cuts the connection, and the next one works', async () => {
    const database = open();
    const cut = failureOf(database.statement(one, 'SELECT pg_sleep(60) AS cut_alone', {}));
    await expect
      .poll(async () => {
        const ended = await asOwner(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%cut_alone%' AND pid <> pg_backend_pid()",
        );
        return ended.rowCount;
      })
      .toBe(1);
    const error = await cut;
    expect(error).toMatchObject({ fault: { code: 'DATABASE_UNAVAILABLE', kind: 'transient' } });
    expect(isOutcomeUnknown(error)).toBe(true);
    expect(await names(database, one)).toEqual(['own']);
  });
});

describe('the other roles', () => {
  it('let the daemon see leases of all tenants but no settings, secrets or tickets', async () => {
    const database = open();
    await database.asDaemon(async (trx) => trx('imap_email_provider_config').select('tenant', 'lease_owner'));
    for (const sql of [
      'SELECT username FROM imap_email_provider_config',
      'SELECT * FROM provider_secrets',
      'SELECT * FROM tickets',
    ])
      expect(sqlState(await failureOf(database.asDaemon(async (trx) => trx.raw(sql)))), sql).toBe('42501');
  });

  it('let the login look up users and tokens but no providers', async () => {
    const database = open();
    await database.asAuth(async (trx) => trx('api_tokens').select());
    expect(sqlState(await failureOf(database.asAuth(async (trx) => trx('email_providers').select())))).toBe(
      '42501',
    );
  });
});

describe('trouble with the connection', () => {
  const linkTo = new URL(db.url);
  const target = { host: linkTo.hostname, port: Number(linkTo.port) };

  it('is a transient fault when PostgreSQL cuts the connection, idle or in use, and the next call works', async () => {
    const database = open();
    const pidOf = (): Promise<number> =>
      database.asAuth(
        async (trx) =>
          ((await trx.raw('SELECT pg_backend_pid() AS pid')) as { rows: { pid: number }[] }).rows[0]?.pid ??
          0,
      );
    const pid = await pidOf();
    await asOwner('SELECT pg_terminate_backend($1, 5000)', [pid]);
    // Whether the pool saw the cut before or after it hands the connection out: at most one call may fail, as transient.
    const first = await pidOf().catch((error: unknown) => error);
    if (typeof first !== 'number')
      expect(first).toMatchObject({ fault: { code: 'DATABASE_UNAVAILABLE', kind: 'transient' } });
    expect(await pidOf()).not.toBe(pid);

    const inUse = database.withTenant(one, async (trx) => {
      const { rows } = (await trx.raw('SELECT pg_backend_pid() AS pid')) as { rows: { pid: number }[] };
      await asOwner('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
      await trx.raw('SELECT 1');
    });
    const error = await failureOf(inUse);
    expect(error).toMatchObject({ fault: { code: 'DATABASE_UNAVAILABLE', kind: 'transient' } });
    expect(isOutcomeUnknown(error)).toBe(false);
    await database.ping();
  });

  it.each([
    ['drop', false],
    ['deliver-and-drop', true],
  ] as const)('makes the outcome unknown when the link goes at COMMIT (%s)', async (verdict, arrived) => {
    const link = await openTcpLink(target);
    const database = open({ url: throughLink(db.url, link) });
    const name = `commit-${verdict}`;
    await database.ping();
    link.intercept((piece) => (piece.includes('COMMIT') ? verdict : 'pass'));
    const error = await failureOf(addCounter(database, one, name));
    expect(isOutcomeUnknown(error)).toBe(true);
    link.intercept(null);
    await expect
      .poll(() => counters(database, one), { timeout: 20_000 })
      .toEqual(arrived ? expect.arrayContaining([name]) : expect.not.arrayContaining([name]));
    await database.close();
    await link.close();
  });

  it('ends a statement on a dead link from this side and does not use the connection again', async () => {
    const link = await openTcpLink(target);
    const database = open({
      url: throughLink(db.url, link),
      statementTimeoutMs: 50,
      checkoutTimeoutMs: 3_000,
    });
    await database.ping();
    link.freeze();
    expect(await failureOf(database.ping())).toMatchObject({ fault: { code: 'DATABASE_UNAVAILABLE' } });
    link.thaw();
    await database.ping();
    await database.close();
    await link.close();
  }, 20_000);

  it('ends a statement that runs too long, and takes the database for overloaded', async () => {
    const error = await failureOf(
      open({ statementTimeoutMs: 100 }).withTenant(one, async (trx) => trx.raw('SELECT pg_sleep(30)')),
    );
    expect(sqlState(error)).toBe('57014');
    expect(error).toMatchObject({ fault: { code: 'DATABASE_UNAVAILABLE', kind: 'transient' } });
  });

  it('gives up waiting for a free connection', async () => {
    const database = open({ checkoutTimeoutMs: 500 });
    const error = await database.withTenant(one, () => failureOf(database.ping()));
    expect(error).toMatchObject({ fault: { code: 'DATABASE_UNAVAILABLE', kind: 'transient' } });
  });

  it('is a transient fault without the password when nobody listens or the login is wrong', async () => {
    const link = await openTcpLink(target);
    await link.close();
    const nobody = open({ url: throughLink(db.url, link) });
    const wrong = new URL(db.url);
    wrong.password = 'canary-password';
    for (const database of [nobody, open({ url: wrong.href })]) {
      const error = await failureOf(database.ping());
      expect(error).toMatchObject({ fault: { code: 'DATABASE_UNAVAILABLE', kind: 'transient' } });
      expect((error as Error).message).not.toContain('canary');
    }
  });
});
