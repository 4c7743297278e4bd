/** What happens to a provider over time (issue 2): pause, resume, folders, passwords, settings, deletion, servers that cannot be reached. */
import { constants } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openDelivery } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { makeTestCertificate, type TestCertificate } from '@mailstream/shared/testing/test-certificate';
import {
  isWatching,
  startDaemon,
  useWorld,
  type Daemon,
  type LogLine,
  type SeededProvider,
} from './daemon.ts';

const world = await useWorld();
const dovecot = useDovecot();
let daemon: Daemon;
const servers: ScriptedImap[] = [];
const LAST_YEAR = { from: new Date('2020-01-01'), to: new Date('2021-01-01') };
const expired = makeTestCertificate(['127.0.0.1'], LAST_YEAR);
const otherName = makeTestCertificate(['mail.example.com']);

beforeAll(async () => {
  // Both are trusted, so that only the date and the name are wrong.
  const authorities = join(world.storageDir, 'authorities.pem');
  await writeFile(authorities, expired.cert + otherName.cert);
  daemon = startDaemon({
    ...world.env,
    IMAP_CONNECTION_TIMEOUT_MS: '2000',
    NODE_EXTRA_CA_CERTS: authorities,
  });
});

afterAll(async () => {
  expect(await daemon.stop()).toBe(0);
  for (const server of servers) await server.close();
});

async function onDovecot(
  extra: { folders?: readonly string[]; startFrom?: object } = {},
): Promise<{ user: string; provider: SeededProvider }> {
  const user = dovecot.newUser();
  return {
    user,
    provider: await world.addProvider({
      host: dovecot.host,
      port: dovecot.port,
      username: user,
      password: dovecot.password,
      ...extra,
    }),
  };
}

const lease = (provider: SeededProvider, state: string) => (line: LogLine) =>
  line.message === 'lease' && line['providerId'] === provider.id && line['state'] === state;
const fault = (provider: SeededProvider) => (line: LogLine) =>
  line.message === 'listener fault' && line['providerId'] === provider.id;

/** Asks the database until the answer is right: health is written a moment after the listener's state. */
async function statusOf(
  provider: SeededProvider,
  status: string,
): Promise<{ error_code: string | null; error_message: string | null; status: string }> {
  for (;;) {
    const [row] = await world.sql<{
      status: string;
      error_code: string | null;
      error_message: string | null;
    }>('SELECT status, error_code, error_message FROM email_providers WHERE id = $1', [provider.id]);
    if (row?.status === status) return row;
  }
}

async function folderState(
  provider: SeededProvider,
): Promise<Record<string, { last_uid: string; baseline_uid: string }>> {
  const [row] = await world.sql<{ folder_state: Record<string, { last_uid: string; baseline_uid: string }> }>(
    'SELECT folder_state FROM imap_email_provider_config WHERE email_provider_id = $1',
    [provider.id],
  );
  return row?.folder_state ?? {};
}

async function subjects(provider: SeededProvider, count: number): Promise<readonly string[]> {
  for (let total = count; ;) {
    const entries = await world.entries(total);
    const mine = entries
      .filter((entry) => entry.payload.providerId === provider.id)
      .map((entry) => entry.payload.emailData.subject);
    if (mine.length >= count) return mine;
    total = entries.length + 1;
  }
}

