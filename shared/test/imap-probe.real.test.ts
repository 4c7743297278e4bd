/** "Test connection": which step fails, and with which sentence. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { TransportSecurity } from '../src/domain/provider.ts';
import { ERROR_CATALOGUE } from '../src/errors/catalogue.ts';
import { FaultError } from '../src/errors/fault-error.ts';
import { type ImapClientPorts, imapTlsContext } from '../src/imap/imap-client.ts';
import { type ProbeReport, type ProbeRequest, probeMailbox } from '../src/imap/probe.ts';
import { systemClock } from '../src/runtime/system-clock.ts';
import { SecretValue } from '../src/secrets/secret-value.ts';
import {
  startScriptedImap,
  type ScriptedImap,
  type ScriptedImapOptions,
} from '../src/testing/scripted-imap.ts';
import * as faults from '../src/testing/scripted-imap-faults.ts';
import { makeTestCertificate } from '../src/testing/test-certificate.ts';

const HOST = 'mail.example.test';
const good = makeTestCertificate([HOST]);

const ports: ImapClientPorts = {
  guard: { resolve: () => Promise.resolve({ address: '127.0.0.1' }) },
  plaintext: { allows: () => true },
  clock: systemClock,
  tls: imapTlsContext([good.cert]),
  settings: { connectTimeoutMs: 500, deadlineMs: 1_000, oauthMechanism: 'XOAUTH2', keepAlive: true },
};

async function start(options?: ScriptedImapOptions): Promise<ScriptedImap> {
  const server = await startScriptedImap(options);
  onTestFinished(() => server.close());
  return server;
}

async function probe(
  port: number,
  security: TransportSecurity,
  changes: Partial<ProbeRequest> = {},
  with_: ImapClientPorts = ports,
): Promise<ProbeReport> {
  const request: ProbeRequest = {
    endpoint: { host: HOST, port, security, verifyCertificate: true },
    credentials: () =>
      Promise.resolve({ kind: 'password', username: 'anyone', password: new SecretValue('secret') }),
    folders: [],
    deadlineMs: 3_000,
    ...changes,
  };
  return await probeMailbox(request, with_, new AbortController().signal);
}

function outcome(report: ProbeReport): readonly unknown[] {
  return [report.steps.map(({ step }) => step).join(' '), report.steps.at(-1)?.code];
}

test('a mailbox that works passes every step and shows folders, counts and certificate', async () => {
  const server = await start({
    tls: { mode: 'implicit', ...good },
    folders: { INBOX: { messages: ['a'] }, Größe: {}, Sent: { attributes: ['\\Sent'] } },
  });
  const report = await probe(server.port, 'tls', { folders: ['inbox', 'größe'] });
  expect(report).toMatchObject({ ok: true, missingFolders: [], canIdle: true, foldersCut: false });
  expect(report.steps.map(({ step, ok }) => [step, ok])).toEqual(
    ['dns', 'tcp', 'tls', 'login', 'folders', 'idle'].map((step) => [step, true]),
  );
  expect(report.certificate).toMatchObject({ subject: HOST, issuer: HOST, names: [HOST] });
  expect(
    report.folders.map(({ path, specialUse, isSelectable, messages }) => [
      path,
      specialUse,
      isSelectable,
      messages,
    ]),
  ).toEqual([
    ['INBOX', '\\Inbox', true, 1],
    ['Sent', '\\Sent', true, 0],
    ['Größe', null, true, 0],
  ]);
  await server.deserted();
});

test('the same by STARTTLS, and in clear where it is allowed', async () => {
  const starttls = await start({ tls: { mode: 'starttls', ...good } });
  expect(await probe(starttls.port, 'starttls')).toMatchObject({ ok: true, certificate: { subject: HOST } });
  const plain = await start();
  expect(await probe(plain.port, 'plain')).toMatchObject({ ok: true, certificate: null });
});

test('a bad certificate is shown with what is wrong with it, and no password is sent', async () => {
  const day = 86_400_000;
  const expired = makeTestCertificate([HOST], { from: new Date(0), to: new Date(Date.now() - day) });
  const server = await start({ tls: { mode: 'implicit', ...expired } });
  const trusting = { ...ports, tls: imapTlsContext([expired.cert]) };
  const report = await probe(server.port, 'tls', {}, trusting);
  expect(outcome(report)).toEqual(['dns tcp tls', 'TLS_CERT_EXPIRED']);
  expect(Date.parse(report.certificate?.validTo ?? '')).toBeLessThan(Date.now());
  const other = makeTestCertificate(['other.example.test']);
  const named = await start({ tls: { mode: 'starttls', ...other } });
  const second = await probe(named.port, 'starttls', {}, { ...ports, tls: imapTlsContext([other.cert]) });
  expect(outcome(second)).toEqual(['dns tcp tls', 'TLS_CERT_NAME_MISMATCH']);
  expect(second.certificate?.names).toEqual(['other.example.test']);
  expect([...server.commands, ...named.commands].map(({ name }) => name)).toEqual(['STARTTLS']);
});

test.each([
  ['no STARTTLS', 'starttls', {}, 'dns tcp tls', 'TLS_REQUIRED'],
  ['PREAUTH', 'starttls', { greeting: '* PREAUTH hi' }, 'dns tcp tls', 'TLS_REQUIRED'],
  ['not IMAP', 'starttls', { greeting: '220 smtp.internal ESMTP' }, 'dns tcp tls', 'IMAP_NOT_IMAP'],
  ['BYE', 'starttls', { greeting: '* BYE too many connections' }, 'dns tcp tls', 'IMAP_TOO_MANY_CONNECTIONS'],
  ['no greeting', 'starttls', { greeting: null }, 'dns tcp tls', 'IMAP_TIMEOUT'],
  ['TLS to a clear port', 'tls', {}, 'dns tcp tls', 'IMAP_NOT_IMAP'],
  ['a wrong password', 'plain', { checkPassword: () => false }, 'dns tcp tls login', 'IMAP_AUTH_REJECTED'],
  ['no IDLE', 'plain', { capabilities: ['IMAP4rev1'] }, 'dns tcp tls login folders idle', undefined],
] as const)('%s fails at its step with its code', async (_what, security, options, steps, code) => {
  const server = await start(options);
  const report = await probe(server.port, security);
  expect(outcome(report)).toEqual([steps, code]);
  expect(report.ok).toBe(code === undefined);
  const last = report.steps.at(-1);
  if (code !== undefined) expect(last).toMatchObject({ ok: false, message: ERROR_CATALOGUE[code].message });
});

test('a service that is not IMAP shows nothing of itself', async () => {
  const server = await start({ greeting: '* OKAY root@10.0.0.5 redis_version:7.2 banner-canary' });
  const report = await probe(server.port, 'starttls');
  expect(outcome(report)).toEqual(['dns tcp tls', 'IMAP_NOT_IMAP']);
  expect(JSON.stringify(report)).not.toMatch(/canary|redis|root/);
});

test('a folder that is to be watched and is not there is named', async () => {
  const server = await start({ folders: { INBOX: {}, Work: {}, Node: { attributes: ['\\Noselect'] } } });
  const report = await probe(server.port, 'plain', { folders: ['work', 'Gone', 'Node'] });
  expect(outcome(report)).toEqual(['dns tcp tls login folders', 'IMAP_FOLDER_MISSING']);
  expect(report.missingFolders).toEqual(['Gone', 'Node']);
});

test('a folder list without end is cut off', async () => {
  const server = await start();
  server.on('LIST', async ({ connection }) => {
    const block = Array.from({ length: 1_000 }, (_, index) => `* LIST () "/" "folder ${index}"\r\n`).join('');
    while (connection.isOpen) await connection.write(block);
  });
  const report = await probe(server.port, 'plain', { deadlineMs: 30_000 });
  expect(outcome(report)).toEqual(['dns tcp tls login folders', 'IMAP_PROTOCOL']);
});

test('more folders than can be shown are cut, and a watched one beyond is not called missing', async () => {
  const folders = Object.fromEntries(Array.from({ length: 6_000 }, (_, index) => [`f${index}`, {}]));
  const server = await start({ folders: { INBOX: {}, ...folders, zzz: {} } });
  const report = await probe(server.port, 'plain', { folders: ['zzz'] });
  expect(report).toMatchObject({ ok: true, foldersCut: true });
  expect(report.folders).toHaveLength(5_000);
});

test('what the guard refuses is not connected to', async () => {
  const server = await start();
  const guard = {
    resolve: () =>
      Promise.reject(new FaultError({ kind: 'misconfigured', code: 'EGRESS_FORBIDDEN', detail: 'x' })),
  };
  expect(outcome(await probe(server.port, 'tls', {}, { ...ports, guard }))).toEqual([
    'dns',
    'EGRESS_FORBIDDEN',
  ]);
  expect(server.connections).toBe(0);
});

test('clear text that is not allowed sends nothing at all', async () => {
  const server = await start();
  const report = await probe(server.port, 'plain', {}, { ...ports, plaintext: { allows: () => false } });
  expect(outcome(report)).toEqual(['dns tcp tls', 'TLS_PLAIN_FORBIDDEN']);
  expect(server.commands).toEqual([]);
});

test('a port where nobody listens', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  expect(outcome(await probe(port, 'tls'))).toEqual(['dns tcp', 'IMAP_UNREACHABLE']);
});

test('the deadline is over all steps, and nothing stays open', async () => {
  const server = await start();
  server.on('LIST', faults.silence());
  const report = await probe(server.port, 'plain', { deadlineMs: 200 });
  expect(outcome(report)).toEqual(['dns tcp tls login folders', 'IMAP_TIMEOUT']);
  const slowGuard = { resolve: () => new Promise<never>(() => undefined) };
  const slow = await probe(server.port, 'plain', { deadlineMs: 50 }, { ...ports, guard: slowGuard });
  expect(outcome(slow)).toEqual(['dns', 'IMAP_TIMEOUT']);
});

test('a token that cannot be had fails the login step with the reason', async () => {
  const server = await start();
  const credentials = (): Promise<never> =>
    Promise.reject(new FaultError({ kind: 'auth', code: 'OAUTH_REAUTHORIZE', detail: 'invalid_grant' }));
  expect(outcome(await probe(server.port, 'plain', { credentials }))).toEqual([
    'dns tcp tls login',
    'OAUTH_REAUTHORIZE',
  ]);
});
