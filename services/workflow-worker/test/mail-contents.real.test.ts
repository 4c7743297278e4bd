/** What becomes of a mail's sender and contents: contact, client, defaults, bodies, images, and things too large. */
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { describe, expect, it } from 'vitest';
import { useInbox } from './inbox-fixture.ts';
import { useWorld, type Mailbox } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const { receive, tickets, defaults } = useInbox(world, db.url);

const jane = { email: 'jane@example.org', name: 'Jane' };

/** A mailbox with one ticket, opened by Jane with Message-ID <first@example.org>. */
async function withTicket(): Promise<Mailbox & { readonly ticketId: string }> {
  const mailbox = await world.newMailbox();
  const outcome = await receive(mailbox, { id: '<first@example.org>', from: jane, subject: 'Printer' });
  if (outcome.kind !== 'ticket') throw new Error(outcome.kind);
  return { ...mailbox, ticketId: outcome.ticketId };
}

describe('contact and client', () => {
  it('are found by address, else by domain, else by the defaults; a tenant with clients looks at the rest', async () => {
    const mailbox = await world.newMailbox();
    const { tenant } = mailbox;
    const [acme, globex, gone] = [
      'a0000000-0000-4000-8000-000000000001',
      'a0000000-0000-4000-8000-000000000002',
      'a0000000-0000-4000-8000-000000000003',
    ];
    await world.query(
      `INSERT INTO clients (tenant, id, name, is_active) VALUES ($1, $2, 'Acme', true), ($1, $3, 'Globex', true), ($1, $4, 'Gone', false)`,
      [tenant, acme, globex, gone],
    );
    await world.query(
      `INSERT INTO client_domains (tenant, domain, client_id) VALUES ($1, 'acme.example', $2), ($1, 'gone.example', $3)`,
      [tenant, acme, gone],
    );
    await world.query(
      `INSERT INTO contacts (tenant, id, email, client_id) VALUES ($1, gen_random_uuid(), 'ann@acme.example', $2)`,
      [tenant, globex],
    );
    const from = async (email: string, id: string): Promise<void> => {
      await receive(mailbox, { id, from: { email } });
    };
    await from('Ann@Acme.example', '<1@x>');
    await from('bob@ACME.example', '<2@x>');
    await from('bob@acme.example', '<3@x>');
    await from('eve@elsewhere.example', '<4@x>');
    await from('joe@gone.example', '<5@x>');
    await defaults({ tenant, providerId: null }, { client_id: globex });
    await from('eve@elsewhere.example', '<6@x>');
    expect(
      await world.query(
        `SELECT c.name AS client, o.email AS contact, t.status FROM tickets t LEFT JOIN clients c ON c.id = t.client_id
           LEFT JOIN contacts o ON o.id = t.contact_id WHERE t.tenant = $1 ORDER BY t.number`,
        [tenant],
      ),
    ).toEqual([
      { client: 'Globex', contact: 'ann@acme.example', status: 'open' },
      { client: 'Acme', contact: 'bob@acme.example', status: 'open' },
      { client: 'Acme', contact: 'bob@acme.example', status: 'open' },
      { client: null, contact: 'eve@elsewhere.example', status: 'needs_attention' },
      { client: null, contact: 'joe@gone.example', status: 'needs_attention' },
      { client: 'Globex', contact: 'eve@elsewhere.example', status: 'open' },
    ]);
    expect((await tickets(tenant))[3]?.attention).toEqual(['client_unknown']);
  });

  it('take priority, queue and tags from the mailbox, and from the tenant where the mailbox has no defaults', async () => {
    const one = await world.newMailbox();
    const two = await world.newMailbox(one.tenant);
    await defaults(one, { priority: 'high', queue: 'printers', tags: ['hardware', 'vip'] });
    await defaults({ tenant: one.tenant, providerId: null }, { priority: 'low' });
    await receive(one, { id: '<1@x>' });
    await receive(two, { id: '<2@x>' });
    expect(
      await world.query(
        `SELECT priority, queue, ARRAY(SELECT tag FROM ticket_tags g WHERE g.ticket_id = t.id ORDER BY 1) AS tags
           FROM tickets t WHERE tenant = $1 ORDER BY number`,
        [one.tenant],
      ),
    ).toEqual([
      { priority: 'high', queue: 'printers', tags: ['hardware', 'vip'] },
      { priority: 'low', queue: null, tags: [] },
    ]);
  });
});

