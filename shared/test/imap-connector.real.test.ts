/** Connecting and logging in: what goes over the wire, what never does, and what a person is told. */
import { getEventListeners } from 'node:events';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { providerId, tenantId } from '../src/domain/ids.ts';
import type { ImapAuth, ImapProvider, TransportSecurity } from '../src/domain/provider.ts';
import { FaultError, type toFault } from '../src/errors/fault-error.ts';
import { createImapConnector, type ImapConnectorPorts } from '../src/imap/connector.ts';
import { type ImapClientSettings, type ImapConnection, imapTlsContext } from '../src/imap/imap-client.ts';
import { imapFault } from '../src/imap/imap-faults.ts';
import { systemClock } from '../src/runtime/system-clock.ts';
import { SecretValue } from '../src/secrets/secret-value.ts';
import {
  startScriptedImap,
  type ScriptedImap,
  type ScriptedImapOptions,
} from '../src/testing/scripted-imap.ts';
import * as faults from '../src/testing/scripted-imap-faults.ts';
import { makeTestCertificate, type TestCertificate } from '../src/testing/test-certificate.ts';

const settings: ImapClientSettings = {
  connectTimeoutMs: 2_000,
  deadlineMs: 4_000,
  oauthMechanism: 'XOAUTH2',
  keepAlive: true,
};
const never = new AbortController().signal;
const HOST = 'mail.example.test';
const good = makeTestCertificate([HOST]);

async function start(options?: ScriptedImapOptions): Promise<ScriptedImap> {
  const server = await startScriptedImap(options);
  onTestFinished(() => server.close());
  return server;
}

function provider(port: number, security: TransportSecurity, auth?: Partial<ImapAuth>): ImapProvider {
  return {
    tenant: tenantId('00000000-0000-4000-8000-000000000001'),
    id: providerId('00000000-0000-4000-8000-000000000002'),
    name: 'test',
    mailbox: 'anyone@example.test',
    endpoint: { host: HOST, port, security, verifyCertificate: true },
    auth: { kind: 'password', username: 'anyone', ...auth } as ImapAuth,
    folders: [],
    startFrom: { kind: 'now' },
    configVersion: 1,
  };
}

function ports(
  overrides: Partial<ImapConnectorPorts> = {},
  trusted: TestCertificate = good,
): ImapConnectorPorts {
  return {
    guard: { resolve: () => Promise.resolve({ address: '127.0.0.1' }) },
    plaintext: { allows: () => true },
    clock: systemClock,
    tls: imapTlsContext([trusted.cert]),
    settings,
    secrets: { read: () => Promise.resolve(new SecretValue('secret')) },
    tokens: { accessToken: () => Promise.resolve(new SecretValue('token')) },
    ...overrides,
  };
}

async function connect(
  given: ImapProvider,
  with_: ImapConnectorPorts = ports(),
  signal: AbortSignal = never,
): Promise<ImapConnection> {
  const connection = await createImapConnector(with_).connect(given, signal);
  onTestFinished(() => connection.client.close());
  return connection;
}

async function faultOf(work: Promise<unknown>): Promise<ReturnType<typeof toFault>> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error('it was expected to fail');
}

function sent(server: ScriptedImap): readonly string[] {
  return server.commands.map(({ name }) => name);
}

const credentials = (server: ScriptedImap): readonly string[] =>
  sent(server).filter((name) => name === 'LOGIN' || name === 'AUTHENTICATE');

const oauth: Partial<ImapAuth> = {
  kind: 'oauth2',
  clientId: 'c',
  authorizeUrl: null,
  tokenUrl: 'https://x.test/t',
  scopes: '',
};

