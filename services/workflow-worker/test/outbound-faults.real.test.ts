/** Sending while servers refuse, connections end, processes die and Redis forgets: nothing lost, nothing sent twice that need not be. */
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useInbox } from './inbox-fixture.ts';
import { sendingEnvironment, useOutbound, type SentRow } from './outbound-fixture.ts';
import { startSmtpPeer } from './smtp-peer.ts';
import { spawnWorker, startWorker, type RunningWorker } from './worker-fixture.ts';
import { useWorld, type Mailbox } from './world.ts';

const database = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: database.ownerUrl, redisUrl: redis.url });
const inbox = useInbox(world, database.url);
const outbound = useOutbound(world);
const peer = await startSmtpPeer();
const environment = await sendingEnvironment({ database: database.url, redis: redis.url });

/** A ticket whose acknowledgement is to be sent. */
async function written(
  columns: Readonly<Record<string, unknown>> = {},
  from = 'jane@example.org',
): Promise<Mailbox> {
  const mailbox = await world.newMailbox();
  await outbound.sendsThrough(mailbox, peer.port, columns);
  await inbox.receive(mailbox, { from: { email: from }, receivedAt: new Date().toISOString() });
  return mailbox;
}

const takenAs = (row: SentRow | undefined): number =>
  peer.taken.filter((mail) => mail.header('message-id') === row?.message_id).length;
const readAs = (row: SentRow | undefined): number =>
  peer.read.filter((mail) => mail.header('message-id') === row?.message_id).length;

