import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDatabase } from '@mailstream/shared/db/database';
import { tenantId } from '@mailstream/shared/domain/ids';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { closeRedis, createRedis } from '@mailstream/shared/runtime/redis';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { useOwnRedis } from '@mailstream/shared/testing/own-servers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPgDeadLetters } from '../src/adapters/pg-dead-letters.ts';
import { createRedisEntrySource } from '../src/adapters/redis-entry-source.ts';
import { anEntry, fieldsOf } from './emails.ts';
import { startWorker, workerEnvironment, type RunningWorker } from './worker-fixture.ts';
import { STREAM, useWorld, type Mailbox } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const fullRedis = await useOwnRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const env = (change: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> =>
  workerEnvironment({ database: db.url, redis: redis.url }, change);
const ATTEMPTS = `{${STREAM}}:attempts`;
const workers: RunningWorker[] = [];
const closings: (() => Promise<void>)[] = [];

async function worker(change: Readonly<Record<string, string>> = {}): Promise<RunningWorker> {
  const started = await startWorker(env(change));
  workers.push(started);
  return started;
}

const poison = (mailbox: Mailbox, uid: number): ReturnType<typeof anEntry> =>
  anEntry({ ...mailbox, uid, email: { body: { text: 'poison' } } });
const cure = (): Promise<unknown> => world.query('ALTER TABLE ticket_comments DISABLE TRIGGER refuse');
const letters = (mailbox: Mailbox): Promise<readonly Record<string, unknown>[]> =>
  world.query('SELECT * FROM dead_letters WHERE tenant = $1', [mailbox.tenant]);
const copies = async (eventId: string): Promise<number> =>
  (await world.redis.xrange(`${STREAM}:dlq`, '-', '+')).filter(([, fields]) => fields.includes(eventId))
    .length;
/** As the server does. */
const askForReplay = (mailbox: Mailbox): Promise<unknown> =>
  world.query(
    `UPDATE dead_letters SET state = 'replaying', replay_id = gen_random_uuid(), replay_requested_at = now() WHERE tenant = $1`,
    [mailbox.tenant],
  );

beforeAll(async () => {
  await world.query(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF NEW.body_text = 'poison' THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NEW; END $$`,
  );
  await world.query(
    'CREATE TRIGGER refuse BEFORE INSERT ON ticket_comments FOR EACH ROW EXECUTE FUNCTION refuse()',
  );
});

afterEach(async () => {
  for (const running of workers.splice(0)) expect(await running.stop()).toEqual([]);
  for (const close of closings.splice(0)) await close();
  await world.query('ALTER TABLE ticket_comments ENABLE TRIGGER refuse');
});

describe('an entry that fails', () => {
  it('is neither tried at once nor forgotten by the next worker', async () => {
    const mailbox = await world.newMailbox();
    const entry = poison(mailbox, 1);
    const slow = { WORKER_RETRY_BASE_MS: '60000' };
    const first = await worker(slow);
    const [id = ''] = await world.publish([entry]);
    const dueAt = async (): Promise<number> => Number(await world.redis.hget(ATTEMPTS, `${id}:due`));
    await expect.poll(dueAt, { timeout: 20_000 }).toBeGreaterThan(Date.now() + 50_000);
    const due = await dueAt();
    expect(due).toBeLessThanOrEqual(Date.now() + 66_000);
    expect(await first.stop()).toEqual([]);

    // The next one takes it over, sees that its time has not come, and leaves count and history as they are.
    const second = await worker(slow);
    const owner = async (): Promise<unknown> =>
      ((await world.redis.xpending(STREAM, 'workflow-workers', id, id, 1)) as unknown[][])[0]?.[2];
    await expect.poll(owner, { timeout: 20_000 }).toBeLessThan(10_000);
    const neighbour = anEntry({ ...mailbox, uid: 2 });
    await world.publish([neighbour]);
    await expect.poll(() => world.comments(mailbox.tenant), { timeout: 20_000 }).toHaveLength(1);
    expect(await world.redis.hget(ATTEMPTS, id)).toBe('1');
    expect(await dueAt()).toBe(due);
    expect(await second.stop()).toEqual([]);

    // When its time has come it is the second attempt, with the first one known.
    await world.redis.hset(ATTEMPTS, `${id}:due`, Date.now() - 1);
    await worker({ ...slow, WORKER_MAX_ATTEMPTS: '2' });
    await expect.poll(() => letters(mailbox), { timeout: 20_000 }).toHaveLength(1);
    expect((await letters(mailbox))[0]).toMatchObject({
      attempts: 2,
      code: 'WORKER_FAILED',
      state: 'open',
      history: [
        { attempt: 1, code: 'P0001' },
        { attempt: 2, code: 'P0001' },
      ],
    });
    await world.settled();
    expect(await world.redis.hlen(ATTEMPTS)).toBe(0);
    expect(await copies(entry.event_id)).toBe(1);
  });

  it('is kept whole, and processed once however often it is replayed, by however many workers', async () => {
    const mailbox = await world.newMailbox();
    const entry = poison(mailbox, 1);
    await world.record(entry);
    const quick = { WORKER_RETRY_BASE_MS: '10', WORKER_MAX_ATTEMPTS: '2' };
    await Promise.all([worker(quick), worker(quick)]);
    await world.publish([entry]);
    await expect.poll(() => letters(mailbox), { timeout: 20_000 }).toHaveLength(1);
    const [letter] = await letters(mailbox);
    expect(JSON.parse(String(letter?.['entry']))).toEqual(fieldsOf(entry));

    // Still poisoned: the same letter, open again, with both histories.
    await askForReplay(mailbox);
    const state = async (): Promise<unknown> => (await letters(mailbox))[0]?.['attempts'];
    await expect.poll(state, { timeout: 20_000 }).toBe(4);
    expect(await letters(mailbox)).toMatchObject([{ state: 'open', replays: 1, event_id: entry.event_id }]);

    await cure();
    const before = await world.redis.xlen(STREAM);
    await askForReplay(mailbox);
    await expect.poll(() => world.comments(mailbox.tenant), { timeout: 20_000 }).toHaveLength(1);
    await world.settled();
    // Two workers looked, one entry was appended.
    expect((await world.redis.xlen(STREAM)) - before).toBe(1);
    await expect.poll(() => letters(mailbox)).toMatchObject([{ state: 'replayed', replays: 2 }]);
    expect(
      await world.query('SELECT status, reason FROM inbound_messages WHERE event_id = $1', [entry.event_id]),
    ).toEqual([{ status: 'processed', reason: null }]);

    await askForReplay(mailbox);
    await expect
      .poll(() => letters(mailbox), { timeout: 20_000 })
      .toMatchObject([{ state: 'replayed', replays: 3 }]);
    await world.settled();
    expect(await world.comments(mailbox.tenant)).toHaveLength(1);
  });

  it('has one effect when it is replayed while its first entry is still pending', async () => {
    const mailbox = await world.newMailbox();
    const entry = anEntry({ ...mailbox, uid: 1 });
    const [id = ''] = await world.publish([entry]);
    // A worker that died between writing the letter and the acknowledgement.
    const database = createDatabase({ url: db.url, applicationName: 'test', poolMax: 1 });
    closings.push(() => database.close());
    const store = createPgDeadLetters(database);
    const whole = { stream: STREAM, id, fields: fieldsOf(entry) };
    const identity = { tenant: tenantId(mailbox.tenant), eventId: entry.event_id };
    const letter = { code: 'WORKER_FAILED', detail: 'd', attempts: 5, past: [] };
    expect(await store.keep(whole, identity, letter)).toBe('kept');
    expect(await store.keep(whole, identity, letter)).toBe('kept');
    expect(await letters(mailbox)).toMatchObject([{ attempts: 5 }]);
    await askForReplay(mailbox);
    await Promise.all([worker(), worker()]);
    await expect.poll(() => letters(mailbox), { timeout: 20_000 }).toMatchObject([{ state: 'replayed' }]);
    await world.settled();
    expect(await world.comments(mailbox.tenant)).toEqual(['<1@example.org>']);
    // Whoever comes late with the letter finds the effect.
    expect(await store.keep({ ...whole, id: '99-0' }, identity, letter)).toBe('processed');
  });
});

it('is copied and appended once, however often the commands are repeated', async () => {
  const commands = createRedis({
    url: redis.url,
    name: 'test',
    log: createLogger({ service: 't', level: 'silent' }),
  });
  closings.push(() => closeRedis(commands));
  await expect.poll(() => commands.status, { timeout: 20_000 }).toBe('ready');
  const source = createRedisEntrySource({
    ...{ blocking: commands, commands, blockMs: 10, consumer: 'me' },
    now: () => new Date().toISOString(),
  });
  const entry = { stream: `s:${randomUUID()}`, id: '5-0', fields: ['a', 'b'] };
  for (let round = 0; round < 3; round += 1) {
    await source.copyToDeadLetters(entry, { code: 'C', detail: 'd', attempts: 1, past: [] });
    await source.append(entry.stream, 'one', entry.fields);
  }
  const again = await source.append(entry.stream, 'another', entry.fields);
  expect((await world.redis.xrange(entry.stream, '-', '+')).map(([id]) => id).at(-1)).toBe(again);
  expect(await world.redis.xlen(entry.stream)).toBe(2);
  const [copy] = await world.redis.xrange(`${entry.stream}:dlq`, '-', '+');
  expect(copy?.[1]).toEqual(expect.arrayContaining(['a', 'b', 'dlq_code', 'C', 'dlq_history', '[]']));
  expect(await world.redis.xlen(`${entry.stream}:dlq`)).toBe(1);
});

it('is settled in a Redis that is full, so that what is handled can be trimmed', async () => {
  const { server } = fullRedis;
  const log = createLogger({ service: 't', level: 'silent' });
  const commands = createRedis({ url: server.url, name: 'test', log });
  closings.push(() => closeRedis(commands));
  await expect.poll(() => commands.status, { timeout: 20_000 }).toBe('ready');
  const source = createRedisEntrySource({
    ...{ blocking: commands, commands, blockMs: 10, consumer: 'me' },
    now: () => new Date().toISOString(),
  });
  await source.ensureGroups(['s']);
  const id = String(await commands.xadd('s', '*', 'tenant', 'T'));
  await commands.config('SET', 'maxmemory-policy', 'noeviction');
  await commands.config('SET', 'maxmemory', '1');
  await expect(commands.set('a', 'b')).rejects.toThrow(/OOM/);
  expect(await source.readAhead('s', 10)).toEqual([{ stream: 's', id, tenant: 't' }]);
  const ref = { stream: 's', id };
  expect((await source.load([ref])).entries).toMatchObject([{ id, fields: ['tenant', 'T'] }]);
  expect(await source.beginAttempt(ref, 0)).toMatchObject({ kind: 'begun', attempts: 1 });
  await source.noteRetry(ref, { attempts: 1, dueAtMs: 5, past: [] });
  expect(await source.beginAttempt(ref, 4)).toEqual({ kind: 'early', dueAtMs: 5 });
  expect(await source.keep([ref, { stream: 's', id: '1-1' }])).toEqual([{ stream: 's', id: '1-1' }]);
  await source.acknowledge(ref, true);
  expect(await source.backlog(['s'])).toEqual({ unread: 0, pending: 0 });
});

it('of nobody is kept where no tenant looks', async () => {
  await worker();
  const stranger = anEntry({ tenant: randomUUID(), providerId: randomUUID(), uid: 1 });
  await world.publish([stranger]);
  await world.redis.xadd(STREAM, '*', 'what', 'is this');
  await world.settled();
  const rows = await world.query<{ code: string; entry: string }>(
    'SELECT code, entry FROM stray_dead_letters',
  );
  expect(rows.map(({ code }) => code).toSorted()).toEqual(['ENTRY_INVALID', 'PROVIDER_UNKNOWN']);
  expect(rows.some(({ entry }) => entry === '["what","is this"]')).toBe(true);
});

it('is told to the hook: once for many, by count and code, signed, and again when it was not taken', async () => {
  const secret = 'a secret of the hook';
  const calls: { headers: IncomingHttpHeaders; body: string }[] = [];
  const hook = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      calls.push({ headers: request.headers, body });
      response.writeHead(calls.length === 1 ? 500 : 204).end();
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  closings.push(() => new Promise((resolve) => void hook.close(() => resolve())));
  // What other tests left is told already.
  await world.query('UPDATE alert_marks SET told_until = clock_timestamp()');
  const mailbox = await world.newMailbox();
  const settings = {
    WORKER_ALERT_URL: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`,
    WORKER_ALERT_SECRET: secret,
    WORKER_ALERT_INTERVAL_MS: '400',
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
  };
  await Promise.all([
    worker({ ...settings, WORKER_MAX_ATTEMPTS: '1' }),
    worker({ ...settings, WORKER_MAX_ATTEMPTS: '1' }),
  ]);
  await world.publish([1, 2, 3].map((uid) => poison(mailbox, uid)));
  const told = (): number =>
    calls.slice(1).reduce((sum, { body }) => sum + (JSON.parse(body) as { total: number }).total, 0);
  await expect.poll(told, { timeout: 20_000 }).toBe(3);
  for (const { headers, body } of calls) {
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-mailstream-signature'])) ?? [];
    expect(v1).toBe(createHmac('sha256', secret).update(`${t}.${body}`).digest('hex'));
    expect(JSON.parse(body)).toMatchObject({
      type: 'mailstream.dead_letters',
      codes: [{ code: 'WORKER_FAILED' }],
    });
    for (const content of ['poison', 'Hello', 'example.org', mailbox.tenant])
      expect(body).not.toContain(content);
  }
});
