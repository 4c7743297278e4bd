/** What nobody refers to goes, and nothing else: on a real database, with a real directory and a real S3 server. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { createDatabase } from '@mailstream/shared/db/database';
import { tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import { attachmentKey, bodyKey, rawKey } from '@mailstream/shared/storage/storage-key';
import type { RemovableStorage } from '@mailstream/shared/storage/storage';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { hasGo, startS3Server, type S3Server } from '@mailstream/shared/testing/s3-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPgJobPositions, createPgStorageReferences } from '../src/adapters/pg-storage-references.ts';
import type { JobResult } from '../src/jobs/ports.ts';
import { createStorageCleanup } from '../src/jobs/storage-cleanup.ts';
import { useWorld, type Mailbox } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const database = createDatabase({ url: db.url, applicationName: 'cleanup-test', poolMax: 4 });
const folder = await mkdtemp(join(tmpdir(), 'mailstream-cleanup-'));
const directory = createStorage(pathToFileURL(folder).href);
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});
beforeAll(async () => {
  await world.query(`INSERT INTO jobs (name, schedule) VALUES ('storage-cleanup', '0 0 * * *')`);
});

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const references = createPgStorageReferences(database);

interface Cleanup {
  run(signal?: AbortSignal): Promise<JobResult>;
  /** Runs now, a day later, and another day later: whatever is to go is gone. */
  runForDays(): Promise<void>;
  readonly clock: FakeClock;
}

