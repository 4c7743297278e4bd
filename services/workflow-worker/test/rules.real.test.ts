/** What the rules of a tenant make of its mail, on a real database. */
import { randomUUID } from 'node:crypto';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { openTcpLink, throughLink } from '@mailstream/shared/testing/tcp-link';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { anEntry } from './emails.ts';
import { message, useInbox } from './inbox-fixture.ts';
import { skip, subjectHas, tag, useRules } from './rules-fixture.ts';
import { useWorld, type Mailbox } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const { hostname, port } = new URL(db.url);
const toDatabase = await openTcpLink({ host: hostname, port: Number(port) });
const { inbox, receive, tickets, defaults, sent } = useInbox(world, throughLink(db.url, toDatabase));
const rules = useRules(world);

afterAll(() => toDatabase.close());

interface Placed {
  readonly status: string;
  readonly priority: string;
  readonly queue: string | null;
  readonly client_id: string | null;
  readonly tags: readonly string[];
}

const placed = (tenant: string): Promise<readonly Placed[]> =>
  world.query<Placed & Record<string, unknown>>(
    `SELECT status, priority, queue, client_id,
            ARRAY(SELECT tag FROM ticket_tags g WHERE g.ticket_id = t.id ORDER BY 1) AS tags
       FROM tickets t WHERE tenant = $1 ORDER BY number`,
    [tenant],
  );

async function newClient(tenant: string, isActive = true): Promise<string> {
  const id = randomUUID();
  await world.query('INSERT INTO clients (tenant, id, name, is_active) VALUES ($1, $2, $3, $4)', [
    ...[tenant, id, 'Acme', isActive],
  ]);
  return id;
}

const attachment = {
  ...{ id: '2', name: 'Invoice 7.PDF', contentType: 'application/pdf' },
  ...{ size: 9, sha256: 'ab', storageKey: 'k/ab' },
};

describe('a condition on', () => {
  it.each<readonly [what: string, when: unknown, email: Partial<EmailData>]>([
    [
      'the sender',
      { field: 'from', operator: 'ends', value: '@boss.example' },
      { from: { email: 'Ann@Boss.example' } },
    ],
    [
      'the name of the sender',
      { field: 'fromName', operator: 'equals', value: 'ann' },
      { from: { email: 'a@x.example', name: 'Ann' } },
    ],
    [
      'a recipient in Cc',
      { field: 'to', operator: 'starts', value: 'sales@' },
      { cc: [{ email: 'sales@example.com' }] },
    ],
    [
      'the subject, by expression',
      { field: 'subject', operator: 'matches', value: '^inv-\\d{4}\\b' },
      { subject: 'INV-2026 is due' },
    ],
    [
      'the body',
      { field: 'body', operator: 'contains', value: 'urgently' },
      { body: { text: 'I need this urgently.' } },
    ],
    [
      'a header',
      { field: 'header', name: 'x-spam-flag', operator: 'equals', value: 'yes' },
      { headers: [{ name: 'X-Spam-Flag', value: 'YES' }] },
    ],
    [
      'the size',
      { field: 'size', operator: 'above', value: 1_000_000 },
      { raw: { storageKey: 'r', sha256: '', size: 1_000_001 } },
    ],
    [
      'the name of an attachment',
      { field: 'attachmentName', operator: 'matches', value: '\\.pdf$' },
      { attachments: [attachment] },
    ],
    [
      'the type of an attachment',
      { field: 'attachmentType', operator: 'equals', value: 'application/pdf' },
      { attachments: [attachment] },
    ],
    [
      'how many attachments there are',
      { field: 'attachmentCount', operator: 'equals', value: 1 },
      { attachments: [attachment] },
    ],
  ])('%s holds for the mail that has it and for no other', async (_, when, email) => {
    const mailbox = await world.newMailbox();
    await rules.add(mailbox.tenant, { when, actions: tag('found') });
    await receive(mailbox);
    await receive(mailbox, email);
    expect((await placed(mailbox.tenant)).map(({ tags }) => tags)).toEqual([[], ['found']]);
    expect(await rules.counts(mailbox.tenant)).toEqual([{ name: 'A rule', matches: 1, hasTime: true }]);
  });
});

