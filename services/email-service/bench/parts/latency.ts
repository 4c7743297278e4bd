/**
 * From LMTP's 250 to the entry on the stream, beside a bare imapflow client that idles in the same mailbox and fetches on EXISTS:
 * the floor, since Dovecot itself holds EXISTS back for about half a second.
 */
import { ImapFlow } from 'imapflow';
import { openDelivery } from '@mailstream/shared/testing/deliver';
import { monotonicMs } from '../farm/farm.ts';
import { median, quantile } from '../report/statistics.ts';
import { openSite } from '../world/site.ts';
import type { Part } from './part.ts';
import { Expected, watchStream, type StreamWatch } from './stream-watch.ts';

const WARM_UP = 3;
const BODY = 'x'.repeat(2_000);

interface Server {
  readonly host: string;
  readonly imapPort: number;
  readonly lmtpPort: number;
  readonly password: string;
}

interface Delays {
  readonly ours: number[];
  readonly floor: number[];
}

export const latency: Part = async ({ servers, sizes, say }) => {
  const { lanes, messagesPerLane, runs } = sizes.latency;
  const dovecot = await servers.dovecot();
  const server: Server = { ...dovecot, host: '127.0.0.1' };
  const all: Delays[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const site = await openSite(servers);
    let stream: StreamWatch | null = null;
    try {
      const users = Array.from({ length: lanes }, (_, lane) => `latency${run}x${lane}`);
      await site.addMailboxes(
        users.map((user) => ({ host: server.host, port: server.imapPort, user, password: server.password })),
      );
      const daemon = await site.startDaemon();
      await daemon.untilWatching(lanes, 60_000);
      const watch = await watchStream(site.redis, site.stream);
      stream = watch;
      const delays: Delays = { ours: [], floor: [] };
      await Promise.all(users.map((user) => lane({ server, user, stream: watch, messagesPerLane, delays })));
      await daemon.stop();
      all.push(delays);
      say(`  run ${run}: p50 ${quantile(delays.ours, 0.5).toFixed(0)} ms`);
    } finally {
      stream?.close();
      await site.close();
    }
  }
  const each = (of: keyof Delays, share: number): readonly number[] =>
    all.map((delays) => quantile(delays[of], share));
  return {
    figures: {
      latency: {
        p50Ms: median(each('ours', 0.5)),
        p99Ms: median(each('ours', 0.99)),
        floorP50Ms: median(each('floor', 0.5)),
        floorP99Ms: median(each('floor', 0.99)),
      },
    },
    series: [
      { name: 'latency: bare imapflow p50', unit: 'ms', values: each('floor', 0.5) },
      { name: 'latency: mailstream p50', unit: 'ms', values: each('ours', 0.5) },
      { name: 'latency: bare imapflow p99', unit: 'ms', values: each('floor', 0.99) },
      { name: 'latency: mailstream p99', unit: 'ms', values: each('ours', 0.99) },
    ],
  };
};

/** One mailbox: the next message is sent when both have seen the last one. */
async function lane(options: {
  readonly server: Server;
  readonly user: string;
  readonly stream: StreamWatch;
  readonly messagesPerLane: number;
  readonly delays: Delays;
}): Promise<void> {
  const { server, user, stream, messagesPerLane, delays } = options;
  const bare = await watchBare(server, user);
  const session = await openDelivery({ host: server.host, port: server.lmtpPort });
  for (let n = 0; n < WARM_UP + messagesPerLane; n += 1) {
    const subject = `${user}-${n}`;
    const seen = [stream.next(subject), bare.next(subject)] as const;
    await session.send({
      from: 'a@example.com',
      to: `${user}@example.com`,
      raw: Buffer.from(`From: a@example.com\r\nSubject: ${subject}\r\n\r\n${BODY}\r\n`),
    });
    const acceptedMs = monotonicMs();
    const [oursMs, bareMs] = await Promise.all(seen);
    if (n < WARM_UP) continue;
    delays.ours.push(oursMs - acceptedMs);
    delays.floor.push(bareMs - acceptedMs);
  }
  session.close();
  await bare.close();
}

async function watchBare(
  server: Server,
  user: string,
): Promise<{ next(subject: string): Promise<number>; close(): Promise<void> }> {
  const expected = new Expected();
  const client = new ImapFlow({
    host: server.host,
    port: server.imapPort,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: server.password },
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
