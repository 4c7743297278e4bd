import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { useDatabase, useDovecot, useRedis } from '@mailstream/shared/testing/fixtures';
import { deliver } from '@mailstream/shared/testing/deliver';
import { ImapFlow } from 'imapflow';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test } from 'vitest';

const database = await useDatabase();
const redis = await useRedis();
const dovecot = useDovecot();

async function query(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client.query(sql).finally(() => client.end());
}

test('a test file gets a migrated database of its own', async () => {
  const { rows } = await query(database.ownerUrl, 'SELECT count(*)::int AS n FROM schema_migrations');
  expect(rows[0].n).toBeGreaterThanOrEqual(4);
});

test('the login of the services may do nothing before it steps into a role', async () => {
  await expect(query(database.url, 'SELECT * FROM tenants')).rejects.toThrow(/permission denied/);
  const { rows } = await query(
    database.url,
    `BEGIN; SELECT set_config('role', 'mailstream_app', true); SELECT tenant FROM tenants; COMMIT`,
  ).then((results) => (results as unknown as pg.QueryResult[])[2] as pg.QueryResult);
  expect(rows).toEqual([]);
});

test('a test file gets an empty Redis database of its own', async () => {
  const client = new Redis(redis.url);
  expect(await client.dbsize()).toBe(0);
  await client.set('left', 'over');
  client.disconnect();
});

test('mail for anyone at any domain lands in the mailbox of the local part, and an idle client is told', async () => {
  const user = dovecot.newUser();
  const client = new ImapFlow({
    host: dovecot.host,
    port: dovecot.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: dovecot.password },
    logger: false,
  });
  await client.connect();
  try {
    await client.mailboxOpen('INBOX', { readOnly: true });
    const told = new Promise<number>((resolve) => client.on('exists', ({ count }) => resolve(count)));
    const idling = client.idle();
    await deliver({
      host: dovecot.host,
      port: dovecot.lmtpPort,
      from: 'sender@example.com',
      to: `${user}@anything.example`,
      raw: Buffer.from('Subject: hello\r\nX-Odd: dots\r\n\r\n.leading dot\r\n..\r\nlast line without end'),
    });
    expect(await told).toBe(1);
    const message = await client.fetchOne('*', { source: true });
    expect(message ? message.source?.toString() : '').toContain(
      '\r\n.leading dot\r\n..\r\nlast line without end',
    );
    await idling;
  } finally {
    client.close();
  }
});

test('IMAPS answers with the certificate that the fixture names', async () => {
  const certificate = await readFile(dovecot.certificateFile as string);
  const socket = connectTls({
    host: '127.0.0.1',
    port: dovecot.imapsPort as number,
    ca: certificate,
    servername: 'localhost',
  });
  const greeting = await new Promise<string>((resolve, reject) => {
    socket.once('data', (data) => resolve(data.toString()));
    socket.once('error', reject);
  });
  socket.destroy();
  expect(greeting).toMatch(/^\* OK /);
});

test('the plain port offers STARTTLS', async () => {
  const socket = connect(dovecot.port, dovecot.host);
  const greeting = await new Promise<string>((resolve) =>
    socket.once('data', (data) => resolve(String(data))),
  );
  socket.destroy();
  expect(greeting).toContain('STARTTLS');
});

test('a refused recipient makes delivery reject with the reply of the server', async () => {
  await expect(
    deliver({
      host: dovecot.host,
      port: dovecot.lmtpPort,
      from: 'sender@example.com',
      to: 'not an address',
      raw: Buffer.from('Subject: x\r\n\r\n'),
    }),
  ).rejects.toThrow(/RCPT.*5\d\d/);
});