describe('what is kept of a mail', () => {
  it('is the new part for reading, and the whole', async () => {
    const at = await withTicket();
    const text =
      'It still burns.\n\nOn Mon, 2 Nov 2026 at 10:00, Support <support@example.com> wrote:\n> Does it burn?\n';
    await receive(at, {
      id: '<2@x>',
      inReplyTo: '<first@example.org>',
      body: {
        text,
        html: '<p>It still burns. <img src="cid:i@x"></p><blockquote type="cite">Does it burn? <img src="cid:q@x"></blockquote>',
      },
      attachments: ['i', 'q'].map((name) => ({
        id: name,
        name,
        contentType: 'image/png',
        size: 1,
        sha256: 'ab',
        storageKey: 'k',
        contentId: `${name}@x`,
      })),
    });
    const [row] = await world.query<Record<string, string>>(
      `SELECT body_text, reply_text, quoted_text, body_html, reply_html FROM ticket_comments
        WHERE ticket_id = $1 AND matched_by = 'reference'`,
      [at.ticketId],
    );
    expect(row?.['body_text']).toBe(text);
    expect(row?.['reply_text']?.trim()).toBe('It still burns.');
    expect(row?.['quoted_text']).toContain('> Does it burn?');
    expect(row?.['body_html']).toMatch(/attachment:.*blockquote.*attachment:/s);
    expect(row?.['reply_html']).toMatch(/^<p>It still burns\. <img src="attachment:[0-9a-f-]{36}"><\/p>/);
    expect(row?.['reply_html']).not.toContain('Does it burn');
  });

  it('is all of it: the whole text, HTML with its inline images, attachments, where the original is', async () => {
    const mailbox = await world.newMailbox();
    const image = { contentType: 'image/png', size: 5, sha256: 'ab', storageKey: 'k/ab' };
    await receive(mailbox, {
      id: '<1@x>',
      body: {
        text: 'See the logo',
        html: '<img src="cid:logo@x"><img src="cid:other@x">',
        textStorageKey: 'k/text',
      },
      attachments: [
        { ...image, id: '2', name: 'logo.png', contentId: '<logo@x>' },
        { ...image, id: '3', name: 'plain.png' },
      ],
    });
    const [row] = await world.query<{ html: string; logo: string }>(
      `SELECT body_html AS html, (SELECT id FROM ticket_attachments WHERE tenant = $1 AND name = 'logo.png' AND is_inline) AS logo,
              body_text, reply_text, quoted_text, raw_storage_key, text_storage_key
         FROM ticket_comments WHERE tenant = $1`,
      [mailbox.tenant],
    );
    expect(row).toMatchObject({
      html: `<img src="attachment:${row?.logo}"><img src="cid:other@x">`,
      body_text: 'See the logo',
      reply_text: null,
      quoted_text: null,
      raw_storage_key: 'raw',
      text_storage_key: 'k/text',
    });
    expect(
      await world.query(`SELECT name FROM ticket_attachments WHERE tenant = $1 AND NOT is_inline`, [
        mailbox.tenant,
      ]),
    ).toEqual([{ name: 'plain.png' }]);
  });
});

describe('a mail that is out of all proportion', () => {
  it('finds its place all the same: long ids and addresses, a flood of references and recipients', async () => {
    const mailbox = await world.newMailbox();
    const long = (seed: number, length: number) =>
      Array.from({ length }, (_, index) => ((index * 7919 + seed * 104_729) % 36).toString(36)).join('');
    const huge = {
      id: `<${long(1, 5_000)}@example.org>`,
      from: { email: `${long(2, 5_000)}@example.org`, name: long(3, 20_000) },
      subject: long(4, 20_000),
      references: Array.from({ length: 5_000 }, (_, index) => `<${long(index, 900)}@x>`),
      to: Array.from({ length: 1_000 }, (_, index) => ({ email: `${index}+${'a'.repeat(26)}@example.com` })),
    };
    expect(await receive(mailbox, huge)).toMatchObject({ kind: 'ticket', number: 1 });
    expect(await receive(mailbox, { ...huge, from: jane, id: `<${long(5, 5_000)}@x>` })).toMatchObject({
      kind: 'ticket',
    });
    expect(
      await receive(mailbox, { id: '<2@x>', from: jane, inReplyTo: `<${long(4_999, 900)}@x>` }),
    ).toMatchObject({
      kind: 'comment',
    });
    expect(await tickets(mailbox.tenant)).toMatchObject([
      { attention: ['sender_missing'], participants: [] },
      { attention: [], participants: ['jane@example.org'], comments: 2 },
    ]);
  });
});
