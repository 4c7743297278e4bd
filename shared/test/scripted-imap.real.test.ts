/** The scripted server against an independent client: what it says by default must be what a real server says. */
import { ImapFlow } from 'imapflow';
import { expect, onTestFinished, test } from 'vitest';
import {
  startScriptedImap,
  type ScriptedImap,
  type ScriptedImapOptions,
} from '../src/testing/scripted-imap.ts';

async function start(options?: ScriptedImapOptions): Promise<ScriptedImap> {
  const server = await startScriptedImap(options);
  onTestFinished(() => server.close());
  return server;
}

async function connected(server: ScriptedImap): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: server.host,
    port: server.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user: 'anyone', pass: 'secret' },
    logger: false,
    disableAutoIdle: true,
  });
  onTestFinished(() => client.close());
  await client.connect();
  return client;
}

test('a client can list folders with any characters in their names and open them', async () => {
  const odd = 'Größe/&x "q" \\ 日本';
  const server = await start({
    folders: { INBOX: {}, [odd]: { uidValidity: 9, messages: ['Subject: c\r\n\r\n'] } },
  });
  const client = await connected(server);
  const listed = await client.list();
  expect(listed.map(({ path }) => path)).toEqual(['INBOX', odd]);
  const mailbox = await client.mailboxOpen(odd, { readOnly: true });
  expect(mailbox).toMatchObject({ path: odd, exists: 1, uidValidity: 9n, uidNext: 2, readOnly: true });
  expect(server.commands.at(-1)?.name).toBe('EXAMINE');
});

test('UID SEARCH and UID FETCH answer as RFC 9051 asks, the n:* trap included', async () => {
  const server = await start({
    folders: { INBOX: { messages: ['Subject: a\r\n\r\nhello', 'Subject: b\r\n\r\nhello (x) {3}\r\n)'] } },
  });
  const client = await connected(server);
  await client.mailboxOpen('INBOX', { readOnly: true });
  expect(await client.search({ uid: '9:*' }, { uid: true })).toEqual([2]);
  const query = { uid: true, size: true, source: { start: 0, maxLength: 12 } };
  const messages = await client.fetchAll('1:*', query, { uid: true });
  expect(messages.map(({ uid, size, source }) => [uid, size, source?.toString()])).toEqual([
    [1, 19, 'Subject: a\r\n'],
    [2, 30, 'Subject: b\r\n'],
  ]);
});

test('a delivery is pushed to a client in IDLE', async () => {
  const server = await start();
  const client = await connected(server);
  await client.mailboxOpen('INBOX', { readOnly: true });
  const pushed = new Promise((resolve) => client.once('exists', resolve));
  void client.idle();
  await server.seen('IDLE', 1);
  server.deliver('INBOX', 'Subject: x\r\n\r\n');
  expect(await pushed).toMatchObject({ count: 1, prevCount: 0 });
});

test('logins are counted by outcome', async () => {
  const server = await start({ checkPassword: () => false });
  await expect(connected(server)).rejects.toMatchObject({ serverResponseCode: 'AUTHENTICATIONFAILED' });
  expect(server.logins).toEqual({ accepted: 0, refused: 1 });
});
