/**
 * What mail notices of a fleet that grows and shrinks: numbered messages are delivered to all mailboxes while one replica comes
 * and one goes, and each message's delay is told by the time in its stream entry's id. One scripted IMAP server is all the
 * mailboxes' host, so that two cores are enough.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { expect } from 'vitest';
import { startDaemon, type Daemon, type World } from './daemon.ts';

export interface MovesOptions {
  readonly world: World;
  readonly servers: number;
  readonly mailboxesEach: number;
  /** Between two messages, each to the mailboxes of one server, milliseconds. */
  readonly everyMs: number;
  /** Goes on this long after the shares are even again, milliseconds. */
  readonly calmMs: number;
  readonly env: Readonly<Record<string, string>>;
}

export interface Phase {
  /** Mailboxes of each replica at its end, the smallest first. */
  readonly shares: readonly number[];
  /** Until every share was within 10 % of the fair one, milliseconds. */
  readonly evenAfterMs: number;
  /** From delivery to the entry, of each mailbox's every message of the phase, milliseconds, sorted. */
  readonly delaysMs: readonly number[];
}

export interface Moves {
  readonly calm: Phase;
  readonly come: Phase;
  readonly go: Phase;
  /** Of all messages. */
  readonly missing: number;
  readonly doubled: number;
}

export async function measureMoves(options: MovesOptions): Promise<Moves> {
  const { world, mailboxesEach, everyMs, calmMs } = options;
  const mailboxes = options.servers * mailboxesEach;
  const servers: ScriptedImap[] = [];
  const daemons: Daemon[] = [];
  const start = (): Daemon => {
    const daemon = startDaemon({ ...world.env, LOG_LEVEL: 'info', ...options.env });
    daemons.push(daemon);
    return daemon;
  };
  const deliveredAt: number[] = [];
  const deliver = (): void => {
    const server = servers[deliveredAt.length % servers.length];
    server?.deliver('INBOX', `Subject: ${deliveredAt.length}\r\n\r\nx`);
    deliveredAt.push(Date.now());
  };
  const ending = new AbortController();
  let sending: Promise<void> = Promise.resolve();
  const even = async (replicas: number): Promise<Omit<Phase, 'delaysMs'>> => {
    const begunMs = performance.now();
    const fair = mailboxes / replicas;
    let shares: readonly number[] = [];
    await expect
      .poll(
        async () => {
          shares = await sharesOf(world);
          const sum = shares.reduce((total, share) => total + share, 0);
          const areNear = shares.every((share) => Math.abs(share - fair) <= Math.max(1, fair / 10));
          return sum === mailboxes && shares.length === replicas && areNear;
        },
        { timeout: 120_000, interval: 100 },
      )
      .toBe(true);
    const evenAfterMs = Math.round(performance.now() - begunMs);
    await delay(calmMs);
    return { shares: await sharesOf(world), evenAfterMs };
  };
  try {
    const tenant = await world.addTenant();
    for (let n = 0; n < options.servers; n += 1) {
      const server = await startScriptedImap();
      servers.push(server);
      const { host, port } = server;
      for (let user = 0; user < mailboxesEach; user += 1)
        await world.addProvider({ host, port, username: `u${user}`, password: 'secret' }, tenant);
    }
    start();
    start();
    await even(2);
    for (const server of servers) await server.seen('IDLE', mailboxesEach);
    // The first message of each mailbox finds caches cold: it is not counted.
    for (let n = 0; n < servers.length; n += 1) deliver();
    await world.entries(mailboxes);

    sending = (async () => {
      while (!ending.signal.aborted) {
        deliver();
        await delay(everyMs, undefined, { signal: ending.signal }).catch(() => undefined);
      }
    })();
    const marks = [deliveredAt.length];
    const calm = await even(2);
    marks.push(deliveredAt.length);
    start();
    const come = await even(3);
    marks.push(deliveredAt.length);
    const leaving = daemons[0]?.stop();
    const go = await even(2);
    ending.abort();
    await sending;
    expect(await leaving).toBe(0);

    const entries = await world.entries(mailboxesEach * deliveredAt.length);
    const seen = new Map<string, number>();
    const delays: number[][] = [[], [], []];
    for (const { id, payload } of entries) {
      const number = Number(payload.emailData.subject);
      const key = `${payload.providerId} ${number}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
      const phase = marks.findLastIndex((mark) => number >= mark);
      delays[phase]?.push(Number(id.split('-')[0]) - (deliveredAt[number] ?? 0));
    }
    const sorted = (phase: number): readonly number[] => (delays[phase] ?? []).toSorted((a, b) => a - b);
    return {
      calm: { ...calm, delaysMs: sorted(0) },
      come: { ...come, delaysMs: sorted(1) },
      go: { ...go, delaysMs: sorted(2) },
      missing: mailboxesEach * deliveredAt.length - seen.size,
      doubled: entries.length - seen.size,
    };
  } finally {
    ending.abort();
    await sending;
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    await Promise.all(servers.map((server) => server.close()));
  }
}

/** Mailboxes per instance that holds any, the smallest first. */
export async function sharesOf(world: World): Promise<readonly number[]> {
  const rows = await world.sql<{ n: number }>(
    'SELECT count(*)::int AS n FROM imap_email_provider_config WHERE lease_owner IS NOT NULL AND lease_expires_at > now() GROUP BY lease_owner ORDER BY 1',
  );
  return rows.map((row) => row.n);
}
