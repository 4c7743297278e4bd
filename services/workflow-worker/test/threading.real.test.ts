/** Which mail finds which ticket, and which finds none: on the real database, one mail at a time. */
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { replyAddress, visibleMarker } from '@mailstream/shared/domain/reply-token';
import { describe, expect, it } from 'vitest';
import { anEntry } from './emails.ts';
import { useInbox } from './inbox-fixture.ts';
import { useWorld, type Mailbox } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const { receive, tickets, token, sent, defaults } = useInbox(world, db.url);

const jane = { email: 'jane@example.org', name: 'Jane' };
const mallory = { email: 'mallory@example.net' };

/** A mailbox with one ticket, opened by Jane with Message-ID <first@example.org>. */
async function withTicket(): Promise<Mailbox & { readonly ticketId: string }> {
  const mailbox = await world.newMailbox();
  const outcome = await receive(mailbox, { id: '<first@example.org>', from: jane, subject: 'Printer' });
  if (outcome.kind !== 'ticket') throw new Error(outcome.kind);
  return { ...mailbox, ticketId: outcome.ticketId };
}

describe('a reply of the requester', () => {
  it('finds its ticket by In-Reply-To, by References and by what a reply in between was called', async () => {
    const at = await withTicket();
    const { ticketId } = at;
    const comment = { kind: 'comment', ticketId };
    expect(await receive(at, { id: '<2@x>', inReplyTo: '<first@example.org>' })).toMatchObject(comment);
    expect(await receive(at, { id: '<3@x>', references: ['<?@x>', '<2@x>'] })).toMatchObject(comment);
    expect(
      await receive(at, { id: '<4@x>', from: { email: 'JANE@Example.org' }, inReplyTo: '<3@x>' }),
    ).toMatchObject(comment);
    await sent(at.tenant, ticketId, '<ours@example.com>');
    expect(await receive(at, { id: '<5@x>', references: ['<ours@example.com>'] })).toMatchObject(comment);
    expect(await tickets(at.tenant)).toMatchObject([{ comments: 5, attention: [], links: [] }]);
  });

  it('prefers the nearest message, and of equals the older ticket', async () => {
    const at = await withTicket();
    await receive(at, { id: '<other@x>' });
    expect(
      await receive(at, { references: ['<other@x>', '<first@example.org>'], id: '<a@x>' }),
    ).toMatchObject({ ticketId: at.ticketId });
    // The same Message-ID again, from the same sender: two mails, two tickets, and answers go to the older one.
    expect(await receive(at, { id: '<first@example.org>' })).toMatchObject({ kind: 'ticket' });
    expect(await receive(at, { inReplyTo: '<first@example.org>', id: '<b@x>' })).toMatchObject({
      ticketId: at.ticketId,
    });
  });

  it('finds its ticket by the number in the subject', async () => {
    const at = await withTicket();
    expect(await receive(at, { id: '<2@x>', subject: 'Re: [#1] Printer' })).toMatchObject({
      kind: 'comment',
      ticketId: at.ticketId,
    });
    expect(await receive(at, { id: '<3@x>', subject: 'Re: [#2] Printer' })).toMatchObject({ kind: 'ticket' });
  });

  it('finds its ticket by the token in the address, also in a header of the server, and in the body', async () => {
    const at = await withTicket();
    const secret = await token(at.tenant, at.ticketId, 'Jane@example.org');
    const address = replyAddress('support@example.com', secret) ?? '';
    const comment = { kind: 'comment', ticketId: at.ticketId };
    expect(await receive(at, { id: '<2@x>', to: [{ email: address.toUpperCase() }] })).toMatchObject(comment);
    expect(
      await receive(at, { id: '<3@x>', headers: [{ name: 'Delivered-To', value: address }] }),
    ).toMatchObject(comment);
    expect(
      await receive(at, { id: '<4@x>', body: { text: `Thanks\n> ${visibleMarker(secret)}` } }),
    ).toMatchObject(comment);
  });

  it('reopens a closed or waiting ticket within the time for it, and later opens one that follows it', async () => {
    const at = await withTicket();
    await defaults(at, { reopen_within_hours: 24 });
    const reply = { inReplyTo: '<first@example.org>' };
    const set = (columns: string) =>
      world.query(`UPDATE tickets SET ${columns} WHERE id = $1`, [at.ticketId]);
    await set(`status = 'pending'`);
    await receive(at, { ...reply, id: '<2@x>' });
    expect(await tickets(at.tenant)).toMatchObject([{ status: 'open' }]);
    await set(`status = 'closed', closed_at = now() - interval '23 hours'`);
    await receive(at, { ...reply, id: '<3@x>' });
    expect(await world.query('SELECT status, closed_at FROM tickets WHERE id = $1', [at.ticketId])).toEqual([
      { status: 'open', closed_at: null },
    ]);
    await set(`status = 'closed', closed_at = now() - interval '25 hours'`);
    await receive(at, { ...reply, id: '<4@x>' });
    await receive(at, { id: '<5@x>', inReplyTo: '<4@x>' });
    expect(await tickets(at.tenant)).toMatchObject([
      { number: 1, status: 'closed', comments: 3 },
      { number: 2, status: 'open', comments: 2, links: ['follows 1'], attention: [] },
    ]);
  });
});