describe('the action skip', () => {
  it('leaves a mail out, and everybody can see that and why', async () => {
    const mailbox = await world.newMailbox();
    const id = await rules.add(mailbox.tenant, {
      name: 'Newsletters',
      when: subjectHas('news'),
      actions: skip,
    });
    await world.query(
      `INSERT INTO smtp_settings (tenant, provider_id, host, port, security, auth_type, from_email, acknowledge)
       VALUES ($1, $2, 'smtp.example.com', 465, 'tls', 'none', 'support@example.com', true)`,
      [mailbox.tenant, mailbox.providerId],
    );
    const entry = anEntry({ ...mailbox, uid: 900, email: { subject: 'Our News' } });
    await world.record(entry);
    const mail = message({ ...mailbox, uid: 900, email: { subject: 'Our News' } });
    expect(await inbox.apply(mail, { waitForParents: true })).toEqual({ kind: 'skipped', ruleId: id });
    const reason = 'rule "Newsletters"';
    expect(await rules.outcomes(mailbox.tenant)).toEqual([
      {
        ...{ outcome: 'skipped', reason, status: 'skipped', ledger_reason: reason },
        rules: [{ id, name: 'Newsletters', isDryRun: false }],
      },
    ]);
    const tables = ['tickets', 'ticket_comments', 'contacts', 'ticket_message_ids', 'outbound_messages'];
    const filled = async (): Promise<readonly string[]> => {
      const counts = tables.map(
        (table) => `(SELECT count(*)::int FROM ${table} WHERE tenant = $1) AS ${table}`,
      );
      const [row] = await world.query<Record<string, number>>(`SELECT ${counts.join(', ')}`, [
        mailbox.tenant,
      ]);
      return tables.filter((table) => row?.[table] !== 0);
    };
    expect(await filled()).toEqual([]);
    // Any other mail leaves something in each of them.
    await receive(mailbox, { subject: 'Hello' });
    expect(await filled()).toEqual(tables);
  });

  it('is decided once: a second delivery, under whatever rules, changes nothing', async () => {
    const mailbox = await world.newMailbox();
    const news = await rules.add(mailbox.tenant, { name: 'News', when: subjectHas('news'), actions: skip });
    const mails = ['news', 'other'].map((subject, at) => {
      const options = { ...mailbox, uid: 910 + at, email: { subject } };
      return { mail: message(options), entry: anEntry(options) };
    });
    for (const { mail, entry } of mails) {
      await world.record(entry);
      await inbox.apply(mail, { waitForParents: true });
    }
    await rules.remove(mailbox.tenant, news);
    await rules.add(mailbox.tenant, { name: 'All', when: { not: subjectHas('zzz') }, actions: skip });
    // As after a database that lost the ledger's last commits.
    await world.query(`UPDATE inbound_messages SET status = 'published', reason = NULL WHERE tenant = $1`, [
      mailbox.tenant,
    ]);
    for (const { mail } of mails)
      expect(await inbox.apply(mail, { waitForParents: true })).toEqual({ kind: 'duplicate' });
    expect(await rules.outcomes(mailbox.tenant)).toMatchObject([
      { outcome: 'skipped', status: 'skipped', ledger_reason: 'rule "News"' },
      { outcome: 'ticket', status: 'processed', ledger_reason: null, rules: [] },
    ]);
    expect(await rules.counts(mailbox.tenant)).toEqual([{ name: 'All', matches: 0, hasTime: false }]);
  });

  it('takes no answer of a person from its ticket, and no failure of our own mail; a machine’s mail it does', async () => {
    const mailbox = await world.newMailbox();
    const opened = await receive(mailbox, { id: '<first@x>', subject: 'Printer' });
    const ticketId = 'ticketId' in opened ? opened.ticketId : '';
    await sent(mailbox.tenant, ticketId, '<ms.t.abcdefghijklmnop@x>');
    await rules.add(mailbox.tenant, {
      name: 'All',
      when: { field: 'size', operator: 'above', value: 0 },
      actions: [
        { kind: 'skip' },
        { kind: 'route', queue: 'elsewhere' },
        { kind: 'priority', priority: 'urgent' },
        { kind: 'tag', tags: ['x'] },
      ],
    });
    const inReplyTo = '<first@x>';
    expect(await receive(mailbox, { inReplyTo })).toMatchObject({ kind: 'comment', ticketId });
    const away = [{ name: 'Auto-Submitted', value: 'auto-replied' }];
    expect(await receive(mailbox, { inReplyTo, headers: away, autoSubmitted: true })).toMatchObject({
      kind: 'skipped',
    });
    const report = await receive(mailbox, {
      from: { email: 'mailer-daemon@example.org' },
      subject: 'Undelivered Mail Returned to Sender',
      headers: [
        { name: 'Return-Path', value: '<>' },
        {
          name: 'Content-Type',
          value: 'multipart/report; report-type=delivery-status; boundary="b"',
        },
      ],
      body: { text: 'Action: failed\nStatus: 5.1.1\n\nMessage-ID: <ms.t.abcdefghijklmnop@x>' },
      inReplyTo: '<ms.t.abcdefghijklmnop@x>',
    });
    expect(report).toMatchObject({ kind: 'comment', ticketId });
    expect(await receive(mailbox, { subject: 'Something new' })).toMatchObject({ kind: 'skipped' });
    // Agents may have moved the ticket since: an answer changes nothing in it.
    expect(await placed(mailbox.tenant)).toMatchObject([{ priority: 'normal', queue: null, tags: [] }]);
    expect(await rules.counts(mailbox.tenant)).toMatchObject([{ matches: 4 }]);
    expect((await rules.outcomes(mailbox.tenant)).map(({ outcome }) => outcome)).toEqual([
      ...['ticket', 'comment', 'skipped', 'comment', 'skipped'],
    ]);
  });

  it('waits for a parent that is on its way: an answer is no new mail', async () => {
    const mailbox = await world.newMailbox();
    await rules.add(mailbox.tenant, { when: subjectHas('re:'), actions: skip });
    await world.record(anEntry({ ...mailbox, uid: 920 }));
    const answer = { inReplyTo: '<920@example.org>', subject: 'Re: Hello' };
    expect(await receive(mailbox, answer, true)).toEqual({ kind: 'parentPending' });
    expect(await receive(mailbox, answer, false)).toMatchObject({ kind: 'skipped' });
  });

  it('makes a mail that answers a skipped one neither wait nor fail', async () => {
    const mailbox = await world.newMailbox();
    await rules.add(mailbox.tenant, { when: subjectHas('news'), actions: skip });
    const options = { ...mailbox, uid: 930, email: { subject: 'news' } };
    await world.record(anEntry(options));
    await inbox.apply(message(options), { waitForParents: true });
    expect(await receive(mailbox, { inReplyTo: '<930@example.org>' }, true)).toMatchObject({
      kind: 'ticket',
    });
  });
});

