import { randomUUID } from 'node:crypto';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anEntry, fieldsOf } from './emails.ts';
import { startWorker, workerEnvironment, type RunningWorker } from './worker-fixture.ts';
import { STREAM, useWorld } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const env = workerEnvironment({ database: db.url, redis: redis.url });
const workers: RunningWorker[] = [];

beforeAll(async () => {
  workers.push(await startWorker(env), await startWorker(env));
});

afterAll(async () => {
  for (const worker of workers) expect(await worker.stop()).toEqual([]);
});

const dlq = (): Promise<readonly string[][]> =>
  world.redis.xrange(`${STREAM}:dlq`, '-', '+').then((entries) => entries.map(([, fields]) => fields));

const letterOf = async (needle: string): Promise<Record<string, string>> => {
  let found: readonly string[] | undefined;
  await expect
    .poll(async () => (found = (await dlq()).find((fields) => fields.includes(needle))), { timeout: 20_000 })
    .toBeDefined();
  const fields = found ?? [];
  return Object.fromEntries(
    fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1] ?? '']] : [])),
  );
};

describe('a worker', () => {
  it('makes one ticket of an event, with its comment, attachments, gate and ledger row', async () => {
    const mailbox = await world.newMailbox();
    const entry = anEntry({
      ...mailbox,
      uid: 1,
      email: {
        subject: 'Printer on fire',
        body: { text: 'please help', html: '<p>please help</p>' },
        attachments: [
          {
            id: '2',
            name: 'fire.jpg',
            contentType: 'image/jpeg',
            size: 99,
            sha256: 'ab',
            storageKey: 'k/ab',
            contentId: 'c1',
            isInline: true,
          },
        ],
      },
    });
    await world.record(entry);
    await world.publish([entry]);
    await world.settled();
    const [row] = await world.query(
      `SELECT t.number::int, t.subject, t.status, t.requester_email, t.requester_name, t.provider_id, c.body_text, c.body_html, c.event_id,
              a.name, a.content_type, a.size::int, a.storage_key, a.is_inline, g.outcome, g.ticket_id = t.id AS same, m.status AS ledger, m.processed_at IS NOT NULL AS at
         FROM tickets t JOIN ticket_comments c ON c.ticket_id = t.id JOIN ticket_attachments a ON a.comment_id = c.id
         JOIN email_processed_messages g ON g.event_id = c.event_id JOIN inbound_messages m ON m.event_id = c.event_id WHERE t.tenant = $1`,
      [mailbox.tenant],
    );
    expect(row).toEqual({
      number: 1,
      subject: 'Printer on fire',
      status: 'open',
      requester_email: 'jane@example.org',
      requester_name: 'Jane',
      provider_id: mailbox.providerId,
      body_text: 'please help',
      body_html: '<p>please help</p>',
      event_id: entry.event_id,
      name: 'fire.jpg',
      content_type: 'image/jpeg',
      size: 99,
      storage_key: 'k/ab',
      is_inline: true,
      outcome: 'ticket',
      same: true,
      ledger: 'processed',
      at: true,
    });
  });

  it('records each event once however often it is published, with and without a ledger row, over two workers', async () => {
    const mailboxes = await Promise.all([world.newMailbox(), world.newMailbox(), world.newMailbox()]);
    const entries = mailboxes.flatMap((mailbox) =>
      Array.from({ length: 30 }, (_, uid) => anEntry({ ...mailbox, uid: uid + 1 })),
    );
    for (const entry of entries.slice(0, 10)) await world.record(entry);
    await world.publish([...entries, ...entries, ...entries.toReversed()]);
    await world.settled();
    for (const { tenant } of mailboxes) {
      expect((await world.comments(tenant)).toSorted()).toHaveLength(30);
      const numbers = await world.query<{ number: number }>(
        'SELECT number::int FROM tickets WHERE tenant = $1 ORDER BY 1',
        [tenant],
      );
      expect(numbers.map(({ number }) => number)).toEqual(
        Array.from({ length: 30 }, (_, index) => index + 1),
      );
    }
    // A second delivery is nothing at all, not a failure that another constraint caught.
    expect(await dlq()).toEqual([]);
  });

  it('adds a reply of the requester to the ticket, also when the first mail is still on its way', async () => {
    const mailbox = await world.newMailbox();
    const first = anEntry({ ...mailbox, uid: 1 });
    const reply = anEntry({
      ...mailbox,
      uid: 2,
      email: { inReplyTo: '<1@example.org>', references: ['<1@example.org>'] },
    });
    await world.record(first);
    await world.record(reply);
    const [replyId] = await world.publish([reply]);
    // The reply has been looked at and waits for the first.
    await expect
      .poll(() => world.redis.hexists(`{${STREAM}}:attempts`, replyId ?? ''), { timeout: 20_000 })
      .toBe(1);
    await world.publish([first]);
    await world.settled();
    expect(await world.comments(mailbox.tenant)).toEqual(['<1@example.org>', '<2@example.org>']);
    expect(await world.query('SELECT 1 FROM tickets WHERE tenant = $1', [mailbox.tenant])).toHaveLength(1);
    await world.query(`UPDATE tickets SET status = 'closed' WHERE tenant = $1`, [mailbox.tenant]);
    await world.publish([
      anEntry({ ...mailbox, uid: 3, email: { references: ['<0@x>', '<2@example.org>'] } }),
    ]);
    await world.settled();
    expect(await world.query('SELECT status FROM tickets WHERE tenant = $1', [mailbox.tenant])).toEqual([
      { status: 'open' },
    ]);
  });

  it('lets nobody but the requester into a ticket by a header, and no other tenant', async () => {
    const mailbox = await world.newMailbox();
    const other = await world.newMailbox();
    await world.publish([anEntry({ ...mailbox, uid: 1 })]);
    await world.settled();
    const references = ['<1@example.org>'];
    await world.publish([
      anEntry({ ...mailbox, uid: 2, email: { references, from: { email: 'mallory@example.org' } } }),
      anEntry({ ...mailbox, uid: 3, email: { references, from: { email: '' } } }),
      anEntry({ ...other, uid: 1, email: { id: '<other@x>', references } }),
    ]);
    await world.settled();
    expect(await world.query('SELECT 1 FROM tickets WHERE tenant = $1', [mailbox.tenant])).toHaveLength(3);
    expect(await world.comments(other.tenant)).toEqual(['<other@x>']);
  });

  it('keeps the order of each conversation, however many there are', async () => {
    const mailbox = await world.newMailbox();
    for (const worker of workers.splice(1)) await worker.stop();
    const conversations = 5;
    const entries = Array.from({ length: 200 }, (_, index) => {
      const [root, place] = [index % conversations, Math.floor(index / conversations)];
      const references = place === 0 ? [] : [`<0.${root}@example.org>`];
      return anEntry({
        ...mailbox,
        uid: index + 1,
        email: { id: `<${place}.${root}@example.org>`, references },
      });
    });
    await world.publish(entries);
    await world.settled();
    const comments = await world.comments(mailbox.tenant);
    expect(comments).toHaveLength(200);
    for (let root = 0; root < conversations; root += 1)
      expect(comments.filter((id) => id.endsWith(`.${root}@example.org>`))).toEqual(
        Array.from({ length: 40 }, (_, place) => `<${place}.${root}@example.org>`),
      );
    expect(await world.query('SELECT 1 FROM tickets WHERE tenant = $1', [mailbox.tenant])).toHaveLength(5);
  });

  it('survives what mail may hold: NUL, lone surrogates, no sender, hundreds of attachments', async () => {
    const mailbox = await world.newMailbox();
    const attachments = Array.from({ length: 700 }, (_, index) => ({
      id: String(index),
      name: `a\u0000${index}`,
      contentType: 'text/plain',
      size: 1,
      sha256: 'aa',
      storageKey: `k/${index}`,
    }));
    await world.publish([
      anEntry({
        ...mailbox,
        uid: 1,
        email: {
          id: 'imap-hash-1',
          subject: '\u0000\ud800',
          from: { email: '' },
          body: { text: '\u0000' },
          attachments,
        },
      }),
    ]);
    await world.settled();
    expect(await world.comments(mailbox.tenant)).toEqual(['imap-hash-1']);
    expect(
      await world.query('SELECT count(*)::int AS n FROM ticket_attachments WHERE tenant = $1', [
        mailbox.tenant,
      ]),
    ).toEqual([{ n: 700 }]);
  });
});

