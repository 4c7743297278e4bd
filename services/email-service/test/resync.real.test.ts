/** Older mail that somebody asks for: counted, fetched once, never what the ledger has, and the cursor stays where it is. */
import { expect, it, onTestFinished } from 'vitest';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { isWatching, startDaemon, useWorld, type Daemon, type SeededProvider } from './daemon.ts';

const world = await useWorld();

interface Answer {
  readonly version: number;
  readonly dry: boolean;
  readonly listed: number;
  readonly known: number;
  readonly came: number;
  readonly missing: number;
}

/** As the API does it. */
async function ask(provider: SeededProvider, startFrom: object, isDryRun = false): Promise<number> {
  const [row] = await world.sql<{ version: number }>(
    `WITH asked AS (
       UPDATE imap_email_provider_config SET resync_version = resync_version + 1
        WHERE email_provider_id = $1 RETURNING tenant, resync_version)
     INSERT INTO folder_resyncs (tenant, provider_id, folder, version, is_dry_run, start_from, requested_by_type, requested_by_id)
     SELECT tenant, $1, 'INBOX', resync_version, $2, $3, 'user', 'x' FROM asked
         ON CONFLICT (tenant, provider_id, folder) DO UPDATE
        SET version = excluded.version, is_dry_run = excluded.is_dry_run, start_from = excluded.start_from, requested_at = now()
     RETURNING version::int`,
    [provider.id, isDryRun, JSON.stringify(startFrom)],
  );
  await world.changeProvider(provider, 'email_providers', { error_message: null });
  return row?.version ?? 0;
}

async function answered(provider: SeededProvider, version: number): Promise<Answer> {
  const read = async (): Promise<Answer | undefined> =>
    (
      await world.sql<Answer>(
        `SELECT answered_version::int AS version, answered_dry_run AS dry, listed::int, known::int, came::int, missing::int
           FROM folder_resyncs WHERE provider_id = $1`,
        [provider.id],
      )
    )[0];
  await expect
    .poll(async () => (await read())?.version ?? 0, { timeout: 20_000, interval: 50 })
    .toBe(version);
  const answer = await read();
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

async function cursorOf(
  provider: SeededProvider,
): Promise<{ baseline: string; last: string; holes: unknown }> {
  const [row] = await world.sql<{ baseline: string; last: string; holes: unknown }>(
    `SELECT folder_state -> 'INBOX' ->> 'baseline_uid' AS baseline, folder_state -> 'INBOX' ->> 'last_uid' AS last,
            folder_state -> 'INBOX' -> 'holes' AS holes
       FROM imap_email_provider_config WHERE email_provider_id = $1`,
    [provider.id],
  );
  if (row === undefined) throw new Error('no provider');
  return row;
}

async function uids(atLeast: number): Promise<readonly number[]> {
  return (await world.entries(atLeast)).map((entry) => entry.payload.emailData.uid);
}

function daemonWith(env: Readonly<Record<string, string>> = {}): Daemon {
  const daemon = startDaemon({ ...world.env, IMAP_AUDIT_INTERVAL_MS: '0', ...env });
  onTestFinished(async () => {
    daemon.kill('SIGTERM');
    await daemon.exited;
    await world.redis.flushdb();
    await world.sql('DELETE FROM email_providers');
  });
  return daemon;
}

const mail = (subject: string): string => `Subject: ${subject}\r\n\r\n${subject}`;

async function mailbox(old: number): Promise<ScriptedImap> {
  const messages = Array.from({ length: old }, (_, n) => mail(`old ${n + 1}`));
  const server = await startScriptedImap({ folders: { INBOX: { messages } } });
  onTestFinished(() => server.close());
  return server;
}

async function watched(daemon: Daemon, { host, port }: ScriptedImap): Promise<SeededProvider> {
  const provider = await world.addProvider({ host, port, username: 'u', password: 'secret' });
  await daemon.waitForLog(isWatching('INBOX', provider.id));
  return provider;
}

it('counts what would come, fetches exactly that, and a second time nothing', async () => {
  const server = await mailbox(5);
  const daemon = daemonWith();
  const provider = await watched(daemon, server);
  for (const subject of ['new 1', 'new 2']) server.deliver('INBOX', mail(subject));
  expect(await uids(2)).toEqual([6, 7]);
  await expect.poll(async () => (await cursorOf(provider)).last).toBe('7');

  const dry = await ask(provider, { kind: 'last', count: 5 }, true);
  expect(await answered(provider, dry)).toMatchObject({
    dry: true,
    listed: 5,
    known: 2,
    came: 0,
    missing: 0,
  });
  expect(await cursorOf(provider)).toMatchObject({ baseline: '5', last: '7' });

  const real = await ask(provider, { kind: 'last', count: 5 });
  expect(await answered(provider, real)).toMatchObject({
    dry: false,
    listed: 5,
    known: 2,
    came: 3,
    missing: 0,
  });
  expect(await uids(5)).toEqual([6, 7, 3, 4, 5]);
  expect(await cursorOf(provider)).toEqual({ baseline: '2', last: '7', holes: [] });

  const again = await ask(provider, { kind: 'last', count: 5 });
  expect(await answered(provider, again)).toMatchObject({ listed: 5, known: 5, came: 0 });
  // Less than there is already changes nothing, and what arrives goes on as before.
  const less = await ask(provider, { kind: 'last', count: 1 });
  expect(await answered(provider, less)).toMatchObject({ listed: 1, known: 1, came: 0 });
  server.deliver('INBOX', mail('new 3'));
  expect(await uids(6)).toEqual([6, 7, 3, 4, 5, 8]);
  expect(await cursorOf(provider)).toMatchObject({ baseline: '2', last: '8' });
});

it('takes the whole mailbox from a date on, in portions, and leaves no audit something to find', async () => {
  const server = await mailbox(60);
  const daemon = daemonWith({ IMAP_MAX_EMAILS_PER_SYNC: '7' });
  const provider = await watched(daemon, server);
  const version = await ask(provider, { kind: 'since', date: '1970-01-01' });
  expect(await answered(provider, version)).toMatchObject({ listed: 60, known: 0, came: 60, missing: 0 });
  expect(await uids(60)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
  expect(
    daemon.lines.some((line) => line.message === 'audit found messages that are not in the ledger'),
  ).toBe(false);
});

it('goes on where it was when its process is killed half-way, and brings nothing twice', async () => {
  const server = await mailbox(40);
  const first = daemonWith({ IMAP_MAX_EMAILS_PER_SYNC: '4', IMAP_LEASE_TTL_MS: '3000' });
  const provider = await watched(first, server);
  const version = await ask(provider, { kind: 'last', count: 40 });
  await uids(8);
  first.kill('SIGKILL');
  await first.exited;
  daemonWith({ IMAP_MAX_EMAILS_PER_SYNC: '4', IMAP_LEASE_TTL_MS: '3000' });
  expect(await answered(provider, version)).toMatchObject({ listed: 40, known: 0, came: 40, missing: 0 });
  const all = await uids(40);
  expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
});