function cleanup(
  storage: RemovableStorage,
  /** Null for all that the database knows. */
  mailboxes: readonly Mailbox[] | null,
  change: { readonly isDryRun?: boolean; readonly mostPerRun?: number; readonly clock?: FakeClock } = {},
): Cleanup {
  const clock = change.clock ?? new FakeClock(new Date());
  const job = createStorageCleanup({
    storage,
    references: {
      ...references,
      tenants: async () =>
        mailboxes === null
          ? await references.tenants()
          : mailboxes.map(({ tenant }) => tenantId(tenant)).toSorted(),
    },
    positions: createPgJobPositions(database),
    metrics: createMetrics({ service: 'test', version: '0' }),
    isDryRun: false,
    ...change,
    clock,
  });
  const run: Cleanup['run'] = (signal = new AbortController().signal) => job(signal);
  return {
    clock,
    run,
    runForDays: async () => {
      for (let day = 0; day < 3; day += 1) {
        await run();
        clock.advance(DAY_MS);
      }
      await run();
    },
  };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function put(
  storage: RemovableStorage,
  tenant: string,
  makeKey: (tenant: TenantId, sha256: string) => string = attachmentKey,
  bytes = randomBytes(32),
): Promise<string> {
  const key = makeKey(tenantId(tenant), sha256(bytes));
  await storage.put(key, bytes);
  return key;
}

async function ledgerRow(
  { tenant, providerId }: Mailbox,
  columns: { readonly key: string | null; readonly status: string; readonly receivedAt?: Date },
): Promise<string> {
  const id = randomUUID();
  await world.query(
    `INSERT INTO inbound_messages (tenant, provider_id, folder, uid_validity, uid, publish_seq, event_id, size, status, storage_key, received_at)
     VALUES ($1, $2, CAST($3 AS text), 1, 1, 1, CAST($3 AS uuid), 1, $4, $5, $6)`,
    [tenant, providerId, id, columns.status, columns.key, columns.receivedAt ?? new Date()],
  );
  return id;
}

async function ticketOf({ tenant }: Mailbox): Promise<string> {
  const id = randomUUID();
  await world.query(
    `INSERT INTO tickets (tenant, id, number, subject, requester_email)
     VALUES ($1, $2, (SELECT count(*) + 1 FROM tickets WHERE tenant = $1), 'x', 'jane@example.org')`,
    [tenant, id],
  );
  return id;
}

async function comment(mailbox: Mailbox, columns: Readonly<Record<string, string>>): Promise<string> {
  const [id, ticket] = [randomUUID(), await ticketOf(mailbox)];
  const row = {
    tenant: mailbox.tenant,
    id,
    ticket_id: ticket,
    event_id: randomUUID(),
    author_email: 'jane@example.org',
    body_text: 'x',
    ...columns,
  };
  const names = Object.keys(row);
  await world.query(
    `INSERT INTO ticket_comments (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
  return id;
}

async function attachment(mailbox: Mailbox, key: string): Promise<void> {
  const commentId = await comment(mailbox, {});
  await world.query(
    `INSERT INTO ticket_attachments (tenant, id, ticket_id, comment_id, name, content_type, size, sha256, storage_key)
     SELECT tenant, gen_random_uuid(), ticket_id, id, 'a', 'text/plain', 1, 'x', $2 FROM ticket_comments WHERE id = $1`,
    [commentId, key],
  );
}

/** The same storage by a clock that moves when it is told. */
function byClock(storage: RemovableStorage, clock: FakeClock): RemovableStorage {
  const times = { stored: new Map<string, Date>(), aside: new Map<string, Date>() };
  const noted =
    (area: 'stored' | 'aside', work: (key: string) => Promise<void>) =>
    async (key: string): Promise<void> => {
      times[area].set(key, clock.now());
      await work(key);
    };
  return {
    ...storage,
    put: async (key, source) => {
      const isThere = times.stored.has(key);
      await storage.put(key, source);
      if (!isThere) times.stored.set(key, clock.now());
    },
    setAside: noted('aside', async (key) => {
      await storage.setAside(key);
      times.stored.delete(key);
    }),
    restore: noted('stored', storage.restore),
    list: async (page) => {
      const { objects, after } = await storage.list(page);
      const at = times[page.area];
      return { objects: objects.map((one) => ({ ...one, storedAt: at.get(one.key) ?? clock.now() })), after };
    },
  };
}

/** Every way to refer to an object. */
const REFERENCES: readonly (readonly [
  what: string,
  refer: (at: Mailbox, key: string) => Promise<unknown>,
])[] = [
  ['the ledger', (at, key) => ledgerRow(at, { key, status: 'processed' })],
  ['the original of a comment', (at, key) => comment(at, { raw_storage_key: key })],
  ['the text of a comment', (at, key) => comment(at, { text_storage_key: key })],
  ['the HTML of a comment', (at, key) => comment(at, { html_storage_key: key })],
  ['an attachment of a ticket', attachment],
  [
    'an attachment of a mail that we send',
    async (at, key) =>
      world.query(
        `INSERT INTO outbound_messages (tenant, id, provider_id, ticket_id, kind, dedupe_key, recipient, subject, body_text, message_id, attachments)
         VALUES ($1, gen_random_uuid(), $2, $3, 'agent_reply', $4, 'jane@example.org', 'x', 'x', $4, $5)`,
        [
          at.tenant,
          at.providerId,
          await ticketOf(at),
          randomUUID(),
          JSON.stringify([{ name: 'a', contentType: 'text/plain', storageKey: key, size: 1 }]),
        ],
      ),
  ],
  [
    'the entry of a dead letter',
    (at, key) =>
      world.query(
        `INSERT INTO dead_letters (tenant, event_id, source, stream, entry_id, entry, code, detail, attempts)
         VALUES ($1, gen_random_uuid(), 'worker', 's', $2, $3, 'WORKER_FAILED', 'x', 5)`,
        [
          at.tenant,
          randomUUID(),
          JSON.stringify(['payload_json', JSON.stringify({ attachments: [{ storageKey: key }] })]),
        ],
      ),
  ],
];

it('asks every column that names a stored object', async () => {
  const rows = await world.query<{ name: string }>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
      WHERE table_schema = 'public' AND column_name LIKE '%storage_key%' ORDER BY 1`,
  );
  expect(rows.map(({ name }) => name)).toEqual([
    'inbound_messages.storage_key',
    'ticket_attachments.storage_key',
    'ticket_comments.html_storage_key',
    'ticket_comments.raw_storage_key',
    'ticket_comments.text_storage_key',
  ]);
});