describe('the actions route, priority and tag', () => {
  it('go before the defaults, and tags are added to theirs', async () => {
    const mailbox = await world.newMailbox();
    const [usual, acme] = [await newClient(mailbox.tenant), await newClient(mailbox.tenant)];
    await defaults(mailbox, { client_id: usual, priority: 'low', queue: 'all', tags: ['a', 'mail'] });
    await rules.add(mailbox.tenant, {
      when: subjectHas('invoice'),
      actions: [
        { kind: 'route', queue: 'billing', clientId: acme },
        { kind: 'priority', priority: 'high' },
        { kind: 'tag', tags: ['a', 'money'] },
      ],
    });
    await receive(mailbox, { subject: 'Invoice' });
    await receive(mailbox, { subject: 'Other' });
    expect(await placed(mailbox.tenant)).toEqual([
      { status: 'open', priority: 'high', queue: 'billing', client_id: acme, tags: ['a', 'mail', 'money'] },
      { status: 'open', priority: 'low', queue: 'all', client_id: usual, tags: ['a', 'mail'] },
    ]);
  });

  it('name no client that gets no new tickets or is another tenant’s, and nobody’s forged mail becomes a client’s', async () => {
    const mailbox = await world.newMailbox();
    const other = await world.newMailbox();
    const [gone, foreign] = [await newClient(mailbox.tenant, false), await newClient(other.tenant)];
    const real = await newClient(mailbox.tenant);
    for (const [subject, clientId] of Object.entries({ gone, foreign, real }))
      await rules.add(mailbox.tenant, { when: subjectHas(subject), actions: [{ kind: 'route', clientId }] });
    await receive(mailbox, { subject: 'gone' });
    await receive(mailbox, { subject: 'foreign' });
    await receive(mailbox, {
      subject: 'real but forged',
      authentication: ['mx.example.com; dmarc=fail header.from=example.org'],
    });
    await receive(mailbox, { subject: 'real' });
    expect(await placed(mailbox.tenant)).toMatchObject([
      { status: 'needs_attention', client_id: null },
      { status: 'needs_attention', client_id: null },
      { status: 'needs_attention', client_id: null },
      { status: 'open', client_id: real },
    ]);
    expect((await tickets(mailbox.tenant)).map(({ attention }) => attention)).toEqual([
      ['client_unknown'],
      ['client_unknown'],
      ['client_unknown', 'sender_unverified'],
      [],
    ]);
  });
});

