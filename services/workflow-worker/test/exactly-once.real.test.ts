/**
 * A thousand events of 250 conversations, published in disorder and many of them several times, against worker processes that are
 * killed and a database that fails and is cut off: each has its effect once, and each conversation is one ticket.
 */
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { openTcpLink, throughLink } from '@mailstream/shared/testing/tcp-link';
import { afterAll, expect, it } from 'vitest';
import { anEntry } from './emails.ts';
import { spawnWorker, workerEnvironment } from './worker-fixture.ts';
import { STREAM, useWorld, type Mailbox } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const { hostname, port } = new URL(db.url);
const toDatabase = await openTcpLink({ host: hostname, port: Number(port) });
const env = workerEnvironment(
  { database: throughLink(db.url, toDatabase), redis: redis.url },
  {
    WORKER_VISIBILITY_MS: '4000',
    WORKER_HANDLING_DEADLINE_MS: '2000',
    // Many are under way when a process is killed, and all of them count it as an attempt.
    WORKER_MAX_ATTEMPTS: '50',
    WORKER_RETRY_BASE_MS: '100',
  },
);

afterAll(() => toDatabase.close());

const CONVERSATIONS = 250;
const MAILS_EACH = 4;
const EVENTS = CONVERSATIONS * MAILS_EACH;
const TWICE_SHARE = 0.4;
/** How far an event may be from its place: replies overtake what they answer. */
const DISORDER = 40;
const KILLS = 4;
const CUTS = 4;

/** Numbers in [0, 1) that are the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const random = seeded(4);

function events(mailboxes: readonly Mailbox[]): ReturnType<typeof anEntry>[] {
  return Array.from({ length: EVENTS }, (_, index) => {
    const conversation = Math.floor(index / MAILS_EACH);
    const place = index % MAILS_EACH;
    const mailbox = mailboxes[conversation % mailboxes.length];
    if (mailbox === undefined) throw new Error('there is a mailbox');
    const id = (at: number): string => `<${at}.${conversation}@example.org>`;
    return anEntry({
      ...mailbox,
      uid: index + 1,
      email: {
        id: id(place),
        from: { email: `person${conversation}@example.org` },
        references: Array.from({ length: place }, (_unused, at) => id(at)),
        attachments: [
          {
            id: '2',
            name: 'a.txt',
            contentType: 'text/plain',
            size: 1,
            sha256: 'ab',
            storageKey: `k/${index}`,
          },
        ],
      },
    });
  });
}

function disordered<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item, index) => ({ item, place: index + random() * DISORDER }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

it('gives exactly a thousand effects for a thousand events', async () => {
  const first = await world.newMailbox();
  const mailboxes = [first, await world.newMailbox(first.tenant), await world.newMailbox()];
  const once = events(mailboxes);
  // Half of them with a ledger row, as after a database lost its last commits.
  for (const entry of once.filter(() => random() < 0.5)) await world.record(entry);
  // Lost races and cut connections in the middle of a statement, at any place.
  await world.query(
    `CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF random() < 0.03 THEN RAISE EXCEPTION 'trouble' USING ERRCODE = (ARRAY['40001', '40P01', '57P01', '53300'])[1 + floor(random() * 4)];
       END IF; RETURN NEW; END $$`,
  );
  for (const table of ['email_processed_messages', 'tickets', 'ticket_attachments', 'ticket_message_ids'])
    await world.query(
      `CREATE TRIGGER trouble BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION trouble()`,
    );

  const workers = [spawnWorker(env), spawnWorker(env)];
  const doubled = disordered([...once, ...once.filter(() => random() < TWICE_SHARE)]);
  for (let from = 0; from < doubled.length; from += 100)
    await world.publish(disordered(doubled.slice(from, from + 100)));

  const done = async (): Promise<number> => {
    const [row] = await world.query<{ count: number }>('SELECT count(*)::int FROM email_processed_messages');
    return row?.count ?? 0;
  };
  const steps = KILLS + CUTS;
  for (let step = 1; step <= steps; step += 1) {
    const goal = Math.floor((EVENTS * step) / (steps + 1));
    await expect.poll(done, { timeout: 30_000, interval: 10 }).toBeGreaterThanOrEqual(goal);
    if (step % 2 === 0) toDatabase.cut();
    else {
      const [victim] = workers.splice(Math.floor(random() * workers.length), 1);
      victim?.kill('SIGKILL');
      await victim?.gone;
      workers.push(spawnWorker(env));
    }
  }
  await expect.poll(done, { timeout: 60_000, interval: 100 }).toBe(EVENTS);
  // What was under way is published once more: nothing comes of it.
  await world.publish(once.slice(0, 100));
  await world.settled();
  for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map((worker) => worker.gone));

  expect(await world.redis.xlen(`${STREAM}:dlq`)).toBe(0);
  expect(
    await world.query(
      `SELECT (SELECT count(*)::int FROM ticket_comments) AS comments, (SELECT count(DISTINCT event_id)::int FROM ticket_comments) AS events,
              (SELECT count(*)::int FROM ticket_attachments) AS attachments, (SELECT count(*)::int FROM email_processed_messages) AS gates,
              (SELECT count(*)::int FROM inbound_messages WHERE status <> 'processed') AS unsettled`,
    ),
  ).toEqual([{ comments: EVENTS, events: EVENTS, attachments: EVENTS, gates: EVENTS, unsettled: 0 }]);
  const conversations = await world.query<{ tickets: number; mails: number }>(
    `SELECT count(DISTINCT ticket_id)::int AS tickets, count(*)::int AS mails FROM ticket_comments GROUP BY author_email`,
  );
  expect(conversations).toEqual(
    Array.from({ length: CONVERSATIONS }, () => ({ tickets: 1, mails: MAILS_EACH })),
  );
  for (const { tenant } of [first, mailboxes[2] ?? first]) {
    const numbers = await world.query<{ number: number }>(
      'SELECT number::int FROM tickets WHERE tenant = $1 ORDER BY 1',
      [tenant],
    );
    expect(numbers.map(({ number }) => number)).toEqual(numbers.map((_, index) => index + 1));
  }
}, 150_000);