const go = await hasGo();
let server: S3Server | null = null;
let bucket: RemovableStorage | null = null;
beforeAll(async () => {
  if (!go) return;
  server = await startS3Server(join(import.meta.dirname, '../../../node_modules/.cache/mailstream'));
  bucket = createStorage(server.storageUrl('cleanup'));
}, 300_000);
afterAll(async () => {
  await bucket?.close();
  await server?.stop();
});

describe('the cleanup of a directory', () => {
  removesSafely(() => directory);
});

describe.skipIf(!go)('the cleanup of a bucket (gofakes3, built with go)', () => {
  removesSafely(() => {
    if (bucket === null) throw new Error('the server is not up');
    return bucket;
  });
});

function removesSafely(storageOf: () => RemovableStorage): void {
  it('removes in two steps, a day apart, what has lost its ledger row and its ticket', async () => {
    const [storage, at] = [storageOf(), await world.newMailbox()];
    const [raw, file, body] = [
      await put(storage, at.tenant, rawKey),
      await put(storage, at.tenant),
      await put(storage, at.tenant, bodyKey),
    ];
    await ledgerRow(at, { key: raw, status: 'processed' });
    await attachment(at, file);
    await comment(at, { html_storage_key: body });
    await cleanup(storage, [at]).runForDays();
    for (const key of [raw, file, body]) expect(await storage.exists(key)).toBe(true);

    await world.query('DELETE FROM email_providers WHERE tenant = $1', [at.tenant]);
    await world.query('DELETE FROM tickets WHERE tenant = $1', [at.tenant]);
    const { run, clock } = cleanup(storage, [at]);
    expect(await run()).toMatchObject({ unreferenced: 0, setAside: 0 });
    clock.advance(DAY_MS);
    expect(await run()).toMatchObject({ unreferenced: 3, unreferencedBytes: 96, setAside: 3, removed: 0 });
    // Set aside just now, by the storage's clock.
    for (const key of [raw, file, body]) expect(await storage.exists(key)).toBe(true);
    clock.advance(DAY_MS);
    expect(await run()).toMatchObject({ removed: 3, removedBytes: 96, restored: 0, setAside: 0 });
    for (const key of [raw, file, body]) expect(await storage.exists(key)).toBe(false);
  });

  it('never takes from a message what it finds in the storage while it is ingested, at whichever step', async () => {
    const storage = storageOf();
    const bytes = randomBytes(32);
    for (const putAt of ['young', 'old', 'aside'] as const)
      for (const commitAt of ['at once', 'before the removal'] as const) {
        const at = await world.newMailbox();
        const key = await put(storage, at.tenant, rawKey, bytes);
        const { run, clock } = cleanup(storage, [at]);
        const ingest = async (): Promise<void> => {
          await storage.put(key, bytes);
          if (commitAt === 'at once') await ledgerRow(at, { key, status: 'published' });
        };
        if (putAt === 'young') await ingest();
        clock.advance(DAY_MS);
        if (putAt === 'old') await ingest();
        await run();
        if (putAt === 'aside') await ingest();
        if (commitAt === 'before the removal') {
          clock.advance(DAY_MS - 1);
          await ledgerRow(at, { key, status: 'published' });
        }
        clock.advance(DAY_MS);
        await run();
        clock.advance(DAY_MS);
        await run();
        expect(await storage.exists(key), `${putAt}, ${commitAt}`).toBe(true);
      }
  });
}