describe('nobody gets into a ticket', () => {
  it('as a stranger who knows a Message-ID or the number: a new ticket, linked for agents, says so', async () => {
    const at = await withTicket();
    const known = { references: ['<first@example.org>'], subject: 'Re: [#1] Printer' };
    expect(await receive(at, { ...known, id: '<2@x>', from: mallory })).toMatchObject({ kind: 'ticket' });
    expect(await receive(at, { ...known, id: '<3@x>', from: { email: '' } })).toMatchObject({
      kind: 'ticket',
    });
    expect(await tickets(at.tenant)).toEqual([
      expect.objectContaining({ number: 1, comments: 1, participants: ['jane@example.org'], links: [] }),
      expect.objectContaining({
        number: 2,
        status: 'needs_attention',
        attention: ['possible_reply'],
        links: ['may_belong_to 1'],
        participants: ['mallory@example.net'],
      }),
      expect.objectContaining({
        number: 3,
        status: 'needs_attention',
        attention: ['possible_reply', 'sender_missing'],
        participants: [],
      }),
    ]);
  });

  it('by being named in To, Cc or Reply-To', async () => {
    const mailbox = await world.newMailbox();
    const named = [mallory];
    await receive(mailbox, { id: '<first@example.org>', from: jane, to: named, cc: named, replyTo: named });
    await receive(mailbox, { id: '<2@x>', inReplyTo: '<first@example.org>', from: jane, cc: named });
    expect(await receive(mailbox, { id: '<3@x>', inReplyTo: '<2@x>', from: mallory })).toMatchObject({
      kind: 'ticket',
    });
    expect(await tickets(mailbox.tenant)).toMatchObject([
      { participants: ['jane@example.org'], comments: 2 },
      { participants: ['mallory@example.net'], comments: 1 },
    ]);
  });

  it.each([
    ['made up', async () => 'a'.repeat(26)],
    ['that has expired', (at: Mailbox, id: string) => token(at.tenant, id, mallory.email, '-1 second')],
    ['made for somebody else', (at: Mailbox, id: string) => token(at.tenant, id, jane.email)],
  ] as const)('with a token %s', async (_name, make) => {
    const at = await withTicket();
    const secret = await make(at, at.ticketId);
    const to = [{ email: `support+${secret}@example.com` }];
    expect(await receive(at, { id: '<2@x>', from: mallory, to })).toMatchObject({ kind: 'ticket' });
    expect((await tickets(at.tenant))[0]).toMatchObject({ comments: 1, participants: ['jane@example.org'] });
  });

  it('of another tenant: neither by token, nor by Message-ID, nor by number', async () => {
    const at = await withTicket();
    const other = await withTicket();
    const secret = await token(at.tenant, at.ticketId, jane.email);
    const outcome = await receive(other, {
      id: '<2@x>',
      from: jane,
      to: [{ email: `support+${secret}@example.com` }],
    });
    expect(outcome).toMatchObject({ kind: 'ticket' });
    const own = await receive(other, { id: '<3@x>', from: jane, inReplyTo: '<first@example.org>' });
    expect(own).toMatchObject({ kind: 'comment', ticketId: other.ticketId });
    expect(await tickets(at.tenant)).toMatchObject([{ comments: 1, links: [] }]);
    expect(await tickets(other.tenant)).toMatchObject([{ comments: 2 }, { comments: 1, links: [] }]);
  });

  it('because he put its Message-IDs into a ticket of his own, or took one as his own', async () => {
    const at = await withTicket();
    await receive(at, { id: '<first@example.org>', from: mallory });
    await receive(at, { id: '<trap@x>', from: mallory, references: ['<first@example.org>', '<next@x>'] });
    expect(await receive(at, { id: '<next@x>', from: jane, inReplyTo: '<first@example.org>' })).toMatchObject(
      {
        kind: 'comment',
        ticketId: at.ticketId,
      },
    );
    expect((await tickets(at.tenant)).map(({ comments }) => comments)).toEqual([2, 2]);
  });
});

