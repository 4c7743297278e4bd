/** What grows must not cost more: the ledger of a mailbox, and the number of mailboxes that nothing comes to. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { createDatabase } from '@mailstream/shared/db/database';
import { instanceId, type InstanceId } from '@mailstream/shared/domain/ids';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillLedger } from '../bench/world/fill-ledger.ts';
import { openStatementCounter } from '../bench/world/statement-counter.ts';
import { createPgLeaseStore } from '../src/adapters/pg-lease-store.ts';
import { createPgLedger } from '../src/adapters/pg-ledger.ts';
import type { LeaseStore, ProviderRef } from '../src/ports/leases.ts';
import { startDaemon, useWorld, type SeededProvider } from './daemon.ts';
import { scansOf, type PlanNode, type Scan } from './query-plans.ts';

const world = await useWorld();

describe('the ledger of one mailbox', () => {
  const SIZES = { small: 1_000, large: 100_000 } as const;
  const BATCH = 20;
  const OVERLAP = 1_000;
  const plans: PlanNode[] = [];
  const database = createDatabase({ url: world.database.url, applicationName: 'test', poolMax: 2 });
  const connect = pg.Client.prototype.connect;
  const providers = {} as Record<keyof typeof SIZES, SeededProvider>;

  beforeAll(async () => {
    for (const [size, rows] of Object.entries(SIZES)) {
      const provider = await world.addProvider({ host: 'localhost', port: 1, username: size, password: 'x' });
      await fillLedger(world, provider, rows);
      providers[size as keyof typeof SIZES] = provider;
    }
    await world.sql('ANALYZE inbound_messages');
    // PostgreSQL tells the plan of every statement as it ran, with what each part of it read.
    const { name } = world.database;
    const settings = {
      session_preload_libraries: `'auto_explain'`,
      'auto_explain.log_min_duration': '0',
      'auto_explain.log_analyze': 'on',
      'auto_explain.log_format': 'json',
      'auto_explain.log_level': 'notice',
    };
    for (const [setting, value] of Object.entries(settings))
      await world.sql(`ALTER DATABASE ${name} SET ${setting} = ${value}`);
    pg.Client.prototype.connect = function (this: pg.Client, ...args: Parameters<typeof connect>) {
      this.on('notice', ({ message = '' }) => {
        const json = /plan:\n(\{[^]*\})$/.exec(message)?.[1];
        if (json !== undefined) plans.push((JSON.parse(json) as { Plan: PlanNode }).Plan);
      });
      return connect.apply(this, args);
    } as typeof connect;
  });

  afterAll(async () => {
    pg.Client.prototype.connect = connect;
    await database.close();
    await world.sql(`ALTER DATABASE ${world.database.name} RESET ALL`);
  });

  /** What opening the folder, a batch, and each recovery read of the ledger's tables. */
  async function work(size: keyof typeof SIZES): Promise<Readonly<Record<string, readonly Scan[]>>> {
    const { tenant, id } = providers[size];
    const ledger = createPgLedger(database);
    const folder = { tenant, id, folder: 'INBOX' };
    const term = { owner: instanceId(randomUUID()), epoch: 1 };
    await world.sql(
      'UPDATE imap_email_provider_config SET lease_owner = $1, lease_epoch = 1 WHERE email_provider_id = $2',
      [term.owner, id],
    );
    const found: Record<string, readonly Scan[]> = {};
    const step = async <T>(name: string, call: Promise<T>): Promise<T> => {
      const result = await call;
      found[name] = plans.splice(0).flatMap(scansOf);
      return result;
    };
    plans.splice(0);
    const last = SIZES[size];
    const from = last - OVERLAP + 1;
    const { state } = await step(
      'readFolder',
      ledger.readFolder(folder, () => ({ uidValidity: 1, from })),
    );
    if (state === null) throw new Error('the folder has no state');
    await step('knownUids', ledger.knownUids(folder, 1, from));
    const blank = await step(
      'readFolder of a new one',
      ledger.readFolder({ ...folder, folder: 'New' }, () => null),
    );
    expect(blank.isBlank).toBe(true);
    const uids = Array.from({ length: BATCH }, (_, n) => last + 1 + n);
    await step('countAttempts', ledger.countAttempts(folder, term, 1, uids));
    const messages = uids.map((uid) => ({
      uid,
      messageId: `${uid}@example.org`,
      contentHash: `hash-${uid}`,
      size: 1_000,
      internalDate: new Date(),
      emailId: null,
      sender: null,
      subject: 'new',
      storageKey: 'raw/new',
      status: 'received' as const,
      reason: null,
    }));
    const next = { ...state, lastUid: last + BATCH };
    const stored = await step(
      'recordBatch',
      ledger.recordBatch(folder, term, { expected: state, state: next, messages, finished: uids }),
    );
    if (stored.kind !== 'stored') throw new Error(`the batch was not stored: ${stored.kind}`);
    const outstanding = await step('outstanding', ledger.outstanding(folder));
    expect(outstanding).toMatchObject({ isUnpublished: true, isUnprocessed: false });
    const unpublished = await step('unpublished', ledger.unpublished(folder, 0, 500));
    expect(unpublished).toHaveLength(BATCH);
    await step(
      'markPublished',
      ledger.markPublished(
        folder,
        stored.rows.map((row) => ({ ...row, uidValidity: 1, entryId: `${row.uid}-0` })),
      ),
    );
    const unprocessed = await step('unprocessed', ledger.unprocessed(folder, 0, 500));
    expect(unprocessed).toHaveLength(BATCH);
    await step('requeue', ledger.requeue(folder, term, unprocessed));
    const hashes = messages.map(({ contentHash }) => contentHash);
    await step('unmatchedContent', ledger.unmatchedContent(folder, 1, { hashes, emailIds: [] }));
    return found;
  }

  it('costs a batch no more with 100,000 rows than with 1,000', async () => {
    const rows = (scans: readonly Scan[]): number => scans.reduce((sum, scan) => sum + scan.rows, 0);
    /** Rows that were looked at, those that a filter threw away among them. */
    const small = Object.entries(await work('small')).map(([step, scans]) => [step, rows(scans)] as const);
    const large = Object.entries(await work('large')).map(([step, scans]) => [step, rows(scans)] as const);
    // Of a thousand rows PostgreSQL may well read all, and each a second time after a bitmap of the index.
    const most = 2 * OVERLAP + 4 * BATCH;
    expect([...small, ...large].filter(([, read]) => read > most)).toEqual([]);
    // That it was seen what is read.
    expect(Object.fromEntries(large)).toMatchObject({ knownUids: OVERLAP, markPublished: BATCH });
  });

  // A wide index of random keys is a page to write for each entry, and every row has three of them in each index (issue 7).
  it('has no more than half a KiB of indexes for each row', async () => {
    const [{ bytes } = { bytes: Infinity }] = await world.sql<{ bytes: number }>(
      `SELECT pg_indexes_size('inbound_messages')::float8 AS bytes`,
    );
    expect(bytes / (SIZES.small + SIZES.large)).toBeLessThan(512);
  });

  // Each lease was compared with each: ten thousand took longer than a lease lives, and an instance lost them all, again and again.
  it('renews the leases of an instance at a cost that grows with their number alone', async () => {
    const MANY = 200;
    const tenant = await world.addTenant();
    for (let n = 0; n < MANY; n += 1)
      await world.addProvider({ host: 'localhost', port: 1, username: `l${n}`, password: 'x' }, tenant);
    const store = createPgLeaseStore({ database, renewals: database, service: 'growth' });
    const owner = instanceId(randomUUID());
    const refs = (await store.discover()).filter((found) => found.tenant === tenant);
    const terms = await Promise.all(refs.map((ref) => store.acquire(ref, owner, 30_000)));
    const leases = refs.map((ref, n) => ({ ...ref, epoch: terms[n]?.epoch ?? 0 }));
    plans.splice(0);
    const { renewed, busy } = await store.renew(leases, owner, 30_000);
    expect([renewed.length, busy.length]).toEqual([MANY, 0]);
    const read = plans.splice(0).flatMap(scansOf);
    expect(read.filter(({ rows }) => rows > 2 * MANY + Object.keys(SIZES).length)).toEqual([]);
    expect(read.some(({ rows }) => rows >= MANY)).toBe(true);
    await tellsApart(store, leases, owner);
    // They are nobody's to watch in what follows.
    await world.sql('UPDATE email_providers SET is_active = false WHERE tenant = $1', [tenant]);
  });
});

