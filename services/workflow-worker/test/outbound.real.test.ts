/** Acknowledgements from the mail that causes them to the server that takes them, and back. */
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useInbox } from './inbox-fixture.ts';
import { sendingEnvironment, useOutbound } from './outbound-fixture.ts';
import { startSmtpPeer } from './smtp-peer.ts';
import { startWorker, type RunningWorker } from './worker-fixture.ts';
import { useWorld } from './world.ts';

const database = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: database.ownerUrl, redisUrl: redis.url });
const inbox = useInbox(world, database.url);
const outbound = useOutbound(world);
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