describe('a provider', () => {
  it('that is paused and resumed after 500 messages gets all 500, in order', async () => {
    const { user, provider } = await onDovecot();
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    await world.changeProvider(provider, 'email_providers', {
      paused_at: new Date(),
      pause_reason: 'manual',
    });
    await daemon.waitForLog(lease(provider, 'stopped'));
    const before = await folderState(provider);
    const session = await openDelivery({ host: dovecot.host, port: dovecot.lmtpPort });
    for (let n = 1; n <= 500; n += 1)
      await session.send({
        from: 'a@example.com',
        to: `${user}@example.com`,
        raw: Buffer.from(`From: a@example.com\r\nSubject: p${n}\r\n\r\nx\r\n`),
      });
    session.close();
    expect(await folderState(provider)).toEqual(before);
    await world.changeProvider(provider, 'email_providers', { paused_at: null, pause_reason: null });
    expect(await subjects(provider, 500)).toEqual(Array.from({ length: 500 }, (_, i) => `p${i + 1}`));
  });

  it('has its first proof stamped within seconds: people wait for it', async () => {
    const { provider } = await onDovecot();
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    const proven = async (): Promise<number> =>
      (
        await world.sql('SELECT 1 FROM folder_status WHERE provider_id = $1 AND proven_at IS NOT NULL', [
          provider.id,
        ])
      ).length;
    await expect.poll(proven, { timeout: 20_000 }).toBe(1);
  });

  it('with an empty mailbox has its baseline stored', async () => {
    const { provider } = await onDovecot();
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    expect((await folderState(provider))['INBOX']).toMatchObject({ last_uid: '0', baseline_uid: '0' });
  });

  it('that gets a second folder starts it at its own baseline, and stops the one that was taken away', async () => {
    const server = await startScriptedImap({
      folders: {
        INBOX: { messages: ['Subject: old\r\n\r\nx'] },
        'Büro & Ablage': {
          uidValidity: 9,
          messages: Array.from({ length: 7 }, () => 'Subject: older\r\n\r\nx'),
        },
      },
    });
    servers.push(server);
    const provider = await world.addProvider({
      host: server.host,
      port: server.port,
      username: 'u',
      password: 'secret',
    });
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    await world.changeProvider(provider, 'imap_email_provider_config', {
      folder_filters: JSON.stringify(['Büro & Ablage']),
      config_version: 2,
    });
    await daemon.waitForLog(isWatching('Büro & Ablage', provider.id));
    const state = await folderState(provider);
    expect(state['INBOX']).toMatchObject({ baseline_uid: '1' });
    expect(state['Büro & Ablage']).toMatchObject({ baseline_uid: '7', last_uid: '7' });
    server.deliver('Büro & Ablage', 'Subject: new here\r\n\r\nx');
    expect(await subjects(provider, 1)).toEqual(['new here']);
  });

  it('whose folder is renamed says so, and goes on where it was when the folder is back', async () => {
    const user = dovecot.newUser();
    const writer = new ImapFlow({
      host: dovecot.host,
      port: dovecot.port,
      secure: false,
      doSTARTTLS: false,
      auth: { user, pass: dovecot.password },
      logger: false,
    });
    await writer.connect();
    onTestFinished(() => writer.close());
    await writer.mailboxCreate('Work');
    const append = (folder: string, subject: string): Promise<unknown> =>
      writer.append(folder, `Subject: ${subject}\r\n\r\nx\r\n`);
    await append('Work', 'before');
    const provider = await world.addProvider({
      host: dovecot.host,
      port: dovecot.port,
      username: user,
      password: dovecot.password,
      folders: ['Work'],
      startFrom: { kind: 'last', count: 1 },
    });
    expect(await subjects(provider, 1)).toEqual(['before']);
    const reconnect = (version: number): Promise<void> =>
      world.changeProvider(provider, 'imap_email_provider_config', { config_version: version });

    await writer.mailboxRename('Work', 'Done');
    await append('Done', 'while it had another name');
    await reconnect(2);
    await daemon.waitForLog(
      (line) =>
        line.message === 'listener fault' &&
        line['folder'] === 'Work' &&
        line['code'] === 'IMAP_FOLDER_MISSING',
    );
    await writer.mailboxRename('Done', 'Work');
    await append('Work', 'after');
    await reconnect(3);
    const found = await subjects(provider, 3);
    expect(found.filter((subject) => subject !== 'before')).toEqual(['while it had another name', 'after']);
  });

  it('that starts from the last two messages gets those two', async () => {
    const server = await startScriptedImap({
      folders: { INBOX: { messages: [1, 2, 3, 4, 5].map((n) => `Subject: s${n}\r\n\r\nx`) } },
    });
    servers.push(server);
    const provider = await world.addProvider({
      host: server.host,
      port: server.port,
      username: 'u',
      password: 'secret',
      startFrom: { kind: 'last', count: 2 },
    });
    expect(await subjects(provider, 2)).toEqual(['s4', 's5']);
  });

  it('that is deleted is forgotten', async () => {
    const { provider } = await onDovecot();
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    await world.sql('DELETE FROM email_providers WHERE id = $1', [provider.id]);
    await world.changeProvider(provider, 'email_providers', { is_active: true });
    await daemon.waitForLog(lease(provider, 'stopped'));
  });
});

