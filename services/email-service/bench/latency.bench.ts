/**
 * Latency from LMTP's 250 to the entry on the stream, beside a bare imapflow client that idles in the same mailbox and fetches
 * on EXISTS: the floor, since Dovecot itself holds EXISTS back for about half a second. `npm run bench` prints the table.
 */
import { performance } from 'node:perf_hooks';
import { ImapFlow } from 'imapflow';
import { expect, it } from 'vitest';
import { openDelivery } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { isWatching, startDaemon, useWorld } from '../test/daemon.ts';

const MESSAGES = 100;
const WARM_UP = 5;
const world = await useWorld();
const dovecot = useDovecot();

it('latency of a single message', { timeout: 300_000 }, async () => {
  const user = dovecot.newUser();
  const provider = await world.addProvider({
    host: dovecot.host,
    port: dovecot.port,
    username: user,
    password: dovecot.password,
  });
  const daemon = startDaemon({ ...world.env, LOG_LEVEL: 'debug' });
  await daemon.waitForLog(isWatching('INBOX', provider.id));
  const bare = await watchBare(user);
  const stream = watchStream();
  const session = await openDelivery({ host: dovecot.host, port: dovecot.lmtpPort });
  const ours: number[] = [];
  const floor: number[] = [];
  for (let n = 0; n < WARM_UP + MESSAGES; n += 1) {
    const subject = `bench-${n}`;
    const seenBare = bare.next(subject);
    const seenStream = stream.next(subject);
    const body = 'x'.repeat(2_000);
    await session.send({
      from: 'a@example.com',
      to: `${user}@example.com`,
      raw: Buffer.from(`From: a@example.com\r\nSubject: ${subject}\r\n\r\n${body}\r\n`),
    });
    const accepted = performance.now();
    const [bareAt, streamAt] = await Promise.all([seenBare, seenStream]);
    if (n < WARM_UP) continue;
    floor.push(bareAt - accepted);
    ours.push(streamAt - accepted);
  }
  session.close();
  await bare.close();
  stream.close();
  expect(await daemon.stop()).toBe(0);
  console.table({
    'bare imapflow': quantiles(floor),
    mailstream: quantiles(ours),
    difference: quantiles(ours.map((ms, i) => ms - (floor[i] ?? 0))),
  });
});

function quantiles(values: readonly number[]): Record<string, number> {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) * 10) / 10;
  return { 'min ms': at(0), 'p50 ms': at(0.5), 'p95 ms': at(0.95), 'p99 ms': at(0.99), 'max ms': at(1) };
}

/** Resolvers by subject. */
class Expected {
  readonly #waiting = new Map<string, (atMs: number) => void>();

  next(subject: string): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(subject, resolve));
  }

  seen(subject: string): void {
    this.#waiting.get(subject)?.(performance.now());
  }
}

async function watchBare(
  user: string,
): Promise<{ next(subject: string): Promise<number>; close(): Promise<void> }> {
  const expected = new Expected();
  const client = new ImapFlow({
    host: dovecot.host,
    port: dovecot.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: dovecot.password },
    logger: false,
    disableAutoIdle: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  await client.mailboxOpen('INBOX', { readOnly: true });
  let last = 0;
  let isOpen = true;
  client.on('exists', () => {
    void (async () => {
      for await (const message of client.fetch(`${last + 1}:*`, { source: true, uid: true }, { uid: true })) {
        if (message.uid <= last) continue;
        last = message.uid;
        expected.seen(/^Subject: (.*)\r$/m.exec(message.source?.toString() ?? '')?.[1] ?? '');
      }
      if (isOpen) void client.idle();
    })();
  });
  void client.idle();
  return {
    next: (subject) => expected.next(subject),
    close: async () => {
      isOpen = false;
      await client.logout();
    },
  };
}

function watchStream(): { next(subject: string): Promise<number>; close(): void } {
  const expected = new Expected();
  const reader = world.redis.duplicate();
  let isOpen = true;
  void (async () => {
    for (let last = '$'; isOpen;) {
      const reply = await reader
        .xread('BLOCK', 60_000, 'STREAMS', world.stream, last === '$' ? '0' : last)
        .catch(() => null);
      for (const [, entries] of reply ?? [])
        for (const [id, values] of entries) {
          last = id;
          const payload = JSON.parse(values?.[(values?.indexOf('payload_json') ?? -2) + 1] ?? '{}') as {
            emailData?: { subject?: string };
          };
          expected.seen(payload.emailData?.subject ?? '');
        }
    }
  })();
  return {
    next: (subject) => expected.next(subject),
    close: () => {
      isOpen = false;
      reader.disconnect();
    },
  };
}
