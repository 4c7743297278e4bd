/** The session against Dovecot: what only a real server shows. */
import { readFile } from 'node:fs/promises';
import { imapTlsContext } from '@mailstream/shared/imap/imap-client';
import { probeMailbox } from '@mailstream/shared/imap/probe';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { deliver } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { ImapFlow } from 'imapflow';
import { expect, onTestFinished, test } from 'vitest';
import type { ImapflowSession } from '../src/adapters/imap-session.ts';
import { all, connect, faultOf, never, opened, watching } from './imap-session-setup.ts';

const dovecot = useDovecot();

async function send(user: string, raw: string): Promise<void> {
  const { host, lmtpPort: port } = dovecot;
  await deliver({ host, port, from: 'a@example.test', to: `${user}@example.test`, raw: Buffer.from(raw) });
}

function session(user: string): Promise<ImapflowSession> {
  return opened(dovecot, { username: user, password: dovecot.password });
}

/** A client that may write, for arranging. */
async function writer(user: string): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: dovecot.host,
    port: dovecot.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: dovecot.password },
    logger: false,
    disableAutoIdle: true,
  });
  await client.connect();
  onTestFinished(() => client.close());
  return client;
}

const mail = (subject: string): string =>
  `Subject: ${subject}\r\nFrom: a@example.test\r\n\r\nbody of ${subject}\r\n`;

test('an empty mailbox is told as it is, and mail that comes is listed and fetched whole', async () => {
  const user = dovecot.newUser();
  const mailbox = await session(user);
  expect(await mailbox.open('inbox')).toMatchObject({
    path: 'INBOX',
    uidNext: 1,
    exists: 0,
    uidNotSticky: false,
  });
  expect(await mailbox.listUids(1, [])).toEqual([]);
  for (const subject of ['one', 'two', 'three']) await send(user, mail(subject));
  expect(await mailbox.listUids(1, [])).toEqual([1, 2, 3]);
  expect(await mailbox.listUids(4, [2, 9])).toEqual([2]);
  const messages = await all(mailbox.fetch([1, 2, 3], 1024 * 1024, never));
  expect(messages.map(({ head }) => Buffer.from(head ?? []).includes('body of '))).toEqual([
    true,
    true,
    true,
  ]);
  expect(messages.every(({ head, announcedSize }) => head?.length === announcedSize)).toBe(true);
});

test('the first part and the rest together are the message, byte by byte', async () => {
  const user = dovecot.newUser();
  const raw = mail('large').replace(
    'body',
    Array.from({ length: 40_000 }, (_, line) => `line ${line}`).join('\r\n'),
  );
  await send(user, raw);
  const mailbox = await session(user);
  const [message] = await all(mailbox.fetch([1], 10_000, never));
  expect(message).toMatchObject({ maybeMore: true });
  const parts: Uint8Array[] = [message?.head ?? new Uint8Array()];
  for await (const part of mailbox.fetchRest(1, 10_000, () => 100_000, never)) parts.push(part);
  const whole = Buffer.concat(parts);
  expect(whole.length).toBe(message?.announcedSize);
  expect(whole.toString().endsWith(raw)).toBe(true);
});

test('a delivery ends IDLE, and the message is there at once', async () => {
  const user = dovecot.newUser();
  const mailbox = await session(user);
  const watched = mailbox.watch(watching);
  await send(user, mail('pushed'));
  expect(await watched).toBe('changed');
  expect(await mailbox.listUids(1, [])).toEqual([1]);
});

test('polling finds it as well', async () => {
  const user = dovecot.newUser();
  const mailbox = await session(user);
  const watched = mailbox.watch({ ...watching, useIdle: false, pollMs: 20 });
  await send(user, mail('polled'));
  expect(await watched).toBe('changed');
});

