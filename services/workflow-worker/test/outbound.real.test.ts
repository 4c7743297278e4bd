/** Acknowledgements from the mail that causes them to the server that takes them, and back. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { useDatabase, useDovecot, useRedis } from '@mailstream/shared/testing/fixtures';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { deliver } from '@mailstream/shared/testing/deliver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useInbox } from './inbox-fixture.ts';
import { sendingEnvironment, useOutbound } from './outbound-fixture.ts';
import { startSmtpPeer, type TakenMail } from './smtp-peer.ts';
import { startWorker, type RunningWorker } from './worker-fixture.ts';
import { useWorld } from './world.ts';

const database = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: database.ownerUrl, redisUrl: redis.url });
const inbox = useInbox(world, database.url);
const outbound = useOutbound(world);
const dovecot = useDovecot();
const peer = await startSmtpPeer();
const environment = await sendingEnvironment({ database: database.url, redis: redis.url });
let worker: RunningWorker;
beforeAll(async () => {
  worker = await startWorker(environment);
});
afterAll(async () => {
  expect(await worker.stop()).toEqual([]);
});

const NOW = new Date().toISOString();

/** A mail as the daemon hands it on when it arrives somewhere. */
function arriving(mail: TakenMail, from: string): Partial<EmailData> {
  const [head = ''] = mail.raw.split('\r\n\r\n', 1);
  const headers = head
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
    .map((line) => ({
      name: line.slice(0, line.indexOf(':')),
      value: line.slice(line.indexOf(':') + 1).trim(),
    }));
  return {
    id: mail.header('message-id'),
    from: { email: from },
    subject: mail.header('subject'),
    body: { text: mail.raw.slice(head.length) },
    inReplyTo: mail.header('in-reply-to'),
    headers,
    receivedAt: NOW,
  };
}

describe('an acknowledgement', () => {
  it('reaches the requester, says what it is, and its answer comes into the ticket', async () => {
    const mailbox = await world.newMailbox();
    await outbound.sendsThrough(mailbox, peer.port);
    await inbox.receive(mailbox, {
      id: '<first@example.org>',
      subject: 'Printer\r\nBcc: evil@example.net',
      cc: [{ email: 'stranger@example.net' }],
      receivedAt: NOW,
    });
    await outbound.states(mailbox.tenant, ['sent']);

    const mail = peer.taken.at(-1);
    expect(mail?.to).toEqual(['jane@example.org']);
    expect(mail?.from).toBe('');
    expect(mail?.header('auto-submitted')).toBe('auto-replied');
    expect(mail?.header('x-auto-response-suppress')).toBe('All');
    expect(mail?.header('in-reply-to')).toBe('<first@example.org>');
    expect(mail?.header('subject')).toBe('Re: Printer Bcc: evil@example.net [#1]');
    expect(mail?.header('bcc')).toBe('');

    const answer = await inbox.receive(mailbox, {
      id: '<second@example.org>',
      inReplyTo: mail?.header('message-id') ?? '',
      receivedAt: NOW,
    });
    expect(answer.kind).toBe('comment');
    const token = /ms-ref:[a-z2-7]{26}/.exec(mail?.raw ?? '')?.[0] ?? '';
    const byToken = await inbox.receive(mailbox, {
      id: '<third@example.org>',
      body: { text: `Thanks\n> ${token}` },
      receivedAt: NOW,
    });
    expect(byToken.kind).toBe('comment');
    expect(await outbound.rows(mailbox.tenant)).toHaveLength(1);
  });
});

