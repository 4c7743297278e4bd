/** Addresses of login services and mail servers that a person may enter for a login with OAuth, and those that nobody may. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { browserSession } from './browser-session.ts';
import { useServer } from './harness.ts';
import { oauthImap, providerBody } from './provider-bodies.ts';
import { realMailServer } from './real-mail-server.ts';

const BASE = '/api/email/oauth/imap';
const newAddress = (): string => `u${randomBytes(6).toString('hex')}@example.test`;

/** Nothing of this machine or its networks may be reached, and every name has a public address. */
const { app, a, call } = await useServer({}, (parts) =>
  realMailServer(parts, {
    ca: '',
    allowCidrs: [],
    resolver: () => Promise.resolve([{ address: '93.184.216.34', family: 4 }]),
  }),
);
const admin = await browserSession(app, a.users.admin.email);

const imapOf = (username: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  ...providerBody({ username, folderFilters: [] }).imap,
  ...oauthImap(),
  ...more,
});
const connected = async (username: string): Promise<string> =>
  (await call('POST', '/api/email/providers', { body: providerBody(imapOf(username)) })).json.id ?? '';

test('a test tells nobody which ports of our own network are open', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.end('* OK internal-banner\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: open } = server.address() as AddressInfo;
  const tried = async (host: string, port: number): Promise<unknown> => {
    const { imap } = providerBody({ host, port });
    const { text } = await call('POST', '/api/email/providers/test', { body: { imap } });
    return JSON.parse(text.replaceAll(/"durationMs":[\d.]+/g, '"durationMs":0'));
  };
  const answers = [
    await tried('127.0.0.1', open),
    await tried('127.0.0.1', 1),
    await tried('10.0.0.1', 993),
    await tried('::ffff:127.0.0.1', open),
    await tried('169.254.169.254', 993),
  ];
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({ ok: false });
  // Not by the time it takes either: nothing is connected to.
  expect(connections).toBe(0);
  server.close();
  await once(server, 'close');
});

describe('addresses of login services', () => {
  const forbidden = [
    'https://169.254.169.254/token',
    'https://10.1.2.3/token',
    'https://[::ffff:10.0.0.1]/token',
    'https://[fd00::1]/token',
    'https://100.100.100.200/token',
  ];

  test.each(forbidden)('%s is refused wherever it is entered, and never asked', async (oauthTokenUrl) => {
    const imap = imapOf(newAddress(), { oauthTokenUrl });
    const error = { code: 'EGRESS_FORBIDDEN', fields: [{ field: 'imap.oauthTokenUrl' }] };
    expect(await admin.send('POST', `${BASE}/initiate`, { imap })).toMatchObject({
      status: 422,
      json: { error },
    });
    expect(await call('POST', '/api/email/providers', { body: providerBody(imap) })).toMatchObject({
      status: 422,
      json: { error },
    });
    const provider = await connected(newAddress());
    expect(
      await call('PATCH', `/api/email/providers/${provider}`, { body: { imap: { oauthTokenUrl } } }),
    ).toMatchObject({ status: 422, json: { error } });
    expect(
      await admin.send('POST', `${BASE}/initiate`, { providerId: provider, imap: { oauthTokenUrl } }),
    ).toMatchObject({ status: 422, json: { error } });
  });

  test.each(['oauthTokenUrl', 'oauthAuthorizeUrl', 'oauthIssuer'])(
    '%s is https without a login in it, or refused',
    async (field) => {
      for (const url of [
        'http://login.example.com/x',
        'javascript:alert(1)',
        'file:///etc/passwd',
        'https://user:secret@login.example.com/',
        '//login.example.com',
        'https://',
      ]) {
        const answer = await admin.send('POST', `${BASE}/initiate`, { imap: imapOf('x', { [field]: url }) });
        expect.soft(answer, url).toMatchObject({
          status: 400,
          json: { error: { fields: [{ field: `imap.${field}` }] } },
        });
      }
    },
  );

  test('a page of a service that we know takes no token address of somebody else’s, wherever it is entered', async () => {
    const mixed = {
      oauthAuthorizeUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
      oauthTokenUrl: 'https://tokens.example.net/token',
    };
    const refused = {
      status: 400,
      json: { error: { fields: [{ field: 'imap.oauthTokenUrl', code: 'NOT_ALLOWED' }] } },
    };
    const imap = imapOf(newAddress(), mixed);
    const provider = await connected(newAddress());
    const attempts = [
      await admin.send('POST', `${BASE}/initiate`, { imap }),
      await admin.send('POST', `${BASE}/initiate`, { providerId: provider, imap: mixed }),
      await call('POST', '/api/email/providers', { body: providerBody(imap) }),
      await call('PATCH', `/api/email/providers/${provider}`, { body: { imap: mixed } }),
      await call('POST', '/api/email/providers/test', { body: { imap } }),
    ];
    for (const attempt of attempts) expect(attempt).toMatchObject(refused);
  });

  test('hosts of mail servers are refused before anybody is sent to log in', async () => {
    for (const host of ['169.254.169.254', '10.0.0.1', '::ffff:a9fe:a9fe', '0x7f.1']) {
      const answer = await admin.send('POST', `${BASE}/initiate`, { imap: imapOf('x', { host }) });
      expect.soft(answer, host).toMatchObject({
        status: 422,
        json: { error: { code: 'EGRESS_FORBIDDEN', fields: [{ field: 'imap.host' }] } },
      });
    }
  });
});