describe('what cannot be processed', () => {
  it('becomes a dead letter with the whole entry, and those around it do not wait', async () => {
    const mailbox = await world.newMailbox();
    const good = (uid: number): string[] => [...fieldsOf(anEntry({ ...mailbox, uid }))];
    const whole = anEntry({ ...mailbox, uid: 2 });
    await world.record(whole);
    const broken = { ...whole, payload_json: '{"canary' };
    await world.redis.xadd(STREAM, '*', ...good(1));
    await world.redis.xadd(STREAM, '*', 'what', 'is this');
    await world.redis.xadd(STREAM, '*', ...fieldsOf(broken));
    await world.redis.xadd(STREAM, '*', ...good(3));
    await world.settled();
    expect((await world.comments(mailbox.tenant)).toSorted()).toEqual(['<1@example.org>', '<3@example.org>']);
    expect(await letterOf('is this')).toMatchObject({
      what: 'is this',
      dlq_code: 'ENTRY_INVALID',
      dlq_stream: STREAM,
    });
    expect(await letterOf(broken.event_id)).toMatchObject({
      ...broken,
      dlq_code: 'ENTRY_INVALID',
      dlq_attempts: '1',
    });
    expect(
      await world.query('SELECT status, reason FROM inbound_messages WHERE event_id = $1', [broken.event_id]),
    ).toEqual([{ status: 'dead_letter', reason: 'ENTRY_INVALID: payload_json is not JSON' }]);
  });

  it('is an event whose provider is not its tenant’s: no row in either tenant', async () => {
    const mine = await world.newMailbox();
    const theirs = await world.newMailbox();
    const forged = anEntry({ tenant: mine.tenant, providerId: theirs.providerId, uid: 9 });
    const nowhere = anEntry({ tenant: randomUUID(), providerId: theirs.providerId, uid: 9 });
    await world.publish([forged, nowhere]);
    await world.settled();
    expect(await letterOf(forged.event_id)).toMatchObject({ dlq_code: 'PROVIDER_UNKNOWN' });
    expect(await letterOf(nowhere.event_id)).toMatchObject({ dlq_code: 'PROVIDER_UNKNOWN' });
    for (const { tenant } of [mine, theirs]) expect(await world.comments(tenant)).toEqual([]);
  });

  it('is tried five times while its neighbours go on, and counted over all of them', async () => {
    const mailbox = await world.newMailbox();
    await world.query(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF NEW.body_text = 'poison' THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NEW; END $$`,
    );
    await world.query(
      'CREATE TRIGGER refuse BEFORE INSERT ON ticket_comments FOR EACH ROW EXECUTE FUNCTION refuse()',
    );
    const poison = anEntry({ ...mailbox, uid: 1, email: { body: { text: 'poison' } } });
    await world.record(poison);
    await world.publish([poison, anEntry({ ...mailbox, uid: 2 }), anEntry({ ...mailbox, uid: 3 })]);
    await expect
      // Which of the two becomes the first ticket is open.
      .poll(async () => (await world.comments(mailbox.tenant)).toSorted(), { timeout: 20_000 })
      .toEqual(['<2@example.org>', '<3@example.org>']);
    const [pending] = await world.query('SELECT status FROM inbound_messages WHERE event_id = $1', [
      poison.event_id,
    ]);
    expect(pending).toEqual({ status: 'published' });
    expect(await letterOf(poison.event_id)).toMatchObject({ dlq_code: 'WORKER_FAILED', dlq_attempts: '5' });
    await world.settled();
    const [row] = await world.query<{ status: string; reason: string }>(
      'SELECT status, reason FROM inbound_messages WHERE event_id = $1',
      [poison.event_id],
    );
    expect(row?.status).toBe('dead_letter');
    expect(row?.reason).toContain('P0001');
    expect(row?.reason).not.toContain('poison');
    expect(
      await world.query('SELECT 1 FROM email_processed_messages WHERE event_id = $1', [poison.event_id]),
    ).toEqual([]);
    expect(await world.redis.hlen(`{${STREAM}}:attempts`)).toBe(0);

    // Replayed after the cause is gone: processed, and the dead letter's reason goes.
    await world.query('DROP TRIGGER refuse ON ticket_comments');
    await world.publish([poison]);
    await world.settled();
    expect(
      await world.query('SELECT status, reason FROM inbound_messages WHERE event_id = $1', [poison.event_id]),
    ).toEqual([{ status: 'processed', reason: null }]);
  });

  it('does not hold up others by its number and slowness', async () => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => world.newMailbox()));
    const neighbour = await world.newMailbox();
    await world.query(
      `CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF NEW.body_text = 'slow poison' THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END $$`,
    );
    await world.query(
      'CREATE TRIGGER dawdle BEFORE INSERT ON ticket_comments FOR EACH ROW EXECUTE FUNCTION dawdle()',
    );
    // Each takes its whole deadline and is ended by it; together they are more than there are slots.
    const email = { body: { text: 'slow poison' } };
    await world.publish(slow.map((mailbox) => anEntry({ ...mailbox, uid: 1, email })));
    for (let uid = 1; uid <= 100; uid += 1) await world.publish([anEntry({ ...neighbour, uid })]);
    await expect
      .poll(async () => (await world.comments(neighbour.tenant)).length, { timeout: 20_000 })
      .toBe(100);
    await world.query('DROP TRIGGER dawdle ON ticket_comments');
    for (const { tenant } of slow)
      await expect.poll(() => world.comments(tenant), { timeout: 30_000 }).toHaveLength(1);
    await world.settled();
  });
});