describe('TLS', () => {
  test('connects to the resolved address and checks the certificate against the name', async () => {
    const server = await start({ tls: { mode: 'implicit', ...good } });
    const { client } = await connect(provider(server.port, 'tls'));
    expect(client.tls).toMatchObject({ authorized: true });
    expect(server.logins.accepted).toBe(1);
  });

  test('STARTTLS comes before the login', async () => {
    const server = await start({ tls: { mode: 'starttls', ...good } });
    await connect(provider(server.port, 'starttls'));
    expect(sent(server).indexOf('STARTTLS')).toBeLessThan(sent(server).indexOf('AUTHENTICATE'));
  });

  const day = 86_400_000;
  const past = { from: new Date(Date.now() - 9 * day), to: new Date(Date.now() - day) };
  const future = { from: new Date(Date.now() + day), to: new Date(Date.now() + 9 * day) };
  const expired = makeTestCertificate([HOST], past);
  const early = makeTestCertificate([HOST], future);
  const other = makeTestCertificate(['other.example.test']);
  const unknown = makeTestCertificate([HOST]);
  test.each([
    ['expired', expired, expired, 'TLS_CERT_EXPIRED'],
    ['not valid yet', early, early, 'TLS_CERT_EXPIRED'],
    ['for another name', other, other, 'TLS_CERT_NAME_MISMATCH'],
    ['of nobody we know', unknown, good, 'TLS_CERT_UNTRUSTED'],
  ] as const)(
    'a certificate that is %s is refused before anything is sent, by TLS and by STARTTLS',
    async (_what, shown, trusted, code) => {
      for (const [mode, security] of [
        ['implicit', 'tls'],
        ['starttls', 'starttls'],
      ] as const) {
        const server = await start({ tls: { mode, ...shown } });
        const fault = await faultOf(connect(provider(server.port, security), ports({}, trusted)));
        expect(fault).toMatchObject({ kind: 'misconfigured', code });
        expect(credentials(server)).toEqual([]);
      }
    },
  );

  test('an address as host is checked against the addresses in the certificate', async () => {
    const byAddress = makeTestCertificate(['127.0.0.1']);
    const server = await start({ tls: { mode: 'implicit', ...byAddress } });
    const base = provider(server.port, 'tls');
    const given = { ...base, endpoint: { ...base.endpoint, host: '127.0.0.1' } };
    await connect(given, ports({}, byAddress));
    const named = await start({ tls: { mode: 'implicit', ...good } });
    const wrong = { ...given, endpoint: { ...given.endpoint, port: named.port } };
    expect(await faultOf(connect(wrong))).toMatchObject({ code: 'TLS_CERT_NAME_MISMATCH' });
  });

  test('an operator can relax the check for one provider, and only for that one', async () => {
    const server = await start({ tls: { mode: 'implicit', ...unknown } });
    const given = provider(server.port, 'tls');
    await connect({ ...given, endpoint: { ...given.endpoint, verifyCertificate: false } });
    expect(await faultOf(connect(given))).toMatchObject({ code: 'TLS_CERT_UNTRUSTED' });
  });

  test('TLS to a clear port, and clear to a TLS port, say that the setting is wrong', async () => {
    const clear = await start();
    expect(await faultOf(connect(provider(clear.port, 'tls')))).toMatchObject({ code: 'IMAP_NOT_IMAP' });
    const tls = await start({ tls: { mode: 'implicit', ...good } });
    const quick = ports({ settings: { ...settings, connectTimeoutMs: 200 } });
    expect(await faultOf(connect(provider(tls.port, 'starttls'), quick))).toMatchObject({
      code: 'IMAP_NOT_IMAP',
    });
  });
});