describe('a conversation whose first mail comes late', () => {
  it('is one ticket, however many replies came before it', async () => {
    const mailbox = await world.newMailbox();
    await receive(mailbox, { id: '<3@x>', references: ['<1@x>', '<2@x>'] });
    await receive(mailbox, { id: '<4@x>', references: ['<1@x>'] });
    await receive(mailbox, { id: '<1@x>' });
    await receive(mailbox, { id: '<2@x>', inReplyTo: '<1@x>' });
    // Somebody else's mail that a reply claims to answer stays his own.
    await receive(mailbox, { id: '<5@x>', references: ['<foreign@x>'] });
    await receive(mailbox, { id: '<foreign@x>', from: mallory });
    expect(await tickets(mailbox.tenant)).toMatchObject([
      { comments: 4 },
      { comments: 1 },
      { comments: 1, participants: ['mallory@example.net'] },
    ]);
  });
});

describe('answers of several people to something that we never got', () => {
  it('are tickets that have nothing to do with each other', async () => {
    const mailbox = await world.newMailbox();
    const answer = { references: ['<announcement@x>'] };
    await receive(mailbox, { ...answer, id: '<1@x>', from: jane });
    await receive(mailbox, { ...answer, id: '<2@x>', from: mallory });
    expect(await tickets(mailbox.tenant)).toMatchObject([
      { status: 'open', attention: [], links: [] },
      { status: 'open', attention: [], links: [] },
    ]);
  });
});

describe('a ticket that was merged', () => {
  it('passes on what points to it', async () => {
    const at = await withTicket();
    const other = await receive(at, { id: '<other@x>', from: jane });
    const { ticketId } = other as { ticketId: string };
    await world.query(`UPDATE tickets SET merged_into = $1, status = 'closed' WHERE id = $2`, [
      at.ticketId,
      ticketId,
    ]);
    const secret = await token(at.tenant, ticketId, jane.email);
    for (const email of [
      { subject: '[#2] again' },
      { inReplyTo: '<other@x>' },
      { to: [{ email: `support+${secret}@example.com` }] },
    ])
      expect(await receive(at, { ...email, id: `<${JSON.stringify(email).length}@x>` })).toMatchObject({
        kind: 'comment',
        ticketId: at.ticketId,
      });
  });
});