describe('an object', () => {
  it('is in its place for a whole day, and aside for another', async () => {
    const [at, clock] = [await world.newMailbox(), new FakeClock(new Date())];
    const storage = byClock(directory, clock);
    const key = await put(storage, at.tenant);
    const { run } = cleanup(storage, [at], { clock });
    clock.advance(DAY_MS - 1);
    expect(await run()).toMatchObject({ lookedAt: 1, unreferenced: 0 });
    clock.advance(1);
    expect(await run()).toMatchObject({ setAside: 1 });
    clock.advance(DAY_MS - 1);
    expect(await run()).toMatchObject({ lookedAt: 1, removed: 0 });
    clock.advance(1);
    expect(await run()).toMatchObject({ removed: 1 });
    expect(await storage.exists(key)).toBe(false);
  });

  it.each(REFERENCES)(
    'keeps what is named by %s, and only for the tenant that names it',
    async (_what, refer) => {
      const [storage, at, other] = [directory, await world.newMailbox(), await world.newMailbox()];
      const bytes = randomBytes(32);
      const key = await put(storage, at.tenant, attachmentKey, bytes);
      const foreign = await put(storage, other.tenant, attachmentKey, bytes);
      await refer(at, key);
      await cleanup(storage, [at, other]).runForDays();
      expect([await storage.exists(key), await storage.exists(foreign)]).toEqual([true, false]);
    },
  );

  it.each(REFERENCES)('puts back what was set aside and then named by %s', async (_what, refer) => {
    const [storage, at] = [directory, await world.newMailbox()];
    const key = await put(storage, at.tenant);
    const { run, clock } = cleanup(storage, [at]);
    clock.advance(DAY_MS);
    await run();
    // Whoever names it put it before it was set aside.
    await refer(at, key);
    expect(await storage.exists(key)).toBe(true);
    clock.advance(DAY_MS);
    expect(await run()).toMatchObject({ restored: 1, removed: 0 });
    const page = { area: 'stored', tenant: tenantId(at.tenant), after: null, limit: 10 } as const;
    expect((await storage.list(page)).objects.map((object) => object.key)).toEqual([key]);
  });
});

describe('a message whose entry still waits on the stream', () => {
  it('keeps attachments that only its entry names, until it has its effect', async () => {
    const at = await world.newMailbox();
    const [named, unnamed] = [await put(directory, at.tenant), await put(directory, at.tenant)];
    const { run, clock } = cleanup(directory, [at]);
    clock.advance(DAY_MS);
    await run();
    // It found the attachment just before that, and its row was committed a little later.
    const receivedAt = new Date(Date.now() + HOUR_MS / 2);
    const event = await ledgerRow(at, { key: null, status: 'published', receivedAt });
    for (let day = 0; day < 5; day += 1) {
      clock.advance(DAY_MS);
      expect(await run()).toMatchObject({ removed: 0 });
    }
    expect([await directory.exists(named), await directory.exists(unnamed)]).toEqual([true, true]);
    await world.query(`UPDATE inbound_messages SET status = 'processed' WHERE event_id = $1`, [event]);
    await attachment(at, named);
    await run();
    expect([await directory.exists(named), await directory.exists(unnamed)]).toEqual([true, false]);
  });

  it('of either kind sets nothing aside once it has waited for a day', async () => {
    for (const status of ['received', 'published']) {
      const at = await world.newMailbox();
      await put(directory, at.tenant);
      await ledgerRow(at, { key: null, status, receivedAt: new Date() });
      const { run, clock } = cleanup(directory, [at]);
      clock.advance(DAY_MS);
      expect(await run()).toMatchObject({ setAside: 0 });
    }
  });

  it('and came long after something was set aside has written it anew, and does not keep it', async () => {
    const at = await world.newMailbox();
    const key = await put(directory, at.tenant);
    const { run, clock } = cleanup(directory, [at]);
    clock.advance(DAY_MS);
    await run();
    await ledgerRow(at, { key: null, status: 'received', receivedAt: new Date(Date.now() + 2 * HOUR_MS) });
    clock.advance(DAY_MS);
    expect(await run()).toMatchObject({ removed: 1 });
    expect(await directory.exists(key)).toBe(false);
  });
});