describe('rules', () => {
  const all = { field: 'size', operator: 'above', value: 0 };

  it('are asked in their order until one stops; dry and disabled ones have no effect', async () => {
    const { tenant, ...rest } = await world.newMailbox();
    await rules.add(tenant, { name: 'off', when: all, actions: skip, isEnabled: false });
    await rules.add(tenant, { name: 'dry', when: all, actions: skip, isDryRun: true });
    await rules.add(tenant, { name: 'first', when: all, actions: [{ kind: 'route', queue: 'a' }] });
    await rules.add(tenant, {
      ...{ name: 'stop', when: all, stopsOnMatch: true },
      actions: [
        { kind: 'route', queue: 'b' },
        { kind: 'tag', tags: ['t'] },
      ],
    });
    await rules.add(tenant, { name: 'late', when: all, actions: skip });
    await receive({ tenant, ...rest });
    expect(await placed(tenant)).toMatchObject([{ queue: 'a', tags: ['t'] }]);
    expect((await rules.counts(tenant)).map(({ name, matches }) => `${name} ${matches}`)).toEqual([
      ...['off 0', 'dry 1', 'first 1', 'stop 1', 'late 0'],
    ]);
    expect((await rules.outcomes(tenant))[0]?.rules.map(({ name, isDryRun }) => [name, isDryRun])).toEqual([
      ['dry', true],
      ['first', false],
      ['stop', false],
    ]);
  });

  it('of another tenant, and of another mailbox, are never asked', async () => {
    const mine = await world.newMailbox();
    const second = await world.newMailbox(mine.tenant);
    const other = await world.newMailbox();
    await rules.add(other.tenant, { name: 'theirs', when: all, actions: skip });
    await rules.add(mine.tenant, { name: 'second', when: all, actions: skip, providerId: second.providerId });
    // The other tenant's rules are known here by now.
    expect(await receive(other)).toMatchObject({ kind: 'skipped' });
    expect(await receive(mine)).toMatchObject({ kind: 'ticket' });
    expect(await receive(second)).toMatchObject({ kind: 'skipped' });
    expect(await rules.counts(mine.tenant)).toMatchObject([{ name: 'second', matches: 1 }]);
    expect(await rules.counts(other.tenant)).toMatchObject([{ name: 'theirs', matches: 1 }]);
  });

  it('hold for the next mail after they changed, and cost no round trip while they do not', async () => {
    const mailbox = await world.newMailbox();
    const trips = async (): Promise<number> => {
      let count = 0;
      toDatabase.intercept(() => {
        count += 1;
        return 'pass';
      });
      await receive(mailbox);
      toDatabase.intercept(null);
      return count;
    };
    await receive(mailbox);
    expect(await trips()).toBe(4);
    const first = await rules.add(mailbox.tenant, { when: all, actions: tag('one') });
    expect(await trips()).toBeGreaterThan(4);
    expect(await trips()).toBe(4);
    await rules.remove(mailbox.tenant, first);
    await rules.add(mailbox.tenant, { when: all, actions: skip });
    await receive(mailbox);
    expect(await trips()).toBe(4);
    expect((await placed(mailbox.tenant)).map(({ tags }) => tags)).toEqual([[], [], ['one'], ['one']]);
    expect(await rules.counts(mailbox.tenant)).toMatchObject([{ matches: 2 }]);
  });

  it('that are none any more lose and hold up no mail', async () => {
    const mailbox = await world.newMailbox();
    const { tenant } = mailbox;
    await rules.add(tenant, { when: { field: 'moon', operator: 'is', value: 'full' }, actions: skip });
    await rules.add(tenant, { when: all, actions: [{ kind: 'route', board: 'old' }] });
    await rules.add(tenant, {
      when: { field: 'body', operator: 'matches', value: '(?<=x)(' },
      actions: skip,
    });
    await rules.add(tenant, { when: [], actions: {} });
    await rules.add(tenant, { name: 'good', when: all, actions: tag('good') });
    expect(await receive(mailbox)).toMatchObject({ kind: 'ticket' });
    expect(await placed(tenant)).toMatchObject([{ tags: ['good'] }]);
    expect((await rules.counts(tenant)).map(({ matches }) => matches)).toEqual([0, 0, 0, 0, 1]);
  });

  it('with hostile expressions and a huge mail end, leave out nothing that they are not certain of, and others go on', async () => {
    const mailbox = await world.newMailbox();
    for (const value of ['(a+)+$!', '(?:a?){50}a{50}!', '.*.*=.*!', 'a.{100}z!'])
      for (let copy = 0; copy < 10; copy += 1)
        await rules.add(mailbox.tenant, {
          when: { not: { field: 'body', operator: 'matches', value } },
          actions: skip,
        });
    await rules.add(mailbox.tenant, { name: 'plain', when: subjectHas('x'), actions: skip });
    const outcome = await receive(mailbox, { subject: 'y', body: { text: 'a'.repeat(400_000) } });
    expect(outcome).toMatchObject({ kind: 'ticket' });
  });
});