describe('no secret leaves in clear', () => {
  test.each([
    ['offers no STARTTLS', {}, () => undefined, 'TLS_REQUIRED'],
    [
      'refuses STARTTLS',
      { tls: { mode: 'starttls', ...good } },
      (server: ScriptedImap) => server.on('STARTTLS', ({ answer }) => answer('NO not today')),
      'TLS_REQUIRED',
    ],
    ['greets with PREAUTH', { greeting: '* PREAUTH hello' }, () => undefined, 'TLS_REQUIRED'],
    [
      'injects bytes before the handshake',
      { tls: { mode: 'starttls', ...good } },
      (server: ScriptedImap) => server.on('STARTTLS', faults.injectBeforeTls()),
      'TLS_FAILED',
    ],
  ] as const)('to a server that %s', async (_what, options, misbehave, code) => {
    const server = await start(options);
    misbehave(server);
    expect(await faultOf(connect(provider(server.port, 'starttls')))).toMatchObject({
      kind: 'misconfigured',
      code,
    });
    expect(credentials(server)).toEqual([]);
  });

  test('plain needs the operator to have allowed the address; without that nothing is connected to', async () => {
    const server = await start();
    const asked: string[] = [];
    const plaintext = { allows: (address: string) => asked.push(address) === 0 };
    expect(await faultOf(connect(provider(server.port, 'plain'), ports({ plaintext })))).toMatchObject({
      code: 'TLS_PLAIN_FORBIDDEN',
    });
    expect([asked, server.connections]).toEqual([['127.0.0.1'], 0]);
  });

  test('PREAUTH is refused over TLS as well: whose mailbox is it?', async () => {
    const server = await start({ greeting: '* PREAUTH hello', tls: { mode: 'implicit', ...good } });
    expect(await faultOf(connect(provider(server.port, 'tls')))).toMatchObject({ code: 'IMAP_PROTOCOL' });
  });

  test('the address is resolved anew at each connect, and what the guard refuses is not connected to', async () => {
    const server = await start();
    let lookups = 0;
    const guard = {
      resolve: () => {
        lookups += 1;
        if (lookups > 2)
          throw new FaultError({ kind: 'misconfigured', code: 'EGRESS_FORBIDDEN', detail: 'x' });
        return Promise.resolve({ address: '127.0.0.1' });
      },
    };
    const connector = ports({ guard });
    await connect(provider(server.port, 'plain'), connector);
    await connect(provider(server.port, 'plain'), connector);
    expect(await faultOf(connect(provider(server.port, 'plain'), connector))).toMatchObject({
      code: 'EGRESS_FORBIDDEN',
    });
    expect([lookups, server.connections]).toEqual([3, 2]);
  });

  test.each(['NO', 'BYE'])('a referral in %s is not followed', async (status) => {
    const target = await start();
    const server = await start();
    const text = `[REFERRAL imap://127.0.0.1:${target.port}/] try there`;
    server.on('AUTHENTICATE', async ({ connection, answer }) => {
      if (status === 'NO') return answer(`NO ${text}`);
      await connection.untagged(`BYE ${text}`);
      connection.socket.end();
    });
    await faultOf(connect(provider(server.port, 'plain')));
    expect(target.connections).toBe(0);
  });
});

