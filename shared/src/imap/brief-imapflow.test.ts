import { expect, onTestFinished, test } from 'vitest';
import { startScriptedImap, type ScriptedImap, type ScriptedImapOptions } from '../testing/scripted-imap.ts';
import { askNamespacePrefix, BriefImapFlow } from './brief-imapflow.ts';

const PLAIN = ['IMAP4rev1', 'AUTH=PLAIN', 'IDLE', 'NAMESPACE', 'ID', 'ENABLE', 'CONDSTORE'];

async function loggedIn(
  options: ScriptedImapOptions,
  prepare: (server: ScriptedImap) => void = () => undefined,
): Promise<{
  readonly server: ScriptedImap;
  readonly client: BriefImapFlow;
  readonly asked: () => readonly string[];
}> {
  const server = await startScriptedImap(options);
  onTestFinished(() => server.close());
  prepare(server);
  const client = new BriefImapFlow({
    host: '127.0.0.1',
    port: server.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user: 'jürgen', pass: 'sécret' },
    clientInfo: { name: 'Mailstream' },
    logger: false,
    disableAutoIdle: true,
    disableIMAP4rev2: true,
  });
  onTestFinished(() => client.close());
  await client.connect();
  return { server, client, asked: () => server.commands.map(({ name }) => name) };
}

const right = (user: string, password: string): boolean => user === 'jürgen' && password === 'sécret';

test('logs in with one question, asks who the server is once, and nothing that nobody reads', async () => {
  const { server, client, asked } = await loggedIn({
    capabilities: [...PLAIN, 'SASL-IR'],
    checkPassword: right,
  });
  // This server says what it can do only when it is asked, before the login and after it.
  expect(asked()).toEqual(['CAPABILITY', 'ID', 'AUTHENTICATE', 'CAPABILITY']);
  expect(server.commands[2]?.args).toHaveLength(2);
  expect(client.usable).toBe(true);
});

test('sends the response when it is asked for it where the server does not take it with the command', async () => {
  const { server } = await loggedIn({ capabilities: PLAIN, checkPassword: right });
  expect(server.commands.find(({ name }) => name === 'AUTHENTICATE')?.args).toEqual(['PLAIN']);
});

test('answers a server that takes the response and asks for it nevertheless', async () => {
  const { client } = await loggedIn({ capabilities: [...PLAIN, 'SASL-IR'] }, (server) =>
    server.on('AUTHENTICATE', async ({ connection, answer }) => {
      await connection.line('+ ');
      const response = Buffer.from((await connection.reader.readLine()) ?? '', 'base64').toString();
      connection.user = 'jürgen';
      await answer(response === '\0jürgen\0sécret' ? 'OK logged in' : 'NO wrong');
    }),
  );
  expect(client.usable).toBe(true);
});

test('asks again after the login who a server is that did not say before', async () => {
  const { asked } = await loggedIn({ capabilities: [...PLAIN, 'SASL-IR'], checkPassword: right }, (server) =>
    server.on('ID', async ({ connection, answer }) => {
      await connection.untagged('ID NIL');
      await answer('OK done');
    }),
  );
  expect(asked().filter((name) => name === 'ID')).toHaveLength(2);
});

test('enables UTF8=ACCEPT where it is offered, and only that', async () => {
  const { server } = await loggedIn({
    capabilities: [...PLAIN, 'SASL-IR', 'UTF8=ACCEPT'],
    checkPassword: right,
  });
  expect(server.commands.find(({ name }) => name === 'ENABLE')?.args).toEqual(['UTF8=ACCEPT']);
});

test('asks for the namespace when somebody wants to know, and does not put it before names', async () => {
  const { client, asked } = await loggedIn({
    capabilities: [...PLAIN, 'SASL-IR'],
    checkPassword: right,
    namespacePrefix: 'INBOX.',
    delimiter: '.',
    folders: { INBOX: {}, 'shared.Team': {} },
  });
  expect(await askNamespacePrefix(client)).toBe('INBOX.');
  expect(asked().at(-1)).toBe('NAMESPACE');
  expect((await client.mailboxOpen('shared.Team', { readOnly: true })).path).toBe('shared.Team');
});
