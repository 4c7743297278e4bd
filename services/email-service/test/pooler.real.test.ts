/** All processes behind PgBouncer in transaction mode, with the settings of its package: no LISTEN, no session that is ours. */
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { migrate } from '@mailstream/migrations/migrate';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { testServers, useDovecot, useEmptyDatabase } from '@mailstream/shared/testing/fixtures';
import { deliver } from '@mailstream/shared/testing/deliver';
import { usePooler } from '@mailstream/shared/testing/pooler';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import {
  isWatching,
  startDaemon,
  useWorld,
  type Daemon,
  type LogLine,
  type SeededProvider,
} from './daemon.ts';

const world = await useWorld();
const empty = await useEmptyDatabase();
const dovecot = useDovecot();
const pooler = await usePooler([world.database.url, testServers().postgres.adminUrl]);
const through = (url: string): string => pooler?.through(url) ?? url;
const env = { ...world.env, DATABASE_URL: through(world.database.url), IMAP_LEASE_TTL_MS: '3000' };
const mains = {
  worker: fileURLToPath(new URL('../../workflow-worker/dist/main.js', import.meta.url)),
  server: fileURLToPath(new URL('../../../server/dist/main.js', import.meta.url)),
};
const processes: Daemon[] = [];
const imapServers: ScriptedImap[] = [];

afterEach(async () => {
  await Promise.all(processes.splice(0).map((each) => each.stop()));
  await Promise.all(imapServers.splice(0).map((each) => each.close()));
});

function start(more: Record<string, string> = {}, main?: string): Daemon {
  const started = startDaemon({ ...env, ...more }, main);
  processes.push(started);
  return started;
}

function isNotHeard(line: LogLine): boolean {
  return line.message.startsWith('notices do not arrive');
}

async function scripted(): Promise<{ server: ScriptedImap; provider: SeededProvider }> {
  const server = await startScriptedImap();
  imapServers.push(server);
  const provider = await world.addProvider({
    host: server.host,
    port: server.port,
    username: 'u',
    password: 'secret',
  });
  return { server, provider };
}

async function ownerOf({ id }: SeededProvider): Promise<string | null> {
  const [row] = await world.sql<{ lease_owner: string | null }>(
    'SELECT lease_owner FROM imap_email_provider_config WHERE email_provider_id = $1 AND lease_expires_at > now()',
    [id],
  );
  return row?.lease_owner ?? null;
}