describe('logging in', () => {
  test('with AUTHENTICATE PLAIN where it is offered, else LOGIN, never where LOGINDISABLED', async () => {
    const plain = await start();
    await connect(provider(plain.port, 'plain'));
    expect(credentials(plain)).toEqual(['AUTHENTICATE']);
    const login = await start({ capabilities: ['IMAP4rev1'] });
    await connect(provider(login.port, 'plain'));
    expect(credentials(login)).toEqual(['LOGIN']);
    const disabled = await start({ capabilities: ['IMAP4rev1', 'LOGINDISABLED'] });
    expect(await faultOf(connect(provider(disabled.port, 'plain')))).toMatchObject({
      code: 'IMAP_AUTH_MECHANISM',
    });
    expect(credentials(disabled)).toEqual([]);
  });

  test.each(['secret', 'pa"ss\\word', 'pässwörd🙂', ' lead and trail ', '{5}', '%&*'])(
    'the password %j arrives as it is, by LOGIN and by PLAIN',
    async (password) => {
      for (const capabilities of [['IMAP4rev1'], ['IMAP4rev1', 'AUTH=PLAIN', 'SASL-IR']]) {
        const server = await start({ capabilities, checkPassword: (_user, given) => given === password });
        const secrets = { read: () => Promise.resolve(new SecretValue(password)) };
        await connect(provider(server.port, 'plain'), ports({ secrets }));
        expect(server.logins).toEqual({ accepted: 1, refused: 0 });
      }
    },
  );

  test.each(['x\r\nA1 DELETE INBOX', 'a\u0000admin', 'a\u0001auth=Bearer x'])(
    'the user name %j breaks out of nothing: it is refused unsent',
    async (username) => {
      const server = await start();
      expect(await faultOf(connect(provider(server.port, 'plain', { username })))).toMatchObject({
        kind: 'auth',
      });
      expect(server.connections).toBe(0);
    },
  );

  test.each([
    ['XOAUTH2', ['AUTH=XOAUTH2', 'AUTH=OAUTHBEARER'], 'XOAUTH2'],
    ['OAUTHBEARER', ['AUTH=XOAUTH2', 'AUTH=OAUTHBEARER'], 'OAUTHBEARER'],
    ['XOAUTH2', ['AUTH=OAUTHBEARER'], 'OAUTHBEARER'],
    ['OAUTHBEARER', ['AUTH=XOAUTH2'], 'XOAUTH2'],
  ] as const)('with %s wanted and %j offered it takes %s', async (oauthMechanism, offered, taken) => {
    const server = await start({ capabilities: ['IMAP4rev1', 'SASL-IR', 'AUTH=PLAIN', ...offered] });
    await connect(
      provider(server.port, 'plain', oauth),
      ports({ settings: { ...settings, oauthMechanism } }),
    );
    expect(server.commands.find(({ name }) => name === 'AUTHENTICATE')?.args[0]).toBe(taken);
    expect(server.logins.accepted).toBe(1);
  });

  test('a server without OAuth is a matter of settings, and no token is sent', async () => {
    const server = await start({ capabilities: ['IMAP4rev1', 'AUTH=PLAIN'] });
    expect(await faultOf(connect(provider(server.port, 'plain', oauth)))).toMatchObject({
      code: 'IMAP_AUTH_MECHANISM',
    });
    expect(credentials(server)).toEqual([]);
  });

  test.each(['XOAUTH2', 'OAUTHBEARER'] as const)(
    'a refused %s token is refreshed once; the challenge that comes instead of NO is answered',
    async (oauthMechanism) => {
      const server = await start();
      const asked: boolean[] = [];
      const tokens = {
        accessToken: (_provider: ImapProvider, { forceRefresh = false }) => {
          asked.push(forceRefresh);
          return Promise.resolve(new SecretValue(forceRefresh ? 'token' : 'stale'));
        },
      };
      await connect(
        provider(server.port, 'plain', oauth),
        ports({ tokens, settings: { ...settings, oauthMechanism } }),
      );
      expect([asked, server.logins]).toEqual([[false, true], { accepted: 1, refused: 1 }]);
    },
  );

  test('a refused fresh token needs a person, after two logins and not one more', async () => {
    const server = await start({ checkToken: () => false });
    expect(await faultOf(connect(provider(server.port, 'plain', oauth)))).toMatchObject({
      kind: 'auth',
      code: 'OAUTH_REAUTHORIZE',
    });
    expect(server.logins.refused).toBe(2);
  });

  test('a wrong password is tried once', async () => {
    const server = await start({ checkPassword: () => false });
    expect(await faultOf(connect(provider(server.port, 'plain')))).toMatchObject({
      kind: 'auth',
      code: 'IMAP_AUTH_REJECTED',
    });
    expect(server.logins.refused).toBe(1);
  });

  test('no stored password is told before anything is connected to', async () => {
    const server = await start();
    const secrets = { read: () => Promise.resolve(null) };
    expect(await faultOf(connect(provider(server.port, 'plain'), ports({ secrets })))).toMatchObject({
      code: 'IMAP_CREDENTIALS_MISSING',
    });
    expect(server.connections).toBe(0);
  });

  test.each([
    ['drops the connection', faults.cut()],
    ['says BYE', faults.bye('going down')],
    [
      'says [UNAVAILABLE]',
      ({ answer }: { answer: (text: string) => Promise<void> }) => answer('NO [UNAVAILABLE] later'),
    ],
  ])('a server that %s during login has not refused the password', async (_what, hook) => {
    const server = await start();
    server.on('AUTHENTICATE', hook);
    expect(await faultOf(connect(provider(server.port, 'plain')))).toMatchObject({
      kind: 'transient',
      code: 'IMAP_AUTH_UNAVAILABLE',
    });
  });

  test('a throttled login is told at once with its pause', async () => {
    const server = await start();
    server.on('AUTHENTICATE', faults.throttled(9, 120_000));
    expect(await faultOf(connect(provider(server.port, 'plain')))).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 120_000,
    });
  });

  test('"authenticated but not connected" is no wrong password', async () => {
    const server = await start();
    server.on('EXAMINE', ({ answer }) => answer('BAD User is authenticated but not connected.'));
    const { client } = await connect(provider(server.port, 'plain'));
    const refused: unknown = await client
      .mailboxOpen('INBOX', { readOnly: true })
      .catch((error: unknown) => error);
    expect(imapFault(refused, 'opening')).toMatchObject({
      kind: 'throttled',
      code: 'IMAP_NOT_CONNECTED_MAILBOX',
    });
  });

  test('neither the error nor the client keeps the password', async () => {
    const server = await start({ checkPassword: () => false });
    server.on('AUTHENTICATE', async ({ connection, answer }) => {
      await connection.line('+ ');
      const response = await connection.reader.readLine();
      await answer(`NO [AUTHENTICATIONFAILED] ${response ?? ''} canary-7f3a is wrong`);
    });
    const secrets = { read: () => Promise.resolve(new SecretValue('canary-7f3a')) };
    const fault = await faultOf(connect(provider(server.port, 'plain'), ports({ secrets })));
    expect(fault.detail).not.toContain('canary');
    const repeated = /^login refused: \[AUTHENTICATIONFAILED\] (\S+)/.exec(fault.detail)?.[1] ?? '';
    expect(repeated).toContain('[secret]');
    expect(Buffer.from(repeated, 'base64').toString()).not.toContain('7f3a');
    const kept = await start();
    const { client } = await connect(provider(kept.port, 'plain'));
    expect(client.options.auth).toBeUndefined();
  });

  test('tells the server the name of the program and nothing else', async () => {
    const server = await start();
    await connect(provider(server.port, 'plain'));
    expect(server.commands.find(({ name }) => name === 'ID')?.args).toEqual([['name', 'Mailstream']]);
  });
});