/** One lease has another owner by now, and the row of one is locked: the others are renewed, and each of the two is told for what it is. */
async function tellsApart(
  store: LeaseStore,
  leases: readonly (ProviderRef & { readonly epoch: number })[],
  owner: InstanceId,
): Promise<void> {
  const [lost, locked] = leases;
  if (lost === undefined || locked === undefined) throw new Error('two leases are needed');
  const names = (refs: readonly ProviderRef[]): readonly string[] => refs.map(({ id }) => id).toSorted();
  await world.sql(
    'UPDATE imap_email_provider_config SET lease_epoch = lease_epoch + 1 WHERE email_provider_id = $1',
    [lost.id],
  );
  const client = new pg.Client({ connectionString: world.database.ownerUrl });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM imap_email_provider_config WHERE email_provider_id = $1 FOR UPDATE', [
      locked.id,
    ]);
    const { renewed, busy } = await store.renew(leases, owner, 30_000);
    expect(names(busy)).toEqual([locked.id]);
    expect(names(renewed)).toEqual(names(leases.slice(2)));
    await client.query('ROLLBACK');
  } finally {
    await client.end();
  }
}

describe('mailboxes that nothing comes to', () => {
  const MANY = 50;
  const LOOKS = 2;
  let server: ScriptedImap;

  beforeAll(async () => {
    server = await startScriptedImap();
  });
  afterAll(() => server.close());

  it('ask nothing of PostgreSQL one by one: 50 of them as much as one', async () => {
    const counter = await openStatementCounter({ port: Number(new URL(world.database.url).port) });
    const tenant = await world.addTenant();
    const add = async (from: number, to: number): Promise<void> => {
      for (let n = from; n < to; n += 1)
        await world.addProvider(
          { host: server.host, port: server.port, username: `u${n}`, password: 'secret' },
          tenant,
        );
    };
    /** So that each of `count` mailboxes was looked at so often, after all of them were idle. */
    const looks = async (count: number): Promise<void> => {
      const seen = server.commands.filter(({ name }) => name === 'UID SEARCH').length;
      await server.seen('UID SEARCH', seen + LOOKS * count);
    };
    /** Statements of a second, by text, while each mailbox is looked at some times. */
    const perSecond = async (count: number): Promise<ReadonlyMap<string, number>> => {
      await expect
        .poll(() => server.openConnections.filter(({ isIdling }) => isIdling).length, { timeout: 60_000 })
        .toBe(count);
      // What follows a connect is over.
      await looks(count);
      counter.reset();
      const begunMs = performance.now();
      await looks(count);
      const seconds = (performance.now() - begunMs) / 1000;
      const rates = new Map<string, number>();
      for (const { text } of counter.statements()) rates.set(text, (rates.get(text) ?? 0) + 1 / seconds);
      return rates;
    };
    await add(0, 1);
    const daemon = startDaemon({
      ...world.env,
      DATABASE_URL: counter.urlOf(world.database.url),
      LOG_LEVEL: 'info',
      // Looks and renewals of IDLE every second instead of every few minutes, and the stamp of all ages with them.
      IMAP_DATA_AGE_LIMIT_MS: '3000',
      IMAP_IDLE_RENEW_MS: '1000',
      IMAP_PROVIDER_REFRESH_MS: '1000',
    });
    const one = await perSecond(1);
    await add(1, MANY);
    const many = await perSecond(MANY);
    expect(await daemon.stop()).toBe(0);
    await counter.close();
    // Something is asked at each look of the fleet, and what belongs to a mailbox would be asked 50 times a second.
    expect(one.size).toBeGreaterThan(0);
    const grown = [...many].filter(([text, rate]) => rate > 3 + 2 * (one.get(text) ?? 0));
    expect(grown).toEqual([]);
  });
});
