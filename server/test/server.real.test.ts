/** The server as it is composed for production, on a port of its own, with a real mail server. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useDatabase, useDovecot } from '@mailstream/shared/testing/fixtures';
import { compose } from '../src/compose.ts';
import { readConfig } from '../src/config.ts';
import { SCOPES } from '../src/contracts/session.ts';
import { sha256 } from '../src/use-cases/accounts.ts';
import type { TestResult } from '../src/contracts/provider-test.ts';

const clone = await useDatabase();
const dovecot = useDovecot();
const token = `mst_${randomBytes(16).toString('hex')}`;
const port = await freePort();
let composition: ReturnType<typeof compose>;
let storage: string;

/** Only for a moment free, but nobody else draws from the same range in between. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), 'mailstream-server-'));
  const owner = new pg.Client({ connectionString: clone.ownerUrl });
  await owner.connect();
  await owner.query(
    `WITH one AS (INSERT INTO tenants (tenant, name) VALUES (gen_random_uuid(), 'T') RETURNING tenant)
    INSERT INTO api_tokens (tenant, id, name, token_hash, scopes)
    SELECT tenant, gen_random_uuid(), 'test', $1, $2 FROM one`,
    [Buffer.from(sha256(token)), JSON.stringify(SCOPES)],
  );
  await owner.end();
  composition = compose(
    readConfig({
      PORT: String(port),
      HOST: '127.0.0.1',
      LOG_LEVEL: 'error',
      DATABASE_URL: clone.url,
      SECRETS_MASTER_KEY: randomBytes(32).toString('base64'),
      STORAGE_URL: pathToFileURL(storage).href,
      EGRESS_ALLOW_CIDRS: '127.0.0.1/32,127.0.0.2/32',
      IMAP_PLAINTEXT_ALLOW_CIDRS: '127.0.0.1/32',
      IMAP_CONNECTION_TIMEOUT_MS: '3000',
      PROVIDER_TEST_LIMIT_PER_MINUTE: '100',
    }),
  );
  for (const service of composition.services) await service.start();
});

afterAll(async () => {
  for (const service of [...composition.services].reverse()) await service.stop();
  await rm(storage, { recursive: true, force: true });
});

async function call(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

function imap(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    host: dovecot.host,
    port: dovecot.port,
    secure: false,
    allowStarttls: false,
    username: dovecot.newUser(),
    password: dovecot.password,
    folderFilters: [],
    ...more,
  };
}

async function outcome(more: Record<string, unknown>): Promise<string> {
  const { status, json } = await call('POST', '/api/email/providers/test', { imap: imap(more) });
  expect(status).toBe(200);
  const { ok, steps } = json as unknown as TestResult;
  expect(steps.map(({ name }) => name)).toEqual(['dns', 'tcp', 'tls', 'login', 'folders']);
  const failed = steps.find((step) => step.outcome === 'failed');
  expect(ok).toBe(failed === undefined);
  return failed === undefined ? 'ok' : `${failed.name} ${failed.code ?? ''}`;
}

describe('testing a connection before it is saved', () => {
  test('shows each step, and the folders, of one that works', async () => {
    const { json } = await call('POST', '/api/email/providers/test', { imap: imap() });
    expect(json).toMatchObject({
      ok: true,
      folders: [{ name: 'INBOX', isSelectable: true }],
      missingFolders: [],
      canIdle: true,
    });
    const { rows } = await counted();
    expect(rows).toEqual([{ providers: '0', secrets: '0', audited: '0' }]);
  });

  test('names the step that fails and why', async () => {
    expect(await outcome({ password: 'wrong' })).toBe('login IMAP_AUTH_REJECTED');
    expect(await outcome({ folderFilters: ['INBOX', 'No such folder'] })).toBe('folders IMAP_FOLDER_MISSING');
    expect(await outcome({ port: await freePort(), secure: true })).toBe('tcp IMAP_UNREACHABLE');
    expect(await outcome({ secure: true })).toMatch(/^tls (IMAP_NOT_IMAP|TLS_FAILED)$/);
    expect(await outcome({ host: 'no-such-host.invalid', secure: true })).toBe('dns IMAP_DNS_NOT_FOUND');
    expect(await outcome({ host: '10.1.2.3', secure: true })).toBe('dns EGRESS_FORBIDDEN');
  });

  test.runIf(dovecot.imapsPort !== null)(
    'refuses a certificate that nobody signed, unless an operator says otherwise',
    async () => {
      const tls = { secure: true, port: dovecot.imapsPort };
      expect(await outcome(tls)).toMatch(/^tls TLS_CERT_/);
      expect(await outcome({ ...tls, verifyCertificate: false })).toBe('ok');
    },
  );

  test('sends no password where clear text is not allowed', async () => {
    const { status, json } = await call('POST', '/api/email/providers/test', {
      imap: imap({ host: '127.0.0.2' }),
    });
    expect(status).toBe(422);
    expect(json).toMatchObject({
      error: { code: 'TLS_PLAIN_FORBIDDEN', fields: [{ field: 'imap.secure' }] },
    });
  });

  test('does not even try a refresh token: it may be good for one use only', async () => {
    const { json } = await call('POST', '/api/email/providers/test', {
      imap: imap({
        authType: 'oauth2',
        password: undefined,
        oauthTokenUrl: 'https://127.0.0.1/token',
        oauthClientId: 'c',
        oauthRefreshToken: 'r',
      }),
    });
    expect(json).toMatchObject({
      ok: true,
      steps: [{}, {}, {}, { name: 'login', outcome: 'skipped' }, { outcome: 'skipped' }],
    });
  });
});

describe('a saved mailbox', () => {
  test('is tested with the stored password, which never goes to another account', async () => {
    const settings = imap();
    const created = await call('POST', '/api/email/providers', {
      providerName: 'P',
      mailbox: `${String(settings['username'])}@example.com`,
      imap: settings,
    });
    expect(created.status).toBe(201);
    const id = String(created.json['id']);
    const tried = async (body?: unknown): Promise<unknown> =>
      (await call('POST', `/api/email/providers/${id}/test`, body)).json;
    expect(await tried()).toMatchObject({ ok: true });
    expect(await tried({ imap: { folderFilters: ['Missing'] } })).toMatchObject({
      ok: false,
      missingFolders: ['Missing'],
    });
    expect(await tried({ imap: { username: dovecot.newUser() } })).toMatchObject({
      ok: false,
      steps: [{}, {}, {}, { name: 'login', code: 'IMAP_CREDENTIALS_MISSING' }, {}],
    });
    expect((await call('GET', `/api/email/providers/${id}/folders`)).json).toMatchObject({
      items: [{ name: 'INBOX' }],
    });
    await call('PATCH', `/api/email/providers/${id}`, { imap: { password: 'wrong' } });
    expect(await call('GET', `/api/email/providers/${id}/folders`)).toMatchObject({
      status: 422,
      json: { error: { code: 'IMAP_AUTH_REJECTED' } },
    });
  });
});

test('gives up a connection test whose caller has gone', async () => {
  // Accepts and says nothing: the test would wait for a greeting.
  const accepted: Socket[] = [];
  const silent = createServer((socket) => accepted.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const caller = new AbortController();
  const request = fetch(`http://127.0.0.1:${port}/api/email/providers/test`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ imap: imap({ port: (silent.address() as AddressInfo).port, secure: true }) }),
    signal: caller.signal,
  }).catch(() => 'aborted');
  const [socket] = (await once(silent, 'connection')) as [Socket];
  const begun = performance.now();
  const closed = once(socket, 'close');
  socket.resume();
  caller.abort();
  await closed;
  expect(await request).toBe('aborted');
  // Far below the connection timeout of three seconds, which would end it as well.
  expect(performance.now() - begun).toBeLessThan(2000);
  for (const one of accepted) one.destroy();
  silent.close();
  await once(silent, 'close');
});

test('is ready, and says so to probes and to Prometheus', async () => {
  expect(await call('GET', '/health/ready')).toMatchObject({
    status: 200,
    json: { checks: [{ name: 'postgresql', ok: true }] },
  });
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(metrics).toContain(
    'mailstream_http_requests_total{method="POST",route="/api/email/providers/test",status="200"}',
  );
  expect(metrics).toMatch(/^mailstream_installation_unpublished_age_seconds 0$/m);
});

async function counted(): Promise<pg.QueryResult> {
  const owner = new pg.Client({ connectionString: clone.ownerUrl });
  await owner.connect();
  try {
    return await owner.query(`SELECT (SELECT count(*) FROM email_providers) AS providers,
      (SELECT count(*) FROM provider_secrets) AS secrets, (SELECT count(*) FROM audit_log) AS audited`);
  } finally {
    await owner.end();
  }
}