describe('automated mail', () => {
  const automatic = { headers: [{ name: 'Auto-Submitted', value: 'auto-replied' }], autoSubmitted: true };

  it('is recorded in its ticket, but reopens nothing and asks for no answer', async () => {
    const at = await withTicket();
    await world.query(
      `UPDATE tickets SET status = 'closed', closed_at = now() - interval '1 year' WHERE id = $1`,
      [at.ticketId],
    );
    expect(await receive(at, { ...automatic, id: '<2@x>', inReplyTo: '<first@example.org>' })).toMatchObject({
      kind: 'comment',
    });
    expect(await tickets(at.tenant)).toMatchObject([{ status: 'closed', comments: 2, attention: [] }]);
    expect(
      await world.query(
        `SELECT author_kind, automated_kind, is_answerable FROM ticket_comments WHERE ticket_id = $1 ORDER BY created_at`,
        [at.ticketId],
      ),
    ).toEqual([
      { author_kind: 'contact', automated_kind: null, is_answerable: true },
      { author_kind: 'automated', automated_kind: 'autoReply', is_answerable: false },
    ]);
  });

  it('that belongs nowhere is on record: answers of machines as closed, what reports something as work', async () => {
    const mailbox = await world.newMailbox();
    await receive(mailbox, { ...automatic, id: '<1@x>' });
    const alert = { headers: [{ name: 'Auto-Submitted', value: 'auto-generated' }] };
    await receive(mailbox, { ...alert, id: '<2@x>', from: { email: 'alerts@monitoring.example' } });
    expect(await tickets(mailbox.tenant)).toMatchObject([{ status: 'closed' }, { status: 'open' }]);
    expect(await world.query('SELECT 1 FROM contacts WHERE tenant = $1', [mailbox.tenant])).toEqual([]);
  });

  it('of our own, sent by this or another mailbox of the tenant, is on record and starts nothing', async () => {
    const at = await withTicket();
    const second = await world.newMailbox(at.tenant);
    for (const [id, from] of [
      ['<2@x>', `${at.providerId}@example.com`],
      ['<3@x>', `${second.providerId.toUpperCase()}@example.com`],
    ] as const)
      await receive(at, { id, from: { email: from }, inReplyTo: '<first@example.org>' });
    expect(await tickets(at.tenant)).toMatchObject([
      { status: 'open', comments: 1 },
      { status: 'closed', attention: [] },
      { status: 'closed', attention: [] },
    ]);
  });

  it('that reports a failed delivery comes to the ticket of the mail that failed, if we sent it', async () => {
    const at = await withTicket();
    await sent(at.tenant, at.ticketId, '<ours@example.com>');
    const report = (id: string, about: string) => ({
      id,
      from: { email: 'mailer-daemon@mx.example.net' },
      subject: 'Undelivered Mail Returned to Sender',
      headers: [
        { name: 'Return-Path', value: '<>' },
        { name: 'Content-Type', value: 'multipart/report; report-type=delivery-status; boundary=x' },
      ],
      body: {
        text: `Original-Message-ID: ${about}\nFinal-Recipient: rfc822; jane@example.org\nAction: failed\nStatus: 5.1.1\n`,
      },
    });
    expect(await receive(at, report('<b1@x>', '<ours@example.com>'))).toMatchObject({
      kind: 'comment',
      ticketId: at.ticketId,
    });
    // Not one that we sent: what a customer's mail was called proves nothing.
    expect(await receive(at, report('<b2@x>', '<first@example.org>'))).toMatchObject({ kind: 'ticket' });
    expect(await tickets(at.tenant)).toMatchObject([
      { status: 'open', comments: 2, attention: ['bounce'] },
      { status: 'needs_attention', attention: ['bounce'] },
    ]);
  });

  it('and people too are held back when a ticket gets more within the hour than it may', async () => {
    const at = await withTicket();
    await defaults({ tenant: at.tenant, providerId: null }, { max_messages_per_hour: 3 });
    const close = () =>
      world.query(`UPDATE tickets SET status = 'closed', closed_at = now() WHERE id = $1`, [at.ticketId]);
    for (const id of ['<2@x>', '<3@x>']) await receive(at, { id, inReplyTo: '<first@example.org>' });
    await close();
    await receive(at, { id: '<4@x>', inReplyTo: '<first@example.org>' });
    expect(await tickets(at.tenant)).toMatchObject([
      { status: 'closed', comments: 4, attention: ['message_flood'] },
    ]);
    await world.query(
      `UPDATE ticket_comments SET created_at = created_at - interval '1 hour' WHERE ticket_id = $1`,
      [at.ticketId],
    );
    await receive(at, { id: '<5@x>', inReplyTo: '<first@example.org>' });
    expect(await tickets(at.tenant)).toMatchObject([{ status: 'open', comments: 5 }]);
  });
});

describe('a reply that comes before what it answers', () => {
  const pending = async (at: Mailbox, sender: string): Promise<void> =>
    world.record(anEntry({ ...at, uid: 7, email: { id: '<parent@x>', from: { email: sender } } }));
  const reply = { id: '<reply@x>', from: jane, inReplyTo: '<parent@x>' };

  it('waits for its own sender’s mail', async () => {
    const at = await world.newMailbox();
    await pending(at, 'Jane@Example.org');
    expect(await receive(at, reply, true)).toEqual({ kind: 'parentPending' });
    expect(await receive(at, reply, false)).toMatchObject({ kind: 'ticket' });
  });

  it('does not wait for somebody else’s: nobody can hold up the mail of another', async () => {
    const at = await world.newMailbox();
    await pending(at, mallory.email);
    expect(await receive(at, reply, true)).toMatchObject({ kind: 'ticket' });
  });
});

