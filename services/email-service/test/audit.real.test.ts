/** The audit compares the mailbox with the ledger: what is missing is told, fetched and published (DESIGN, promise P5). */
import { expect, it, onTestFinished } from 'vitest';
import { deliver } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { omitUids } from '@mailstream/shared/testing/scripted-imap-faults';
import {
  isWatching,
  startDaemon,
  useWorld,
  type Daemon,
  type SeededProvider,
  type StreamEntry,
} from './daemon.ts';

const world = await useWorld();
const dovecot = useDovecot();

interface AuditRow {
  readonly version: number;
  readonly reason: string;
  readonly checked: number;
  readonly missing: number;
  readonly found: number;
  readonly waiting: number;
  readonly unpublished: number;
  readonly uid_validity: string;
  readonly proven_at: Date | null;
  readonly unseen: number;
  readonly oldest_unseen_at: Date | null;
}

async function statusOf(provider: SeededProvider): Promise<AuditRow | null> {
  const [row] = await world.sql<AuditRow & { folder: string }>(
    `SELECT audit_version::int AS version, audit_reason AS reason, audit_checked::int AS checked, audit_missing::int AS missing,
            audit_found::int AS found, audit_waiting::int AS waiting, audit_unpublished::int AS unpublished,
            audit_uid_validity AS uid_validity, proven_at, unseen::int, oldest_unseen_at
       FROM folder_status WHERE provider_id = $1`,
    [provider.id],
  );
  return row ?? null;
}

/** As the API does it; `isTold: false` leaves out the notice, as a transaction pooler would. */
async function ask(provider: SeededProvider, isTold = true): Promise<number> {
  const [row] = await world.sql<{ version: number }>(
    `UPDATE imap_email_provider_config SET audit_version = audit_version + 1, audit_requested_at = now()
      WHERE email_provider_id = $1 RETURNING audit_version::int AS version`,
    [provider.id],
  );
  if (isTold) await world.changeProvider(provider, 'email_providers', { error_message: null });
  return row?.version ?? 0;
}

async function audited(provider: SeededProvider, version: number): Promise<AuditRow> {
  await expect
    .poll(async () => (await statusOf(provider))?.version ?? 0, { timeout: 20_000, interval: 50 })
    .toBe(version);
  const row = await statusOf(provider);
  if (row === null) throw new Error('no status');
  return row;
}

const withFolder = async (provider: SeededProvider, atLeast: number): Promise<readonly StreamEntry[]> =>
  (await world.entries(atLeast)).filter((entry) => entry.payload.providerId === provider.id);

const uidsOf = (entries: readonly StreamEntry[]): readonly number[] =>
  entries.map((entry) => entry.payload.emailData.uid);

async function metric(daemon: Daemon, name: string): Promise<string> {
  const { port } = (await daemon.waitForLog(
    (line) => line.message === 'health and metrics are served',
  )) as unknown as { port: number };
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? '';
}

function daemonWith(env: Readonly<Record<string, string>>): Daemon {
  const daemon = startDaemon({ ...world.env, IMAP_AUDIT_INTERVAL_MS: '0', ...env });
  onTestFinished(async () => {
    expect(await daemon.stop()).toBe(0);
    await world.redis.flushdb();
    await world.sql('DELETE FROM email_providers');
  });
  return daemon;
}

async function scripted(messages: readonly string[] = []): Promise<ScriptedImap> {
  const server = await startScriptedImap({ folders: { INBOX: { messages } } });
  onTestFinished(() => server.close());
  return server;
}

async function watched(daemon: Daemon, server: ScriptedImap): Promise<SeededProvider> {
  const { host, port } = server;
  const provider = await world.addProvider({ host, port, username: 'u', password: 'secret' });
  await daemon.waitForLog(isWatching('INBOX', provider.id));
  return provider;
}

const mail = (subject: string): string => `Subject: ${subject}\r\n\r\nx`;

