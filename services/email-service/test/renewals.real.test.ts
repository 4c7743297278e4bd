/** Leases live on whatever else hangs: mail servers, ingest that has used up its connections, one row that somebody holds. */
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { openTcpLink, throughLink } from '@mailstream/shared/testing/tcp-link';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWatching, startDaemon, useWorld, type Daemon, type SeededProvider } from './daemon.ts';

const TTL_MS = 3_000;
/** More than the connections that ingest may use, and all that the host may get: the other mailboxes wait for a turn. */
const BUSY_MAILBOXES = 14;
const world = await useWorld();
const postgres = await openTcpLink({
  host: new URL(world.database.url).hostname,
  port: Number(new URL(world.database.url).port),
});
let renewals = 0;
let daemon: Daemon;
let busyServer: ScriptedImap;
let quietServer: ScriptedImap;
let hungServer: ScriptedImap;
const busy: SeededProvider[] = [];
const quiet: SeededProvider[] = [];
const hung: SeededProvider[] = [];

async function add(
  server: { host: string; port: number },
  count: number,
  to: SeededProvider[],
): Promise<void> {
  for (let n = 0; n < count; n += 1)
    to.push(
      await world.addProvider({
        host: server.host,
        port: server.port,
        username: `u${n}`,
        password: 'secret',
      }),
    );
}

interface Lease {
  readonly epoch: number;
  readonly expires: Date;
}

async function leasesOf(providers: readonly SeededProvider[]): Promise<readonly Lease[]> {
  return world.sql<{ epoch: number; expires: Date }>(
    `SELECT lease_epoch::int AS epoch, lease_expires_at AS expires FROM imap_email_provider_config
      WHERE email_provider_id = ANY ($1) AND lease_expires_at > now() ORDER BY email_provider_id`,
    [providers.map(({ id }) => id)],
  );
}

/** Until every one was renewed for one and a half ttls from now on, all under the term they had. */
async function expectToLiveOn(providers: readonly SeededProvider[]): Promise<void> {
  const before = await leasesOf(providers);
  expect(before).toHaveLength(providers.length);
  const until = Date.now() + 2.5 * TTL_MS;
  await expect
    .poll(
      async () => {
        const now = await leasesOf(providers);
        expect(now.map(({ epoch }) => epoch)).toEqual(before.map(({ epoch }) => epoch));
        return Math.min(...now.map(({ expires }) => expires.getTime()));
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBeGreaterThan(until);
}

/** Mailboxes that say they wait because of the cap. */
async function waitingForATurn(): Promise<number> {
  const [row] = await world.sql<{ n: number }>(
    `SELECT count(*)::int AS n FROM imap_email_provider_config
      WHERE jsonb_path_exists(folder_health, '$.*.code ? (@ == "IMAP_CONNECTION_TURNS")')`,
  );
  return row?.n ?? 0;
}

/** Of the ten that ingest may use. */
async function connectionsHeldUp(): Promise<number> {
  const [row] = await world.sql<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'mailstream-email' AND wait_event_type = 'Lock'`,
  );
  return row?.n ?? 0;
}

beforeAll(async () => {
  postgres.intercept((piece) => {
    if (piece.includes('SET lease_expires_at = now()') && piece.includes('renewed AS (')) renewals += 1;
    return 'pass';
  });
  [busyServer, quietServer, hungServer] = await Promise.all([
    startScriptedImap(),
    startScriptedImap(),
    startScriptedImap(),
  ]);
  await add(busyServer, BUSY_MAILBOXES, busy);
  await add(quietServer, 10, quiet);
  await add(hungServer, 3, hung);
  daemon = startDaemon({
    ...world.env,
    DATABASE_URL: throughLink(world.database.url, postgres),
    IMAP_LEASE_TTL_MS: String(TTL_MS),
    IMAP_MAX_CONNECTIONS_PER_HOST: String(BUSY_MAILBOXES),
  });
  for (const { id } of [...busy, ...quiet, ...hung]) await daemon.waitForLog(isWatching('INBOX', id));
});

afterAll(async () => {
  expect(await daemon.stop()).toBe(0);
  await Promise.all([busyServer.close(), quietServer.close(), hungServer.close(), postgres.close()]);
});

/** Runs `work` while a transaction of somebody else holds what `statement` locks. */
async function whileHeld(
  statement: string,
  values: readonly unknown[],
  work: () => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString: world.database.ownerUrl });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(statement, [...values]);
    await work();
    await client.query('ROLLBACK');
  } finally {
    await client.end();
  }
}

describe('leases', () => {
  it('are renewed in one statement per beat, however many there are', async () => {
    const before = renewals;
    const begunMs = performance.now();
    await expectToLiveOn([...busy, ...quiet, ...hung]);
    const beats = (performance.now() - begunMs) / (TTL_MS / 3);
    // A beat comes 10 % sooner or later, and a row that is busy at its moment is asked for once more.
    expect(renewals - before).toBeGreaterThanOrEqual(2);
    expect(renewals - before).toBeLessThanOrEqual(Math.ceil(1.2 * beats) + 2);
  });

  it('live on while more folders wait for a connection than may have one', async () => {
    await expect.poll(waitingForATurn, { timeout: 20_000 }).toBeGreaterThanOrEqual(quiet.length);
    await expectToLiveOn([...busy, ...quiet, ...hung]);
    expect(await waitingForATurn()).toBeGreaterThan(0);
  });

  it('live on while a mail server hangs and ingest has used up its connections', async () => {
    hungServer.on('*', () => new Promise(() => undefined));
    await whileHeld('LOCK TABLE inbound_messages IN ACCESS EXCLUSIVE MODE', [], async () => {
      busyServer.deliver('INBOX', 'Subject: held up\r\n\r\nx');
      hungServer.deliver('INBOX', 'Subject: never told\r\n\r\nx');
      await expect.poll(connectionsHeldUp, { timeout: 20_000 }).toBeGreaterThanOrEqual(9);
      await expectToLiveOn([...quiet, ...hung]);
    });
    const entries = await world.entries(BUSY_MAILBOXES);
    expect(entries.map(({ payload }) => payload.providerId).toSorted()).toEqual(
      busy.map(({ id }) => id).toSorted(),
    );
  });

  it('live on while one row is held, whose provider alone loses its own and gets it back', async () => {
    const [held] = quiet;
    if (held === undefined) throw new Error('no provider');
    const [before] = await leasesOf([held]);
    await whileHeld(
      'SELECT FROM imap_email_provider_config WHERE email_provider_id = $1 FOR UPDATE',
      [held.id],
      () => expectToLiveOn(quiet.slice(1)),
    );
    await expect
      .poll(async () => (await leasesOf([held]))[0]?.epoch, { timeout: 20_000 })
      .toBe((before?.epoch ?? 0) + 1);
    quietServer.deliver('INBOX', 'Subject: after\r\n\r\nx');
    const entries = await world.entries(BUSY_MAILBOXES + quiet.length);
    expect(entries.filter(({ payload }) => payload.providerId === held.id)).toHaveLength(1);
  });
});