describe('a From that is not proven', () => {
  const results = (text: string) => ({
    authentication: [text],
    headers: [{ name: 'Authentication-Results', value: text }],
  });
  const passed = results('mx.example.com; dmarc=pass header.from=example.org');
  const reply = { inReplyTo: '<first@example.org>', from: jane };

  async function withServer(): Promise<Awaited<ReturnType<typeof withTicket>>> {
    const at = await withTicket();
    await defaults(at, { authserv_ids: ['mx.example.com'] });
    return at;
  }

  it('gets into a ticket where the own server verified it, and nowhere else', async () => {
    const at = await withServer();
    expect(await receive(at, { ...reply, ...passed, id: '<2@x>' })).toMatchObject({ kind: 'comment' });
    for (const [id, forged] of Object.entries({
      '<none@x>': {},
      '<other@x>': results('mx.mallory.example; dmarc=pass header.from=example.org'),
      '<unaligned@x>': results('mx.example.com; dkim=pass header.d=mallory.example'),
      '<failed@x>': results('mx.example.com; dmarc=fail header.from=example.org'),
      '<below@x>': {
        authentication: ['mx.example.com; dmarc=none', 'mx.example.com; dmarc=pass header.from=example.org'],
      },
    }))
      expect.soft(await receive(at, { ...reply, ...forged, id }), id).toMatchObject({ kind: 'ticket' });
    expect(await tickets(at.tenant)).toEqual([
      expect.objectContaining({ number: 1, comments: 2 }),
      ...Array.from({ length: 5 }, () =>
        expect.objectContaining({
          status: 'needs_attention',
          attention: ['possible_reply', 'sender_unverified'],
          links: ['may_belong_to 1'],
        }),
      ),
    ]);
  });

  it('gets in with a token that was made for it', async () => {
    const at = await withServer();
    const secret = await token(at.tenant, at.ticketId, jane.email);
    const to = [{ email: `support+${secret}@example.com` }];
    expect(await receive(at, { id: '<2@x>', from: jane, to })).toMatchObject({ kind: 'comment' });
  });

  it('is believed where the server says nothing, unless the tenant asks for more or somebody says that it is forged', async () => {
    const at = await withTicket();
    expect(await receive(at, { ...reply, id: '<2@x>' })).toMatchObject({ kind: 'comment' });
    const failed = results('mx.somewhere.example; dmarc=fail header.from=example.org');
    expect(await receive(at, { ...reply, ...failed, id: '<3@x>' })).toMatchObject({ kind: 'ticket' });
    await defaults(at, { require_verified_sender: true });
    expect(await receive(at, { ...reply, id: '<4@x>' })).toMatchObject({ kind: 'ticket' });
    expect(await tickets(at.tenant)).toMatchObject([
      { comments: 2 },
      { attention: ['possible_reply', 'sender_unverified'] },
      { attention: ['possible_reply', 'sender_unverified'] },
    ]);
    expect(
      await world.query(
        `SELECT sender_check, author_kind FROM ticket_comments WHERE tenant = $1 ORDER BY created_at`,
        [at.tenant],
      ),
    ).toEqual([
      { sender_check: 'unknown', author_kind: 'contact' },
      { sender_check: 'unknown', author_kind: 'contact' },
      { sender_check: 'failed', author_kind: 'unknown' },
      { sender_check: 'unknown', author_kind: 'contact' },
    ]);
  });

  it('makes an agent of nobody: only a verified address of a user does, and that one may write into any ticket', async () => {
    const at = await withServer();
    await world.query(
      `INSERT INTO users (tenant, id, email, display_name, role) VALUES ($1, gen_random_uuid(), 'Agent@Example.org', 'A', 'admin')`,
      [at.tenant],
    );
    const agent = { from: { email: 'agent@example.org' }, inReplyTo: '<first@example.org>' };
    await world.query(`UPDATE tickets SET status = 'pending' WHERE id = $1`, [at.ticketId]);
    expect(await receive(at, { ...agent, ...passed, id: '<2@x>' })).toMatchObject({ kind: 'comment' });
    expect(await receive(at, { ...agent, id: '<3@x>' })).toMatchObject({ kind: 'ticket' });
    expect(await receive(at, { ...agent, id: '<4@x>', inReplyTo: '<nothing@x>' })).toMatchObject({
      kind: 'ticket',
    });
    expect(await tickets(at.tenant)).toMatchObject([
      { status: 'pending', comments: 2, attention: [] },
      { attention: ['possible_reply', 'sender_unverified'] },
      { attention: ['sender_unverified'] },
    ]);
    expect(
      await world.query(
        `SELECT author_kind, user_id IS NOT NULL AS known, is_answerable FROM ticket_comments WHERE tenant = $1 ORDER BY created_at`,
        [at.tenant],
      ),
    ).toEqual([
      { author_kind: 'contact', known: false, is_answerable: true },
      { author_kind: 'agent', known: true, is_answerable: false },
      { author_kind: 'unknown', known: false, is_answerable: false },
      { author_kind: 'unknown', known: false, is_answerable: false },
    ]);
  });
});