describe('a log whose reader is slow', () => {
  it('makes the process wait for the reader, not for 100 ms each time that the pipe is full', async () => {
    const { provider } = await onDovecot();
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    const [, flags = ''] =
      /^flags:\s*(\d+)$/m.exec(await readFile(`/proc/${daemon.pid}/fdinfo/1`, 'utf8')) ?? [];
    expect(Number.parseInt(flags, 8) & constants.O_NONBLOCK).toBe(0);
  });
});

describe('a wrong password', () => {
  it('is told in words, costs one login a folder and no more, and is forgiven when it is corrected', async () => {
    let right = 'first';
    const server = await startScriptedImap({
      folders: { INBOX: {}, A: {}, B: {} },
      checkPassword: (_user, given) => given === right,
    });
    servers.push(server);
    const seed = {
      host: server.host,
      port: server.port,
      username: 'u',
      password: 'first',
      folders: ['INBOX', 'A', 'B'],
    };
    const provider = await world.addProvider(seed);
    for (const folder of seed.folders) await daemon.waitForLog(isWatching(folder, provider.id));
    const cursor = await folderState(provider);
    right = 'second';
    server.dropConnections();
    const { error_code: code, error_message: message } = await statusOf(provider, 'error');
    expect(code).toBe('IMAP_AUTH_REJECTED');
    expect(message).toMatch(/password/);
    expect(server.logins.refused).toBeLessThanOrEqual(3);
    expect(await folderState(provider)).toEqual(cursor);
    server.deliver('A', 'Subject: while locked out\r\n\r\nx');
    await world.setPassword(provider, 'second');
    expect(await subjects(provider, 1)).toEqual(['while locked out']);
    await statusOf(provider, 'connected');
  });
});

describe('a server that cannot be used is told apart', () => {
  it.each<
    [
      string,
      string,
      () => Promise<{ port: number; host?: string; secure?: boolean; allowStarttls?: boolean }>,
    ]
  >([
    [
      'nothing listens there',
      'IMAP_UNREACHABLE',
      async () => {
        const gone = await startScriptedImap();
        await gone.close();
        return { port: gone.port };
      },
    ],
    [
      'the name does not exist',
      'IMAP_DNS_NOT_FOUND',
      () => Promise.resolve({ port: 143, host: 'mail.invalid' }),
    ],
    [
      'the address is forbidden',
      'EGRESS_FORBIDDEN',
      () => Promise.resolve({ port: 143, host: '169.254.169.254' }),
    ],
    [
      'it offers no STARTTLS',
      'TLS_REQUIRED',
      async () => {
        const server = await startScriptedImap();
        servers.push(server);
        return { port: server.port, allowStarttls: true };
      },
    ],
    [
      'TLS is switched on for a clear port',
      'IMAP_NOT_IMAP',
      async () => {
        const server = await startScriptedImap();
        servers.push(server);
        return { port: server.port, secure: true };
      },
    ],
    ['its certificate has expired', 'TLS_CERT_EXPIRED', () => withCertificate(expired)],
    ['its certificate is for another name', 'TLS_CERT_NAME_MISMATCH', () => withCertificate(otherName)],
    [
      'its certificate is nobody’s',
      'TLS_CERT_UNTRUSTED',
      () => withCertificate(makeTestCertificate(['127.0.0.1'])),
    ],
  ])('%s: %s', async (_name, code, arrange) => {
    const { port, host = '127.0.0.1', secure = false, allowStarttls = false } = await arrange();
    const provider = await world.addProvider({
      host,
      port,
      secure,
      allowStarttls,
      username: 'u',
      password: 'secret',
    });
    expect((await daemon.waitForLog(fault(provider)))['code']).toBe(code);
  });

  it('and no password was ever sent where TLS is required', () => {
    const logins = servers.flatMap((server) =>
      server.commands.filter((command) => ['LOGIN', 'AUTHENTICATE'].includes(command.name)),
    );
    expect(logins.length).toBeGreaterThan(0);
    for (const server of servers.slice(-5))
      expect(server.commands.filter((command) => ['LOGIN', 'AUTHENTICATE'].includes(command.name))).toEqual(
        [],
      );
  });
});

async function withCertificate(certificate: TestCertificate): Promise<{ port: number; secure: boolean }> {
  const server = await startScriptedImap({ tls: { mode: 'implicit', ...certificate } });
  servers.push(server);
  return { port: server.port, secure: true };
}