it('a message that the ledger lost is found by the next scheduled audit and published', async () => {
  const server = await scripted([mail('before')]);
  const daemon = daemonWith({ IMAP_AUDIT_INTERVAL_MS: '1500' });
  const provider = await watched(daemon, server);
  for (const subject of ['a', 'b', 'c']) server.deliver('INBOX', mail(subject));
  await world.entries(3);
  await world.sql('DELETE FROM inbound_messages WHERE provider_id = $1 AND uid = 3', [provider.id]);

  const told = await daemon.waitForLog(
    (line) => line.message === 'audit found messages that are not in the ledger',
  );
  expect(told).toMatchObject({ level: 'error', count: 1, total: 3 });
  const entries = await world.entries(4);
  expect(entries.map((entry) => entry.payload.emailData.subject)).toEqual(['a', 'b', 'c', 'b']);
  expect(new Set(entries.map((entry) => entry.fields['event_id'])).size).toBe(3);
  await expect.poll(() => metric(daemon, 'mailstream_audit_found_total')).toBe('1');
  expect(await metric(daemon, 'mailstream_audit_missing')).toBe('0');
  expect(await statusOf(provider)).toMatchObject({ reason: 'schedule', version: 0, checked: 3, missing: 0 });
});

it('an audit that somebody asks for publishes exactly the rows that a real mailbox has and the ledger lost', async () => {
  const daemon = daemonWith({});
  const user = dovecot.newUser();
  const { host, port, password } = dovecot;
  const provider = await world.addProvider({ host, port, username: user, password });
  await daemon.waitForLog(isWatching('INBOX', provider.id));
  for (let n = 1; n <= 20; n += 1)
    await deliver({
      host,
      port: dovecot.lmtpPort,
      from: 'a@example.test',
      to: `${user}@example.test`,
      raw: Buffer.from(mail(String(n))),
    });
  await world.entries(20);
  await expect
    .poll(async () => (await world.sql("SELECT 1 FROM inbound_messages WHERE status = 'published'")).length)
    .toBe(20);
  await world.sql('DELETE FROM inbound_messages WHERE provider_id = $1 AND uid IN (3, 7, 12)', [provider.id]);

  const row = await audited(provider, await ask(provider));
  expect(row).toMatchObject({
    reason: 'request',
    checked: 20,
    found: 3,
    missing: 0,
    waiting: 0,
    unpublished: 0,
  });
  const entries = await withFolder(provider, 23);
  expect(uidsOf(entries).slice(20)).toEqual([3, 7, 12]);
  expect(await audited(provider, await ask(provider))).toMatchObject({ checked: 20, found: 0, missing: 0 });
  expect(await withFolder(provider, 23)).toHaveLength(23);
});

it('a request is answered also where no notice arrives, and one that comes while an audit runs is not lost', async () => {
  const server = await scripted([mail('a')]);
  const daemon = daemonWith({ DATABASE_DIRECT_URL: 'postgres://nobody@127.0.0.1:1/none' });
  const provider = await watched(daemon, server);
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const begun = new Promise<void>((resolve) => {
    // The audit lists everything above the baseline a second time, after the pass.
    let searches = 0;
    server.on('UID SEARCH', async (): Promise<false> => {
      searches += 1;
      if (searches !== 2) return false;
      resolve();
      await held;
      return false;
    });
  });
  const asked = Date.now();
  const first = await ask(provider, false);
  await begun;
  expect(Date.now() - asked).toBeLessThan(4_000);
  const second = await ask(provider, false);
  release();
  expect(second).toBe(first + 1);
  expect(await audited(provider, second)).toMatchObject({ reason: 'request', missing: 0 });
});

it('a request to an instance that is gone is answered by the next owner, once', async () => {
  const server = await scripted();
  const first = daemonWith({ IMAP_LEASE_TTL_MS: '2000' });
  const provider = await watched(first, server);
  first.kill('SIGSTOP');
  const version = await ask(provider);
  const next = daemonWith({ IMAP_LEASE_TTL_MS: '2000' });
  expect(await audited(provider, version)).toMatchObject({ reason: 'request' });
  first.kill('SIGCONT');
  await next.waitForLog(isWatching('INBOX', provider.id));
  const before = await statusOf(provider);
  await audited(provider, await ask(provider));
  expect(before?.version).toBe(version);
});

it('a message that shows late, far below the cursor, is published by the audit', async () => {
  const server = await scripted();
  const daemon = daemonWith({});
  const provider = await watched(daemon, server);
  server.deliver('INBOX', mail('late'), { uid: 5, hidden: true });
  server.deliver('INBOX', mail('early'), { uid: 9_000 });
  await world.entries(1);
  server.reveal('INBOX', 5);
  expect(await audited(provider, await ask(provider))).toMatchObject({ checked: 2, found: 1, missing: 0 });
  expect(uidsOf(await withFolder(provider, 2))).toEqual([9_000, 5]);
});

