import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ImapFlow } from './quiet-imapflow.ts';

const ANSWERS: Readonly<Record<string, string>> = {
  CAPABILITY: '* CAPABILITY IMAP4rev1\r\n',
  LOGIN: '* OK [ALERT] hello\r\n',
  EXAMINE: '* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 2] ok\r\n',
  UID: '* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n* SEARCH 1\r\n',
};

test('untagged status responses are told with their text, all other lines without', async () => {
  const server = createServer((socket) => {
    socket.write('* OK ready\r\n');
    socket.on('data', (data) => {
      for (const line of data.toString().split('\r\n').filter(Boolean)) {
        const [tag = '', command = ''] = line.split(' ');
        socket.write(`${ANSWERS[command.toUpperCase()] ?? ''}${tag} OK done\r\n`);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const lines: string[] = [];
  const look = ({ src, msg }: { src?: string; msg?: string }): void => {
    if (src !== undefined && msg !== undefined) lines.push(`${src}: ${msg}`);
  };
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    secure: false,
    doSTARTTLS: false,
    auth: { user: 'anyone', pass: 'secret' },
    logger: { trace: look, debug: look, info: look, warn: look, error: look },
  });
  await client.connect();
  await client.mailboxOpen('INBOX', { readOnly: true });
  lines.length = 0;
  const message = await client.fetchOne('1', { source: true }, { uid: true });
  expect(message === false ? null : message?.source?.toString()).toBe('abc');
  expect(lines).toEqual(['c: ', 's: ', 's: ', 's: ']);
  lines.length = 0;
  await client.mailboxOpen('INBOX', { readOnly: true });
  expect(lines).toContain('s: * OK [UIDVALIDITY 7] ok');
  client.close();
  server.close();
  await once(server, 'close');
});