describe('counts of rules', () => {
  it('are exact, however many mails come at once, fail on the way, and lose their rule meanwhile', async () => {
    const mailbox = await world.newMailbox();
    const other = await world.newMailbox(mailbox.tenant);
    const { tenant } = mailbox;
    const add = (name: string, actions: unknown): Promise<string> =>
      rules.add(tenant, { name, when: subjectHas(name), actions });
    await add('a', tag('a'));
    await add('b', skip);
    const doomed = await add('c', tag('c'));
    await world.query(
      `CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF random() < 0.2 THEN RAISE EXCEPTION 'trouble' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$`,
    );
    await world.query(
      `CREATE TRIGGER trouble BEFORE INSERT OR UPDATE ON email_rule_counts FOR EACH ROW EXECUTE FUNCTION trouble()`,
    );
    const until = async (box: Mailbox, uid: number, subject: string): Promise<string> => {
      const mail = message({ ...box, uid, email: { id: `<${uid}@many>`, subject } });
      for (;;) {
        try {
          return (await inbox.apply(mail, { waitForParents: false })).kind;
        } catch {
          // As the worker does: again.
        }
      }
    };
    const kinds = await Promise.all([
      ...Array.from({ length: 120 }, (_, at) =>
        until(at % 2 === 0 ? mailbox : other, 1000 + at, ['a', 'b', 'a b', 'a b c'][at % 4] ?? ''),
      ),
      rules.remove(tenant, doomed).then(() => 'removed'),
    ]);
    await world.query('DROP TRIGGER trouble ON email_rule_counts');
    expect(kinds.filter((kind) => kind === 'ticket')).toHaveLength(30);
    expect(kinds.filter((kind) => kind === 'skipped')).toHaveLength(90);
    expect(await rules.counts(tenant)).toEqual([
      { name: 'a', matches: 90, hasTime: true },
      { name: 'b', matches: 90, hasTime: true },
    ]);
    expect(await world.query('SELECT 1 FROM email_rule_counts WHERE rule_id = $1', [doomed])).toEqual([]);
  });

  it('let a mail through whose rule is deleted while it has its effect', async () => {
    const mailbox = await world.newMailbox();
    const when = { field: 'size', operator: 'above', value: 0 };
    const doomed = await rules.add(mailbox.tenant, { name: 'doomed', when, actions: tag('doomed') });
    await rules.add(mailbox.tenant, { name: 'stays', when, actions: tag('stays') });
    await receive(mailbox);
    const person = new pg.Client({ connectionString: db.ownerUrl });
    await person.connect();
    try {
      await person.query('BEGIN');
      await person.query('DELETE FROM email_rules WHERE id = $1', [doomed]);
      const outcome = receive(mailbox);
      const waiting = async (): Promise<number> =>
        (
          await world.query(
            `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
          )
        ).length;
      await expect.poll(waiting, { timeout: 20_000, interval: 10 }).toBeGreaterThan(0);
      await person.query('COMMIT');
      expect(await outcome).toMatchObject({ kind: 'ticket', number: 2 });
    } finally {
      await person.end();
    }
    expect(await rules.counts(mailbox.tenant)).toEqual([{ name: 'stays', matches: 2, hasTime: true }]);
    expect(await world.query('SELECT 1 FROM email_rule_counts WHERE rule_id = $1', [doomed])).toEqual([]);
  });

  it('are gone with a tenant or mailbox, and nothing holds them back', async () => {
    const mailbox = await world.newMailbox();
    const when = { field: 'size', operator: 'above', value: 0 };
    await rules.add(mailbox.tenant, { when, actions: skip, providerId: mailbox.providerId });
    await receive(mailbox);
    await world.query('DELETE FROM email_providers WHERE tenant = $1', [mailbox.tenant]);
    expect(await world.query('SELECT 1 FROM email_rules WHERE tenant = $1', [mailbox.tenant])).toEqual([]);
    await world.query('DELETE FROM tenants WHERE tenant = $1', [mailbox.tenant]);
    expect(await world.query('SELECT 1 FROM email_rule_sets WHERE tenant = $1', [mailbox.tenant])).toEqual(
      [],
    );
  });
});