test('reading leaves every flag as it was', async () => {
  const user = dovecot.newUser();
  for (const subject of ['one', 'two']) await send(user, mail(subject));
  const client = await writer(user);
  await client.mailboxOpen('INBOX');
  await client.messageFlagsSet('2', ['\\Flagged'], { uid: true });
  const flags = async (): Promise<unknown> =>
    (await client.fetchAll('1:*', { uid: true, flags: true })).map(({ uid, flags: set }) => [
      uid,
      [...(set ?? [])].sort(),
    ]);
  const before = await flags();
  const mailbox = await session(user);
  await all(mailbox.fetch([1, 2], 5, never));
  for await (const part of mailbox.fetchRest(1, 5, () => 10, never)) void part;
  await mailbox.sizes([1, 2]);
  await client.noop();
  expect(await flags()).toEqual(before);
  expect(JSON.stringify(before)).not.toContain('Seen');
});

test.each(['Größe', '日本語/受信', 'R&D', 'a "b" \\ c', '(x) [y] {3}', 'x & y &- z', 'Ünï/🙂'])(
  'a folder called %j is opened by its name, in modified UTF-7 on the wire',
  async (name) => {
    const user = dovecot.newUser();
    const client = await writer(user);
    await client.mailboxCreate(name);
    await client.append(name, mail('in a folder'));
    const mailbox = await session(user);
    expect(await mailbox.open(name)).toMatchObject({ path: name, exists: 1 });
    expect(await mailbox.listUids(1, [])).toEqual([1]);
  },
);

test('a folder in another case is found, and one that is not there is told as gone', async () => {
  const user = dovecot.newUser();
  const client = await writer(user);
  await client.mailboxCreate('Support');
  const mailbox = await session(user);
  expect(await mailbox.open('SUPPORT')).toMatchObject({ path: 'Support' });
  expect(await faultOf(mailbox.open('Gone'))).toMatchObject({
    kind: 'folderGone',
    code: 'IMAP_FOLDER_MISSING',
  });
  expect(await mailbox.open('Support')).toMatchObject({ path: 'Support' });
});

test('a message that is expunged under way is left out, and the rest comes', async () => {
  const user = dovecot.newUser();
  for (const subject of ['one', 'two', 'three']) await send(user, mail(subject));
  const mailbox = await session(user);
  const uids = await mailbox.listUids(1, []);
  const client = await writer(user);
  await client.mailboxOpen('INBOX');
  await client.messageDelete('2', { uid: true });
  expect((await all(mailbox.fetch(uids, 1_000, never))).map(({ uid }) => uid)).toContain(3);
  expect(await mailbox.listUids(1, [])).toEqual([1, 3]);
});

test('a wrong password is refused, and a probe says so in words', async () => {
  const user = dovecot.newUser();
  expect(await faultOf(connect(dovecot, { username: user, password: 'wrong' }))).toMatchObject({
    kind: 'auth',
    code: 'IMAP_AUTH_REJECTED',
  });
});

test.skipIf(dovecot.imapsPort === null)(
  'TLS and STARTTLS work with a trusted certificate and not without',
  async () => {
    const user = dovecot.newUser();
    const certificate = await readFile(dovecot.certificateFile ?? '', 'utf8');
    for (const [security, port] of [
      ['tls', dovecot.imapsPort ?? 0],
      ['starttls', dovecot.port],
    ] as const) {
      const probe = (authorities: readonly string[]): ReturnType<typeof probeMailbox> =>
        probeMailbox(
          {
            endpoint: { host: 'localhost', port, security, verifyCertificate: true },
            credentials: () =>
              Promise.resolve({
                kind: 'password',
                username: user,
                password: { reveal: () => dovecot.password },
              }),
            folders: ['INBOX'],
            deadlineMs: 10_000,
          },
          {
            guard: { resolve: () => Promise.resolve({ address: dovecot.host }) },
            plaintext: { allows: () => false },
            clock: systemClock,
            tls: imapTlsContext(authorities),
            settings: {
              connectTimeoutMs: 5_000,
              deadlineMs: 8_000,
              oauthMechanism: 'XOAUTH2',
              keepAlive: true,
            },
          },
          never,
        );
      expect(await probe([certificate])).toMatchObject({
        ok: true,
        canIdle: true,
        certificate: { subject: 'localhost' },
      });
      expect((await probe([])).steps.at(-1)).toMatchObject({ step: 'tls', code: 'TLS_CERT_UNTRUSTED' });
    }
  },
);