describe('nobody is answered', () => {
  it('twice: a machine that does not say what it is, and writes anew each time, ends after one exchange', async () => {
    const mailbox = await world.newMailbox();
    await outbound.sendsThrough(mailbox, peer.port);
    for (let round = 0; round < 5; round += 1)
      await inbox.receive(mailbox, {
        id: `<machine-${round}@example.net>`,
        from: { email: 'machine@example.net' },
        subject: `We got your mail ${round}`,
        receivedAt: NOW,
      });
    const rows = await outbound.states(mailbox.tenant, [
      'sent',
      'suppressed',
      'suppressed',
      'suppressed',
      'suppressed',
    ]);
    expect(rows.slice(1).map((row) => row.error_code)).toEqual(Array(4).fill('RECIPIENT_LIMIT'));
  });

  it('more often than five times a day, nor at all because of what was not sent', async () => {
    const mailbox = await world.newMailbox();
    await outbound.sendsThrough(mailbox, peer.port);
    const states: string[] = [];
    const another = async (state: string): Promise<void> => {
      await inbox.receive(mailbox, { id: `<${states.length}@example.net>`, receivedAt: NOW });
      states.push(state);
      await outbound.states(mailbox.tenant, states);
    };
    const hourPasses = (): Promise<unknown> =>
      world.query(
        `UPDATE outbound_messages SET created_at = created_at - interval '61 minutes' WHERE tenant = $1`,
        [mailbox.tenant],
      );
    await another('sent');
    // Of the same hour: neither is sent, and neither counts when the hour is over.
    await another('suppressed');
    await world.query(
      `UPDATE outbound_messages SET created_at = created_at - interval '61 minutes' WHERE tenant = $1 AND state = 'sent'`,
      [mailbox.tenant],
    );
    for (let hour = 0; hour < 4; hour += 1) {
      await another('sent');
      await hourPasses();
    }
    await another('suppressed');
  });

  it('by two mailboxes of this system that answer each other: one mail each way at most', async () => {
    const [here, there] = [await world.newMailbox(), await world.newMailbox()];
    for (const mailbox of [here, there]) await outbound.sendsThrough(mailbox, peer.port);
    const address = `${there.providerId}@example.com`;
    await inbox.receive(here, { from: { email: address }, receivedAt: NOW });
    await outbound.states(here.tenant, ['sent']);
    const [mail] = peer.taken.filter(({ to }) => to.includes(address));
    if (mail === undefined) throw new Error('nothing was sent');
    await inbox.receive(there, arriving(mail, `${here.providerId}@example.com`));
    expect(await outbound.rows(there.tenant)).toEqual([]);
  });

  it('but an agent of another tenant, who is a person', async () => {
    const mailbox = await world.newMailbox();
    await inbox.receive(mailbox, {
      id: '<ms.t-7.abcdefghijklmnopqrstuvwxyz@other.example>',
      from: { email: 'help@other.example' },
      headers: [{ name: 'X-Mailstream-Mail', value: 'reply' }],
    });
    expect(await inbox.tickets(mailbox.tenant)).toMatchObject([{ status: 'open' }]);
  });

  it('who is a mailbox of ours, wrote long ago, or is not who the own server says', async () => {
    const mailbox = await world.newMailbox();
    await outbound.sendsThrough(mailbox, peer.port, {
      from_email: 'help@example.com',
      acknowledge_per_hour: 10,
    });
    await inbox.receive(mailbox, { from: { email: 'help@example.com' }, receivedAt: NOW });
    await inbox.receive(mailbox, { receivedAt: '2026-01-02T03:04:05.000Z' });
    await inbox.defaults(mailbox, { authserv_ids: ['mx.example.com'] });
    await inbox.receive(mailbox, { receivedAt: NOW });
    const rows = await outbound.states(mailbox.tenant, ['suppressed', 'suppressed', 'suppressed']);
    expect(rows.map((row) => row.error_code)).toEqual(['OWN_MAILBOX', 'TOO_OLD', 'SENDER_UNVERIFIED']);
  });

  it('who is a machine, a list, or asks for no answer', async () => {
    const mailbox = await world.newMailbox();
    await outbound.sendsThrough(mailbox, peer.port, { acknowledge_per_hour: 10 });
    const marks = [
      ['Auto-Submitted', 'auto-replied'],
      ['Precedence', 'bulk'],
      ['List-Id', '<news.example.org>'],
      ['Return-Path', '<>'],
      ['X-Auto-Response-Suppress', 'All'],
      ['X-Loop', 'mailstream'],
    ] as const;
    for (const [name, value] of marks)
      await inbox.receive(mailbox, { headers: [{ name, value }], receivedAt: NOW });
    expect(await inbox.tickets(mailbox.tenant)).toHaveLength(marks.length);
    expect(await outbound.rows(mailbox.tenant)).toEqual([]);
  });
});

it('a report about a mail of ours marks that mail, and asks for attention', async () => {
  const mailbox = await world.newMailbox();
  await outbound.sendsThrough(mailbox, peer.port);
  await inbox.receive(mailbox, { receivedAt: NOW });
  const [row] = await outbound.states(mailbox.tenant, ['sent']);
  await inbox.receive(mailbox, {
    id: '<report@example.net>',
    from: { email: 'mailer-daemon@example.net' },
    subject: 'Undelivered Mail Returned to Sender',
    headers: [{ name: 'Content-Type', value: 'multipart/report; report-type=delivery-status' }],
    body: {
      text: `Final-Recipient: rfc822; jane@example.org\nAction: failed\nStatus: 5.1.1\nMessage-ID: ${row?.message_id ?? ''}\n`,
    },
    receivedAt: NOW,
  });
  await outbound.states(mailbox.tenant, ['bounced']);
  expect((await inbox.tickets(mailbox.tenant)).map(({ attention }) => attention)).toEqual([['bounce']]);
});

it('goes into the mailboxes of a local mail store over LMTP, and answers to its plus address come back', async () => {
  const [customer, support] = [dovecot.newUser(), dovecot.newUser()];
  const mailbox = await world.newMailbox();
  const through = { protocol: 'lmtp', from_email: `${support}@example.com`, plus_addressing: true };
  await outbound.sendsThrough(mailbox, dovecot.lmtpPort, through);
  await inbox.receive(mailbox, { from: { email: `${customer}@example.org` }, receivedAt: NOW });
  await outbound.states(mailbox.tenant, ['sent']);
  const mails = async (user: string): Promise<readonly string[]> => {
    const folder = join(dovecot.maildir(user), 'new');
    return Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  };
  const [mail = ''] = await mails(customer);
  expect(mail).toMatch(/^Return-Path: <>/m);
  const replyTo = /^Reply-To: .*?<?([^<>\s]+@example\.com)>?/m.exec(mail)?.[1] ?? '';
  expect(replyTo.startsWith(`${support}+`)).toBe(true);
  await deliver({
    host: dovecot.host,
    port: dovecot.lmtpPort,
    from: `${customer}@example.org`,
    to: replyTo,
    raw: Buffer.from(`From: ${customer}@example.org\r\nTo: ${replyTo}\r\nSubject: x\r\n\r\nThanks\r\n`),
  });
  expect(await mails(support)).toHaveLength(1);
  const answer = await inbox.receive(mailbox, {
    from: { email: `${customer}@example.org` },
    to: [{ email: replyTo }],
    receivedAt: NOW,
  });
  expect(answer.kind).toBe('comment');
});
