/** SIGKILL of the daemon at each step of a batch, then a restart: nothing lost, nothing twice (issue 2). */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDelivery } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { isWatching, startDaemon, useWorld } from './daemon.ts';

const world = await useWorld();
const dovecot = useDovecot();
const MESSAGES = 12;

async function sendNumbered(user: string, from: number, to: number): Promise<void> {
  const session = await openDelivery({ host: dovecot.host, port: dovecot.lmtpPort });
  try {
    for (let n = from; n <= to; n += 1) {
      const raw = Buffer.from(
        `From: a@example.com\r\nTo: ${user}@example.com\r\nSubject: n${n}\r\nMessage-ID: <${n}.${user}@example.com>\r\n\r\nnumber ${n}\r\n`,
      );
      await session.send({ from: 'a@example.com', to: `${user}@example.com`, raw });
    }
  } finally {
    session.close();
  }
}

describe('the daemon is killed with SIGKILL', () => {
  it.each([
    'listed',
    'fetched',
    'fetched:5',
    'parsed',
    'parsed:7',
    'stored',
    'committed',
    'published',
    'marked',
  ])('at step %s, and after a restart every message is one event, in order', async (step) => {
    await world.redis.flushdb();
    const user = dovecot.newUser();
    const env = { ...world.env, IMAP_LEASE_TTL_MS: '2000', IMAP_MAX_EMAILS_PER_SYNC: '10' };
    const provider = await world.addProvider({
      host: dovecot.host,
      port: dovecot.port,
      username: user,
      password: dovecot.password,
    });
    const first = startDaemon(env);
    await first.waitForLog(isWatching('INBOX', provider.id));
    expect(await first.stop()).toBe(0);

    await sendNumbered(user, 1, MESSAGES);
    const doomed = startDaemon({ ...env, TEST_CRASH_AT: step });
    expect((await doomed.exited).signal).toBe('SIGKILL');

    const second = startDaemon(env);
    await second.waitForLog(isWatching('INBOX', provider.id));
    const entries = await world.entries(MESSAGES);
    expect(entries.map((entry) => entry.payload.emailData.subject)).toEqual(
      Array.from({ length: MESSAGES }, (_, i) => `n${i + 1}`),
    );
    const rows = await world.sql<{ status: string; n: number }>(
      'SELECT status, count(*)::int AS n FROM inbound_messages WHERE provider_id = $1 GROUP BY status',
      [provider.id],
    );
    expect(rows).toEqual([{ status: 'published', n: MESSAGES }]);
    expect(await world.sql('SELECT uid FROM ingest_attempts WHERE provider_id = $1', [provider.id])).toEqual(
      [],
    );
    expect(await second.stop()).toBe(0);
    await world.changeProvider(provider, 'email_providers', { is_active: false });
  });

  it('and the original of one message is lost before it was published: it is a dead letter, the others are events', async () => {
    await world.redis.flushdb();
    const user = dovecot.newUser();
    const env = { ...world.env, IMAP_LEASE_TTL_MS: '2000' };
    const provider = await world.addProvider({
      host: dovecot.host,
      port: dovecot.port,
      username: user,
      password: dovecot.password,
    });
    const first = startDaemon(env);
    await first.waitForLog(isWatching('INBOX', provider.id));
    expect(await first.stop()).toBe(0);
    await sendNumbered(user, 1, 3);
    await startDaemon({ ...env, TEST_CRASH_AT: 'committed' }).exited;
    const [row] = await world.sql<{ storage_key: string }>(
      'SELECT storage_key FROM inbound_messages WHERE provider_id = $1 AND uid = 2',
      [provider.id],
    );
    await rm(join(world.storageDir, row?.storage_key ?? 'none'));

    const second = startDaemon(env);
    await second.waitForLog(isWatching('INBOX', provider.id));
    const entries = await world.entries(2);
    expect(entries.map((entry) => entry.payload.emailData.subject)).toEqual(['n1', 'n3']);
    expect(
      await world.sql('SELECT status, reason FROM inbound_messages WHERE provider_id = $1 AND uid = 2', [
        provider.id,
      ]),
    ).toEqual([{ status: 'dead_letter', reason: 'RAW_MISSING' }]);
    expect(await second.stop()).toBe(0);
    await world.changeProvider(provider, 'email_providers', { is_active: false });
  });
});
