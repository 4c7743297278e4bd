/** 006 on a database with tickets of the schema before it: conversations that are under way go on. */
import { randomUUID } from 'node:crypto';
import knexFactory from 'knex';
import pg from 'pg';
import { expect, it } from 'vitest';
import { useEmptyDatabase } from '@mailstream/shared/testing/fixtures';
import * as conversations from '../src/006-conversations.ts';

const empty = await useEmptyDatabase();

/** As it was before 006. */
async function olderSchema(url: string): Promise<void> {
  const knex = knexFactory({ client: 'pg', connection: url });
  try {
    const older = await Promise.all([
      import('../src/001-tenants-and-accounts.ts'),
      import('../src/002-email-providers.ts'),
      import('../src/003-ledger.ts'),
      import('../src/004-tickets.ts'),
      import('../src/005-folder-status.ts'),
    ]);
    for (const { up } of older) await knex.transaction(up);
  } finally {
    await knex.destroy();
  }
}

it('gives older tickets their participants, contacts, message ids and time of closing', async () => {
  await olderSchema(empty.ownerUrl);
  const client = new pg.Client({ connectionString: empty.ownerUrl });
  await client.connect();
  try {
    const [tenant, ticket, closed, nobody] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    await client.query(`INSERT INTO tenants (tenant, name) VALUES ($1, 'old')`, [tenant]);
    await client.query(
      `INSERT INTO tickets (tenant, id, number, subject, status, requester_email, requester_name) VALUES
         ($1, $2, 1, 'a', 'open', 'Jane@Example.org', 'Jane'), ($1, $3, 2, 'b', 'closed', 'jane@example.org', NULL),
         ($1, $4, 3, 'c', 'open', '', NULL)`,
      [tenant, ticket, closed, nobody],
    );
    // Twice the same id in one ticket, and one that is longer than an index row may be.
    const long = `<${'x'.repeat(600)}@example.org>`;
    for (const [id, messageId] of [
      [ticket, '<m@example.org>'],
      [ticket, '<m@example.org>'],
      [closed, long],
      [nobody, null],
    ])
      await client.query(
        `INSERT INTO ticket_comments (tenant, id, ticket_id, message_id, author_email, body_text) VALUES ($1, $2, $3, $4, 'x', 'y')`,
        [tenant, randomUUID(), id, messageId],
      );
    const knex = knexFactory({ client: 'pg', connection: empty.ownerUrl });
    await knex.transaction(conversations.up).finally(() => knex.destroy());

    const rows = async (sql: string): Promise<readonly unknown[]> =>
      (await client.query({ text: sql, rowMode: 'array' })).rows as unknown[];
    expect(await rows('SELECT email, name FROM contacts')).toHaveLength(1);
    expect(
      await rows(
        `SELECT t.number::int, t.closed_at IS NOT NULL, c.email, p.email, p.source, t.priority FROM tickets t
           LEFT JOIN contacts c ON c.id = t.contact_id LEFT JOIN ticket_participants p ON p.ticket_id = t.id ORDER BY 1`,
      ),
    ).toEqual([
      [1, false, 'jane@example.org', 'jane@example.org', 'requester', 'normal'],
      [2, true, 'jane@example.org', 'jane@example.org', 'requester', 'normal'],
      [3, false, null, null, null, 'normal'],
    ]);
    expect(
      await rows(
        `SELECT t.number::int, i.kind, encode(i.id_hash, 'hex') = encode(sha256('<m@example.org>'), 'hex')
           FROM ticket_message_ids i JOIN tickets t ON t.id = i.ticket_id ORDER BY 1`,
      ),
    ).toEqual([
      [1, 'received', true],
      [2, 'received', false],
    ]);
    expect(
      await rows(
        `SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity AND relkind = 'r'`,
      ),
    ).toEqual([]);
  } finally {
    await client.end();
  }
});