describe('one worker', () => {
  let worker: RunningWorker;
  beforeAll(async () => {
    worker = await startWorker(environment);
  });
  afterAll(async () => {
    expect(await worker.stop()).toEqual([]);
  });

  it('tries again after a 4xx, and sends once', async () => {
    let refusals = 2;
    peer.answer = (step) => (step === 'RCPT' && refusals-- > 0 ? 451 : null);
    const [row] = await outbound.states((await written()).tenant, ['sent']);
    expect(row?.attempts).toBe(3);
    expect(takenAs(row)).toBe(1);
  });

  it('gives up at once after a 5xx, and shows it', async () => {
    peer.answer = (step) => (step === 'RCPT' ? 550 : null);
    const { tenant } = await written();
    const [row] = await outbound.states(tenant, ['failed']);
    expect(row).toMatchObject({ attempts: 1, error_code: 'SMTP_RECIPIENT_REFUSED' });
    expect((await inbox.tickets(tenant))[0]?.attention).toEqual(['bounce']);
  });

  it('gives another return path to a server that takes no null one', async () => {
    peer.answer = (step, address) => (step === 'MAIL' && address === '' ? 550 : null);
    const mailbox = await written();
    const [row] = await outbound.states(mailbox.tenant, ['sent']);
    expect(row?.attempts).toBe(1);
    expect(peer.taken.at(-1)?.from).toBe(`${mailbox.providerId}@example.com`);
  });

  it('sends under the same Message-ID again what nobody knows to have been taken', async () => {
    let cuts = 1;
    peer.answer = (step) => (step === 'DATA' && cuts-- > 0 ? 'cut' : null);
    const mailbox = await written();
    const [row] = await outbound.states(mailbox.tenant, ['sent']);
    expect(row?.attempts).toBe(2);
    expect(readAs(row)).toBe(2);
    expect(takenAs(row)).toBe(1);
  });

  it('is not held up by a mailbox whose server does not answer', async () => {
    peer.answer = (step, address) => (step === 'RCPT' && address === 'slow@example.org' ? 'hang' : null);
    const slow = await world.newMailbox();
    await outbound.sendsThrough(slow, peer.port, { acknowledge_per_hour: 100 });
    for (let n = 0; n < 12; n += 1)
      await inbox.receive(slow, {
        from: { email: 'slow@example.org' },
        receivedAt: new Date().toISOString(),
      });
    const quick = await written();
    await outbound.states(quick.tenant, ['sent'], 4_000);
    const states = (await outbound.rows(slow.tenant)).map(({ state }) => state);
    expect(states.filter((state) => state === 'sending').length).toBeLessThanOrEqual(2);
    await world.query(`DELETE FROM outbound_messages WHERE tenant = $1`, [slow.tenant]);
  });

  it('keeps to the rate of the mailbox', async () => {
    peer.answer = () => null;
    const mailbox = await world.newMailbox();
    await outbound.sendsThrough(mailbox, peer.port, { max_per_minute: 12 });
    for (let n = 0; n < 14; n += 1)
      await inbox.receive(mailbox, {
        from: { email: `n${n}@example.org` },
        receivedAt: new Date().toISOString(),
      });
    const sent = async (): Promise<number> =>
      (await outbound.rows(mailbox.tenant)).filter(({ state }) => state === 'sent').length;
    await expect.poll(sent, { timeout: 20_000 }).toBe(12);
    const [early] = await world.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM outbound_messages WHERE tenant = $1 AND state = 'queued'`,
      [mailbox.tenant],
    );
    expect(early?.open).toBe(2);
    // A minute later, by the database's clock.
    await world.query(
      `UPDATE outbound_messages SET sent_at = sent_at - interval '2 minutes' WHERE tenant = $1 AND state = 'sent'`,
      [mailbox.tenant],
    );
    await expect.poll(sent, { timeout: 30_000 }).toBe(14);
  });
});

describe('a mail', () => {
  it('is sent once by the next process when the one that had it was killed before it sent', async () => {
    let isReached = (): void => undefined;
    const reached = new Promise<void>((resolve) => (isReached = resolve));
    peer.answer = (step) => {
      if (step !== 'RCPT') return null;
      isReached();
      return 'hang';
    };
    const child = spawnWorker({ ...environment, WORKER_MAIL_LEASE_MS: '2000' });
    const mailbox = await written();
    await reached;
    child.kill('SIGKILL');
    await child.gone;
    expect(await outbound.rows(mailbox.tenant)).toMatchObject([{ state: 'sending', attempts: 1 }]);
    peer.answer = () => null;
    const worker = await startWorker(environment);
    const [row] = await outbound.states(mailbox.tenant, ['sent']);
    expect(readAs(row)).toBe(1);
    await worker.stop();
  });

  it('survives a Redis that comes back empty, and many of them are sent once each', async () => {
    const mailbox = await world.newMailbox();
    await outbound.sendsThrough(mailbox, peer.port, { max_per_minute: 10_000 });
    peer.answer = (step) => (step === 'MAIL' ? 451 : null);
    const count = 20;
    for (let n = 0; n < count; n += 1)
      await inbox.receive(mailbox, {
        from: { email: `r${n}@example.org` },
        receivedAt: new Date().toISOString(),
      });
    const slowly = await startWorker({ ...environment, WORKER_MAIL_RETRY_BASE_MS: '3000' });
    await expect
      .poll(async () => (await outbound.rows(mailbox.tenant)).filter(({ attempts }) => attempts > 0).length)
      .toBeGreaterThan(3);
    const owner = new Redis(redis.url);
    await owner.flushdb();
    owner.disconnect();
    peer.answer = () => null;
    const rows = await outbound.states(
      mailbox.tenant,
      Array.from({ length: count }, () => 'sent'),
      40_000,
    );
    expect(rows.map(readAs)).toEqual(rows.map(() => 1));
    await slowly.stop();
  });

  it('of two workers is sent by one', async () => {
    peer.answer = () => null;
    const workers = [await startWorker(environment), await startWorker(environment)];
    const mailbox = await world.newMailbox();
    await outbound.sendsThrough(mailbox, peer.port, { max_per_minute: 10_000 });
    for (let n = 0; n < 20; n += 1)
      await inbox.receive(mailbox, {
        from: { email: `t${n}@example.org` },
        receivedAt: new Date().toISOString(),
      });
    const rows = await outbound.states(
      mailbox.tenant,
      Array.from({ length: 20 }, () => 'sent'),
      40_000,
    );
    expect(rows.map(readAs)).toEqual(rows.map(() => 1));
    for (const worker of workers) await worker.stop();
  });
});
