/** What the look-up costs, and that it works behind a pooler: on real servers, without a worker. */
import { createPreparedStatements } from '@mailstream/shared/db/prepared-statements';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { createDatabase } from '@mailstream/shared/db/database';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { usePooler } from '@mailstream/shared/testing/pooler';
import { afterAll, describe, expect, it } from 'vitest';
import { lookUp, type Known } from '../src/adapters/pg-inbox-lookup.ts';
import { NO_VERDICT } from '../src/core/rule-verdict.ts';
import { readMail } from '../src/core/incoming-mail.ts';
import { message, useInbox } from './inbox-fixture.ts';
import { useWorld } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const pooler = await usePooler([db.url]);
const database = createDatabase({ url: db.url, applicationName: 'lookup-test', poolMax: 1 });
afterAll(() => database.close());

it('reads a handful of rows, however many tickets and waiting messages a tenant has that nobody has counted', async () => {
  const mailbox = await world.newMailbox();
  for (const table of ['tickets', 'ticket_message_ids', 'inbound_messages'])
    await world.query(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
  await world.query(
    `INSERT INTO tickets (tenant, id, number, subject, requester_email)
     SELECT $1, gen_random_uuid(), n, 'x', 'jane@example.org' FROM generate_series(1, 500) AS n`,
    [mailbox.tenant],
  );
  await world.query(
    `INSERT INTO inbound_messages (tenant, provider_id, folder, uid_validity, uid, publish_seq, event_id, message_id, size, sender, status)
     SELECT $1, $2, 'INBOX', 1, n, n, gen_random_uuid(), '<' || n || '@waiting.example>', 1, 'somebody@example.org', 'published'
       FROM generate_series(1, 500) AS n`,
    [mailbox.tenant, mailbox.providerId],
  );
  const statements = createPreparedStatements();
  const look = async (email: Partial<EmailData>): Promise<{ known: Known; read: number }> => {
    const incoming = message({ ...mailbox, uid: 1, email });
    return await database.withTenant(
      incoming.tenant,
      async (trx, link) => {
        const known = await lookUp({ trx, link, statements }, incoming, readMail(incoming.email), NO_VERDICT);
        const { rows } = await trx.raw<{ rows: { read: number }[] }>(
          `SELECT sum(seq_tup_read + idx_tup_fetch)::int AS read FROM pg_stat_xact_user_tables
            WHERE relname IN ('tickets', 'ticket_message_ids', 'inbound_messages')`,
        );
        return { known, read: rows[0]?.read ?? Infinity };
      },
      { keepsPlans: true },
    );
  };
  for (let run = 0; run < 7; run += 1) expect((await look({})).read).toBeLessThan(5);
  // Where a mail leads somewhere the planner has to know that there is more than one way.
  await world.query('ANALYZE');
  const { known, read } = await look({ inReplyTo: '<7@waiting.example>', subject: 'Re: [#7] Printer' });
  expect(known).toMatchObject({ isParentPending: false, candidates: [{ evidence: 'subject' }] });
  expect(read).toBeLessThan(20);
});

it('is planned once for each connection', async () => {
  const mailbox = await world.newMailbox();
  const incoming = message({ ...mailbox, uid: 1 });
  const statements = createPreparedStatements();
  const count = async (): Promise<number> =>
    database.withTenant(
      incoming.tenant,
      async (trx, link) => {
        await lookUp({ trx, link, statements }, incoming, readMail(incoming.email), NO_VERDICT);
        const { rows } = await trx.raw<{ rows: { plans: number }[] }>(
          `SELECT (generic_plans + custom_plans)::int AS plans FROM pg_prepared_statements WHERE custom_plans = 0`,
        );
        return rows[0]?.plans ?? 0;
      },
      { keepsPlans: true },
    );
  const first = await count();
  expect([await count(), await count()]).toEqual([first + 1, first + 2]);
});

describe.skipIf(pooler === null)('behind a pooler that knows no prepared statements', () => {
  const inbox = useInbox(world, pooler?.through(db.url) ?? db.url);

  it('every mail has its effect all the same, the first ones too', async () => {
    const mailbox = await world.newMailbox();
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        inbox.receive(mailbox, {
          id: `<${index}@example.org>`,
          from: { email: `person${index}@example.org` },
          ...(index % 3 === 2 ? { inReplyTo: `<${index - 1}@example.org>` } : {}),
        }),
      ),
    );
    expect(outcomes.filter(({ kind }) => kind === 'ticket' || kind === 'comment')).toHaveLength(30);
    expect(await world.comments(mailbox.tenant)).toHaveLength(30);
  });
});