it('loses nothing while the same few mails come and go and two sweeps run at once, day after day', async () => {
  const at = await world.newMailbox();
  const clock = new FakeClock(new Date());
  const storage = byClock(directory, clock);
  const contents = Array.from({ length: 6 }, () => randomBytes(64));
  const inFlight = new Set<Promise<void>>();
  const counts = { read: 0, removed: 0 };
  const ingest = async (bytes: Buffer<ArrayBuffer>): Promise<void> => {
    const key = await put(storage, at.tenant, rawKey, bytes);
    const event = await ledgerRow(at, { key, status: 'published', receivedAt: clock.now() });
    await world.query(`UPDATE inbound_messages SET status = 'processed' WHERE event_id = $1`, [event]);
    expect(await buffer(await storage.read(key))).toEqual(bytes);
    counts.read += 1;
    await world.query('DELETE FROM inbound_messages WHERE event_id = $1', [event]);
  };
  let isOver = false;
  const mailbox = async (offset: number): Promise<void> => {
    for (let round = offset; !isOver; round += 5) {
      // Not all of them every day: some have to grow old.
      const work = ingest(contents[round % (1 + (round % contents.length))] ?? randomBytes(64));
      inFlight.add(work);
      await work.finally(() => inFlight.delete(work));
    }
  };
  const days = async (): Promise<void> => {
    const sweeps = [0, 1].map(() => cleanup(storage, [at], { clock }));
    for (let day = 0; day < 25; day += 1) {
      // Nobody takes a day from storing a message to its ledger row.
      await Promise.all(inFlight);
      clock.advance(DAY_MS);
      for (let again = 0; again < 2; again += 1)
        for (const result of await Promise.all(sweeps.map(({ run }) => run())))
          counts.removed += result['removed'] ?? 0;
    }
  };
  await Promise.all([...[1, 2, 3].map(mailbox), days().finally(() => (isOver = true))]);
  expect(counts.read).toBeGreaterThan(25);
  expect(counts.removed).toBeGreaterThan(0);
});

describe('a run', () => {
  it('that is dry says what it would do, and does nothing', async () => {
    const at = await world.newMailbox();
    const key = await put(directory, at.tenant);
    const { run, clock } = cleanup(directory, [at], { isDryRun: true });
    clock.advance(DAY_MS);
    for (let day = 0; day < 3; day += 1) {
      const result = await run();
      expect(result).toMatchObject({ dryRun: 1, setAside: 0, removed: 0 });
      expect(result['unreferenced']).toBeGreaterThanOrEqual(1);
      clock.advance(DAY_MS);
    }
    const page = { area: 'stored', tenant: tenantId(at.tenant), after: null, limit: 10 } as const;
    expect((await directory.list(page)).objects.map((object) => object.key)).toEqual([key]);
  });

  it('looks at so many objects and no more, and the next one goes on there, also after an end in the middle', async () => {
    await world.query(`UPDATE jobs SET position = NULL WHERE name = 'storage-cleanup'`);
    const [at, other] = [await world.newMailbox(), await world.newMailbox()];
    for (let index = 0; index < 7; index += 1) {
      await put(directory, at.tenant);
      await put(directory, other.tenant);
    }
    const whole = 14;
    const seen: string[] = [];
    const noted: RemovableStorage = {
      ...directory,
      // Small pages, so that a run ends within a tenant.
      list: async (page) => {
        const answer = await directory.list({ ...page, limit: 2 });
        seen.push(...answer.objects.map(({ key }) => `${page.area} ${key}`));
        return answer;
      },
    };
    const { run } = cleanup(noted, [at, other], { mostPerRun: 4 });
    for (let runs = 0; seen.length < whole; runs += 1) {
      if (runs === 1) {
        const aborted = new AbortController();
        aborted.abort();
        await expect(run(aborted.signal)).rejects.toThrow('aborted');
      }
      expect((await run())['lookedAt']).toBeLessThanOrEqual(5);
    }
    expect(new Set(seen).size).toBe(whole);
    expect(seen.length).toBe(whole);
  });

  it('leaves alone what belongs to tenants that the database does not know', async () => {
    const key = await put(directory, randomUUID());
    await cleanup(directory, null).runForDays();
    expect(await directory.exists(key)).toBe(true);
  });
});
