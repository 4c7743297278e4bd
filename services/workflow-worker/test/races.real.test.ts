import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { openTcpLink, throughLink } from '@mailstream/shared/testing/tcp-link';
import pg from 'pg';
import { afterAll, expect, it } from 'vitest';
import { anEntry } from './emails.ts';
import { message, useInbox } from './inbox-fixture.ts';
import { useWorld } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const { hostname, port } = new URL(db.url);
const toDatabase = await openTcpLink({ host: hostname, port: Number(port) });
const { inbox, receive, tickets } = useInbox(world, throughLink(db.url, toDatabase));

afterAll(() => toDatabase.close());

it('never lets a reply miss the ticket of a message that is processed at the same time', async () => {
  const mailbox = await world.newMailbox();
  for (let round = 0; round < 60; round += 1) {
    const uid = 2 * round + 1;
    await world.record(anEntry({ ...mailbox, uid }));
    const reply = message({ ...mailbox, uid: uid + 1, email: { inReplyTo: `<${uid}@example.org>` } });
    // The reply is tried again and again while the first commits, to hit the moment between its statements.
    const first = inbox.apply(message({ ...mailbox, uid }), { waitForParents: true });
    let outcome = await inbox.apply(reply, { waitForParents: true });
    while (outcome.kind === 'parentPending') outcome = await inbox.apply(reply, { waitForParents: true });
    expect(await first).toMatchObject({ kind: 'ticket', number: round + 1 });
    expect(outcome.kind).toBe('comment');
  }
});

it('makes one ticket of a conversation whose mails are all processed at the same time, the first of them too or never', async () => {
  const mailbox = await world.newMailbox();
  for (let round = 0; round < 20; round += 1) {
    const root = `<root${round}@x>`;
    const mails = Array.from({ length: 6 }, (_, index) => ({
      id: `<${index}.${round}@x>`,
      references: [root],
    }));
    const all = round % 2 === 0 ? mails : [{ id: root }, ...mails];
    const outcomes = await Promise.all(all.map((email) => receive(mailbox, email)));
    expect(outcomes.filter(({ kind }) => kind === 'ticket')).toHaveLength(1);
    expect(new Set(outcomes.map((outcome) => 'ticketId' in outcome && outcome.ticketId)).size).toBe(1);
  }
});

it('makes one effect of an event that is applied many times at once', async () => {
  const mailbox = await world.newMailbox();
  for (let uid = 1; uid <= 10; uid += 1) {
    const one = message({ ...mailbox, uid });
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => inbox.apply(one, { waitForParents: false })),
    );
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual([
      ...Array<string>(7).fill('duplicate'),
      'ticket',
    ]);
  }
});

it('gives numbers without gaps or doubles to tickets that are opened at once, also by people who were not known', async () => {
  const mailbox = await world.newMailbox();
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      receive(mailbox, { id: `<${index}@x>`, from: { email: `new${index % 5}@example.org` } }),
    ),
  );
  const numbers = outcomes.map((outcome) => (outcome.kind === 'ticket' ? outcome.number : 0));
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  expect(await world.query('SELECT 1 FROM contacts WHERE tenant = $1', [mailbox.tenant])).toHaveLength(5);
});

it('puts a reply where it belongs when an agent closes, merges and reopens its ticket meanwhile', async () => {
  const mailbox = await world.newMailbox();
  await receive(mailbox, { id: '<home@x>' });
  const [home] = await tickets(mailbox.tenant);
  for (let round = 0; round < 10; round += 1) {
    const opened = await receive(mailbox, { id: `<first${round}@x>` });
    const ticketId = 'ticketId' in opened ? opened.ticketId : '';
    const replies = Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        receive(mailbox, { id: `<${index}.${round}@x>`, inReplyTo: `<first${round}@x>` }),
      ),
    );
    await world.query(`UPDATE tickets SET status = 'closed', closed_at = now() WHERE id = $1`, [ticketId]);
    await world.query(`UPDATE tickets SET merged_into = $2 WHERE id = $1`, [ticketId, home?.id]);
    for (const outcome of await replies) expect(outcome.kind).toBe('comment');
    const late = await receive(mailbox, { id: `<late.${round}@x>`, inReplyTo: `<first${round}@x>` });
    expect(late).toMatchObject({ kind: 'comment', ticketId: home?.id });
  }
});

it.each([
  ['is closed', `status = 'closed', closed_at = now()`, 'open'],
  [
    'is merged into another one',
    `merged_into = (SELECT id FROM tickets WHERE number = 1 AND tenant = t.tenant)`,
    'open',
  ],
  ['is dealt with', `status = 'closed', closed_at = now()`, 'needs_attention'],
] as const)(
  'decides anew when its ticket %s between the look-up and the effect',
  async (_, change, before) => {
    const mailbox = await world.newMailbox();
    await receive(mailbox, { id: '<home@x>' });
    const opened = await receive(mailbox, { id: '<first@x>' });
    const ticketId = 'ticketId' in opened ? opened.ticketId : '';
    await world.query('UPDATE tickets SET status = $2 WHERE id = $1', [ticketId, before]);
    const agent = new pg.Client({ connectionString: db.ownerUrl });
    await agent.connect();
    try {
      await agent.query('BEGIN');
      await agent.query(`UPDATE tickets t SET ${change} WHERE id = $1`, [ticketId]);
      const reply = receive(mailbox, { id: '<2@x>', inReplyTo: '<first@x>' });
      // It has seen the ticket as it was, and waits for the agent's row.
      await expect
        .poll(
          () =>
            world.query(
              `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE tickets t%'`,
            ),
          { timeout: 20_000, interval: 20 },
        )
        .toHaveLength(1);
      await agent.query('COMMIT');
      expect((await reply).kind).toBe('comment');
    } finally {
      await agent.end();
    }
    const rows = await world.query<{ status: string; message_id: string }>(
      `SELECT t.status, c.message_id FROM ticket_comments c JOIN tickets t ON t.tenant = c.tenant AND t.id = c.ticket_id
      WHERE c.tenant = $1 AND c.message_id = '<2@x>'`,
      [mailbox.tenant],
    );
    // A customer's mail opens what was closed, whatever it was before.
    expect(rows).toEqual([{ status: 'open', message_id: '<2@x>' }]);
  },
);

it('needs four round trips for a mail, BEGIN and COMMIT among them', async () => {
  const mailbox = await world.newMailbox();
  await receive(mailbox, { id: '<1@x>' });
  let trips = 0;
  toDatabase.intercept(() => {
    trips += 1;
    return 'pass';
  });
  await receive(mailbox, { id: '<2@x>', from: { email: 'somebody.new@example.org' } });
  expect(trips).toBe(4);
  await receive(mailbox, { id: '<3@x>', inReplyTo: '<1@x>' });
  expect(trips).toBe(8);
  toDatabase.intercept(null);
});

it('changes nothing for an event of a provider that another tenant has', async () => {
  const mine = await world.newMailbox();
  const theirs = await world.newMailbox();
  const forged = {
    ...message({ ...theirs, uid: 1 }),
    tenant: tenantId(mine.tenant),
    providerId: providerId(theirs.providerId),
  };
  expect(await inbox.apply(forged, { waitForParents: true })).toMatchObject({
    kind: 'rejected',
    code: 'PROVIDER_UNKNOWN',
  });
  for (const { tenant } of [mine, theirs]) expect(await world.comments(tenant)).toEqual([]);
});