it('what the server shows and does not deliver stays missing until it comes', async () => {
  const server = await scripted();
  const daemon = daemonWith({});
  const provider = await watched(daemon, server);
  const deliverNow = server.on('UID FETCH', omitUids(2));
  for (const subject of ['a', 'b', 'c']) server.deliver('INBOX', mail(subject));
  await world.entries(2);
  expect(await audited(provider, await ask(provider))).toMatchObject({ checked: 3, found: 0, missing: 1 });
  expect(await metric(daemon, 'mailstream_audit_missing')).toBe('1');
  expect(Number(await metric(daemon, 'mailstream_unseen_messages'))).toBe(1);
  expect(Number(await metric(daemon, 'mailstream_holes'))).toBe(1);
  expect(Number(await metric(daemon, 'mailstream_unseen_oldest_age_seconds'))).toBeGreaterThan(0);
  deliverNow();
  expect(await audited(provider, await ask(provider))).toMatchObject({ checked: 3, missing: 0 });
  expect(uidsOf(await withFolder(provider, 3))).toEqual([1, 3, 2]);
  expect(await metric(daemon, 'mailstream_audit_missing')).toBe('0');
});

it('mail that keeps coming is never taken for a loss, and a new UIDVALIDITY makes no old mail missing', async () => {
  const server = await scripted();
  const daemon = daemonWith({ IMAP_MAX_EMAILS_PER_SYNC: '5' });
  const provider = await watched(daemon, server);
  let version = 0;
  for (let n = 1; n <= 60; n += 1) {
    server.deliver('INBOX', mail(String(n)));
    if (n % 20 === 0) version = await ask(provider);
  }
  expect(await audited(provider, version)).toMatchObject({ found: 0, missing: 0 });
  await world.entries(60);
  server.folder('INBOX').rebuild(77);
  server.dropConnections();
  server.deliver('INBOX', mail('new'));
  await world.entries(61);
  const row = await audited(provider, await ask(provider));
  expect(row).toMatchObject({ uid_validity: '77', checked: 61, found: 0, missing: 0 });
  expect(await withFolder(provider, 61)).toHaveLength(61);
  const missing = daemon.lines.filter(
    (line) => line.message === 'audit found messages that are not in the ledger',
  );
  expect(missing).toEqual([]);
});

it('mail that comes between a pass and its audit is fetched, although only the audit’s list tells of it', async () => {
  const [server, other] = [await scripted(), await scripted()];
  const daemon = daemonWith({});
  const provider = await watched(daemon, server);
  server.once('UID FETCH', async () => {
    await ask(provider);
    // Notices come in order: the request has arrived as well.
    await watched(daemon, other);
    server.deliver('INBOX', mail('meanwhile'));
    return false as const;
  });
  server.deliver('INBOX', mail('first'));
  expect(uidsOf(await withFolder(provider, 2))).toEqual([1, 2]);
});

it('a folder whose server falls silent is stale, is connected anew by itself, and says when all is known again', async () => {
  const server = await scripted();
  const daemon = daemonWith({ IMAP_DATA_AGE_LIMIT_MS: '3000', IMAP_CONNECTION_TIMEOUT_MS: '20000' });
  const provider = await watched(daemon, server);
  await expect
    .poll(async () => (await statusOf(provider))?.proven_at ?? null, { timeout: 10_000 })
    .not.toBeNull();
  const listen = server.on('UID SEARCH', () => new Promise<void>(() => undefined));
  server.deliver('INBOX', mail('unheard'));
  const stale = await daemon.waitForLog((line) => line.message.startsWith('a folder is stale'));
  expect(stale).toMatchObject({ level: 'error', providerId: provider.id, folder: 'INBOX' });
  await daemon.waitForLog((line) => line['code'] === 'IMAP_DATA_STALE');
  expect(Number(await metric(daemon, 'mailstream_stale_reconnects_total'))).toBeGreaterThan(0);
  listen();
  await daemon.waitForLog((line) => line.message === 'everything in a folder is known to be here again');
  expect(uidsOf(await withFolder(provider, 1))).toEqual([1]);
  expect(daemon.lines.filter((line) => line.message.startsWith('a folder is stale'))).toHaveLength(1);
});