describe.skipIf(pooler === null)('behind a transaction pooler', () => {
  it('mail becomes an event and a ticket, and no process leaves anything on a connection', async () => {
    const port = await freePort();
    const daemon = start();
    start({}, mains.worker);
    const server = start({ PORT: String(port) }, mains.server);
    const user = dovecot.newUser();
    const provider = await world.addProvider({
      host: dovecot.host,
      port: dovecot.port,
      username: user,
      password: dovecot.password,
    });
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    await deliver({
      host: dovecot.host,
      port: dovecot.lmtpPort,
      from: 'a@example.com',
      to: `${user}@example.com`,
      raw: Buffer.from('From: a@example.com\r\nSubject: through the pooler\r\n\r\nhello\r\n'),
    });
    expect((await world.entries(1)).map((entry) => entry.payload.emailData.subject)).toEqual([
      'through the pooler',
    ]);
    await expect
      .poll(() => world.sql('SELECT subject FROM tickets'), { timeout: 20_000 })
      .toEqual([{ subject: 'through the pooler' }]);

    await server.waitForLog((line) => line.message === 'started');
    const login = await fetch(`http://127.0.0.1:${port}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'nobody@example.com', password: 'wrong' }),
    });
    expect(login.status).toBe(401);

    const client = new pg.Client({ connectionString: env.DATABASE_URL });
    await client.connect();
    try {
      // Each in a transaction: the pooler gives whatever connection is free, most likely one that was just used.
      for (let n = 0; n < 5; n += 1) {
        const { rows } = await client.query(
          `SELECT current_user = session_user AS is_login, current_setting('mailstream.tenant', true) AS tenant,
                  current_setting('statement_timeout') AS timeout,
                  (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks,
                  (SELECT count(*)::int FROM pg_prepared_statements) AS prepared`,
        );
        expect(rows).toEqual([
          {
            is_login: true,
            tenant: expect.toSatisfy((value) => !value),
            timeout: '0',
            locks: 0,
            prepared: 0,
          },
        ]);
      }
    } finally {
      await client.end();
    }
  });

  it('a change of settings, a pause and a resume reach the listener within about a second without notices', async () => {
    const daemon = start();
    const { server, provider } = await scripted();
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    await daemon.waitForLog(isNotHeard);

    const took: number[] = [];
    for (let n = 1; n <= 3; n += 1) {
      const begunMs = performance.now();
      await world.changeProvider(provider, 'imap_email_provider_config', {
        username: `u${n}`,
        config_version: n + 1,
      });
      await expect.poll(() => server.logins.accepted, { interval: 10 }).toBe(n + 1);
      took.push(performance.now() - begunMs);
      await expect.poll(() => server.openConnections.length).toBe(1);
    }
    expect(Math.max(...took)).toBeLessThan(1_500);

    await world.changeProvider(provider, 'email_providers', {
      paused_at: new Date(),
      pause_reason: 'manual',
    });
    await server.deserted();
    server.deliver('INBOX', 'Subject: while paused\r\n\r\nx');
    await world.changeProvider(provider, 'email_providers', { paused_at: null, pause_reason: null });
    await expect
      .poll(
        async () =>
          (await world.entries(1)).filter(({ payload }) => payload.emailData.subject === 'while paused')
            .length,
        { timeout: 10_000 },
      )
      .toBe(1);
  });

  it('another daemon takes over within about a second of SIGTERM, and within the ttl and two seconds of SIGKILL', async () => {
    const { provider } = await scripted();
    const daemons = [start(), start(), start()];
    await Promise.all(daemons.map((daemon) => daemon.waitForLog(isNotHeard)));
    const holder = async (): Promise<Daemon> => {
      const owner = await ownerOf(provider);
      const found = daemons.find((daemon) => daemon.lines.some((line) => line['instanceId'] === owner));
      if (found === undefined) throw new Error('nobody holds the mailbox');
      return found;
    };
    const takeover = async (old: Daemon, end: () => void): Promise<number> => {
      const begunMs = performance.now();
      end();
      await expect.poll(async () => (await holder()) !== old, { interval: 20, timeout: 15_000 }).toBe(true);
      return performance.now() - begunMs;
    };

    const stopped = await holder();
    let exit: Promise<number | null> = Promise.resolve(null);
    expect(await takeover(stopped, () => (exit = stopped.stop()))).toBeLessThan(1_500);
    expect(await exit).toBe(0);

    const killed = await holder();
    expect(await takeover(killed, () => killed.kill('SIGKILL'))).toBeLessThan(5_000);
  });

  it('notices are heard where DATABASE_DIRECT_URL goes past the pooler', async () => {
    const daemon = start({ DATABASE_DIRECT_URL: world.database.url });
    await daemon.waitForLog((line) => line.message === 'notices' && line['state'] === 'heard');
    const { provider } = await scripted();
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    expect(daemon.lines.some(isNotHeard)).toBe(false);
  });

  it('migrations that race leave a whole schema and no lock', async () => {
    const url = through(empty.ownerUrl);
    const [one, two] = await Promise.all([migrate(url), migrate(url)]);
    expect(Math.min(one.length, two.length)).toBe(0);
    const client = new pg.Client({ connectionString: empty.ownerUrl });
    await client.connect();
    const { rows } = await client
      .query(
        `SELECT count(*)::int AS locks FROM pg_locks WHERE locktype = 'advisory'
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      )
      .finally(() => client.end());
    expect(rows).toEqual([{ locks: 0 }]);
  });
});