describe('time', () => {
  async function portOf(onConnection: (write: (text: string) => void) => void): Promise<number> {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      onConnection((text) => socket.write(text));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });
    return (server.address() as AddressInfo).port;
  }

  const hasty = ports({ settings: { ...settings, connectTimeoutMs: 60_000, deadlineMs: 150 } });

  test.each([
    ['says nothing', () => undefined],
    [
      'talks without end before its greeting',
      (write: (text: string) => void) => write('220 smtp\r\n'.repeat(1_000)),
    ],
  ])('a server that %s is given up at the deadline', async (_what, onConnection) => {
    const port = await portOf(onConnection);
    expect(await faultOf(connect(provider(port, 'plain'), hasty))).toMatchObject({ code: 'IMAP_TIMEOUT' });
  });

  test('a greeting without CRLF is cut at the length limit, not collected', async () => {
    const port = await portOf((write) => write(`* OK ${'x'.repeat(3 * 1024 * 1024)}`));
    expect(await faultOf(connect(provider(port, 'plain')))).toMatchObject({ code: 'IMAP_PROTOCOL' });
  });

  test('endless challenges end at the deadline', async () => {
    const server = await start();
    server.on('AUTHENTICATE', async ({ connection }) => {
      while (connection.isOpen) {
        await connection.line('+ ');
        if ((await connection.reader.readLine()) === null) return;
      }
    });
    expect(await faultOf(connect(provider(server.port, 'plain'), hasty))).toMatchObject({
      code: 'IMAP_TIMEOUT',
    });
  });

  test('aborting ends it at once and leaves nothing on the signal', async () => {
    const server = await start();
    server.on('AUTHENTICATE', faults.silence());
    const abort = new AbortController();
    const connecting = faultOf(connect(provider(server.port, 'plain'), ports(), abort.signal));
    await server.seen('AUTHENTICATE', 1);
    abort.abort();
    expect(await connecting).toMatchObject({ detail: 'stopped by the caller' });
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });

  test('nobody listening is told apart from nobody answering', async () => {
    const server = await startScriptedImap();
    await server.close();
    expect(await faultOf(connect(provider(server.port, 'plain')))).toMatchObject({
      kind: 'transient',
      code: 'IMAP_UNREACHABLE',
    });
  });
});
