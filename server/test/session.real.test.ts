import { describe, expect, onTestFinished, test } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { closeRedis, createRedis } from '@mailstream/shared/runtime/redis';
import { useRedis } from '@mailstream/shared/testing/fixtures';
import { once } from 'node:events';
import { PASSWORD, toAnswer, useServer, type Answer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';

const redis = await useRedis();
const { app, call, owner, ports, a, b, token, advance, rebuild, logLines } = await useServer();

const JSON_TYPE = { 'content-type': 'application/json' };
const OWN_PAGE = { ...JSON_TYPE, 'sec-fetch-site': 'same-origin' };

async function login(
  email: string,
  password = PASSWORD,
  on: FastifyInstance = app,
): Promise<{ answer: Answer; cookie: string }> {
  const response = await on.inject({ method: 'POST', url: '/api/auth/login', payload: { email, password } });
  const [cookie] = response.cookies;
  return { answer: toAnswer(response), cookie: cookie === undefined ? '' : `${cookie.name}=${cookie.value}` };
}

async function withCookie(
  cookie: string,
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  headers: Record<string, string> = OWN_PAGE,
): Promise<Answer> {
  const payload = method === 'GET' ? {} : { payload: '{}' };
  return toAnswer(await app.inject({ method, url, headers: { cookie, ...headers }, ...payload }));
}

describe('API tokens', () => {
  test('act for their own tenant with their own scopes', async () => {
    const reader = await token(a.tenant, ['providers:read']);
    expect((await call('GET', '/api/email/providers', { token: reader })).status).toBe(200);
    const refused = await call('POST', '/api/email/providers', { body: providerBody(), token: reader });
    expect(refused).toMatchObject({ status: 403, json: { error: { code: 'FORBIDDEN' } } });
    expect((await call('GET', '/api/auth/me', { token: reader })).json).toMatchObject({
      kind: 'api_token',
      tenant: { id: a.tenant, name: 'Tenant a' },
      scopes: ['providers:read'],
    });
  });

  test('that are unknown, revoked, expired, misspelt or missing are all refused alike', async () => {
    const past = new Date(Date.now() - 1000);
    const bad = [
      'mst_unknown',
      await token(a.tenant, ['providers:read'], { revokedAt: past }),
      await token(a.tenant, ['providers:read'], { expiresAt: past }),
      'x'.repeat(10_000),
      null,
    ];
    const answers = await Promise.all(bad.map((one) => call('GET', '/api/email/providers', { token: one })));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const basic = await call('GET', '/api/email/providers', {
      token: null,
      headers: { authorization: `Basic ${a.token}` },
    });
    expect(basic.status).toBe(401);
  });

  test('that expire later work until then', async () => {
    const soon = await token(b.tenant, ['providers:read'], { expiresAt: new Date(Date.now() + 60_000) });
    expect((await call('GET', '/api/email/providers', { token: soon })).status).toBe(200);
  });

  test('a wrong token does not fall back to a session', async () => {
    const { cookie } = await login(a.users.admin.email);
    const answer = await call('GET', '/api/auth/me', { token: 'mst_wrong', headers: { cookie } });
    expect(answer.status).toBe(401);
  });
});

describe('logging in', () => {
  test('opens a session that the browser keeps from scripts and other sites', async () => {
    const response = await app.inject({
      method: 'POST',
      url: '/api/auth/login',
      payload: { email: a.users.admin.email.toUpperCase(), password: PASSWORD },
    });
    expect(response.statusCode).toBe(200);
    expect(response.cookies[0]).toMatchObject({
      name: 'mailstream_session',
      httpOnly: true,
      sameSite: 'Lax',
      path: '/',
    });
    expect(response.cookies[0]?.secure).toBeUndefined();
    const me = await withCookie(
      `mailstream_session=${response.cookies[0]?.value ?? ''}`,
      'GET',
      '/api/auth/me',
    );
    expect(me.json).toMatchObject({ kind: 'user', name: 'admin of a', email: a.users.admin.email });
    expect(me.json.scopes).not.toContain('operator');
    const { rows } = await owner.query<{ hashes: string }>(
      `SELECT string_agg(encode(token_hash, 'escape'), '') AS hashes FROM sessions`,
    );
    expect(rows[0]?.hashes).not.toContain(response.cookies[0]?.value);
  });

  test('marks the cookie Secure where a trusted proxy ends TLS, or the public address is https', async () => {
    const behindProxy = await rebuild({ trustedProxies: ['127.0.0.1'] });
    const response = await behindProxy.inject({
      method: 'POST',
      url: '/api/auth/login',
      headers: { 'x-forwarded-proto': 'https' },
      payload: { email: a.users.admin.email, password: PASSWORD },
    });
    expect(response.cookies[0]?.secure).toBe(true);
    const published = await rebuild({ publicOrigin: 'https://mail.example.com' });
    const direct = await published.inject({
      method: 'POST',
      url: '/api/auth/login',
      payload: { email: a.users.admin.email, password: PASSWORD },
    });
    expect(direct.cookies[0]?.secure).toBe(true);
  });

  test('tells a wrong password, an unknown address and a disabled user apart for nobody', async () => {
    await owner.query('UPDATE users SET disabled_at = now() WHERE id = $1', [b.users.viewer.id]);
    const answers = [
      await login(a.users.admin.email, 'wrong'),
      await login('nobody@example.com'),
      await login(b.users.viewer.email),
    ];
    expect(answers.map(({ answer }) => answer.status)).toEqual([401, 401, 401]);
    expect(new Set(answers.map(({ answer }) => answer.text)).size).toBe(1);
    expect(answers.every(({ cookie }) => cookie === '')).toBe(true);
  });

  test('asks which tenant is meant where address and password fit two', async () => {
    await owner.query('UPDATE users SET email = $1 WHERE id = ANY($2)', [
      'both@example.com',
      [a.users.viewer.id, b.users.admin.id],
    ]);
    expect((await login('both@example.com')).answer).toMatchObject({
      status: 409,
      json: { error: { code: 'CONFLICT' } },
    });
    const answer = await call('POST', '/api/auth/login', {
      token: null,
      body: { email: 'both@example.com', password: PASSWORD, tenantId: b.tenant },
    });
    expect(answer.json).toMatchObject({ tenant: { id: b.tenant } });
  });

  test('is limited for each account, and says how long to wait', async () => {
    const limited = await rebuild({ limits: { loginsPerMinute: 3, testsPerMinute: 5 } });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1)
      statuses.push((await login('guess@example.com', `guess ${i}`, limited)).answer.status);
    expect(statuses).toEqual([401, 401, 401, 429]);
    const { answer } = await login('guess@example.com', 'guess', limited);
    expect(answer.json.error).toMatchObject({ code: 'RATE_LIMITED' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('leaves neither password nor address in the log', async () => {
    await login(a.users.admin.email, 'a-password-canary');
    expect(logLines.join('\n')).not.toMatch(/a-password-canary|admin@a/);
  });
});

describe('limits over two servers', () => {
  const limits = { loginsPerMinute: 3, testsPerMinute: 2 };

  async function twoServers(url: string): Promise<readonly [FastifyInstance, FastifyInstance]> {
    const start = async (): Promise<FastifyInstance> => {
      const limitsRedis = createRedis({ url, name: 'limits-test', log: ports.log });
      onTestFinished(() => closeRedis(limitsRedis));
      if (url === redis.url) await limitsRedis.ping().catch(() => once(limitsRedis, 'ready'));
      return rebuild({ limits, limitsRedis });
    };
    return [await start(), await start()];
  }

  test('count together what one account or one address tries at either', async () => {
    const [one, two] = await twoServers(redis.url);
    const guess = async (on: FastifyInstance, email: string, remoteAddress: string) =>
      (
        await on.inject({
          ...{ method: 'POST', url: '/api/auth/login', remoteAddress },
          payload: { email, password: 'guess' },
        })
      ).statusCode;
    const byAccount = [
      await guess(one, 'one@example.com', '192.0.2.1'),
      await guess(two, 'one@example.com', '192.0.2.2'),
      await guess(one, 'ONE@example.com', '192.0.2.3'),
      await guess(two, 'one@example.com', '192.0.2.4'),
      await guess(one, 'one@example.com', '192.0.2.5'),
    ];
    expect(byAccount).toEqual([401, 401, 401, 429, 429]);
    // Somebody with IPv6 has 2^64 addresses, and counts as one.
    const byAddress = [
      await guess(one, 'two@example.com', '2001:db8:0:1::1'),
      await guess(two, 'three@example.com', '2001:db8:0:1::2'),
      await guess(two, 'four@example.com', '2001:db8:0:1:ffff::3'),
      await guess(one, 'five@example.com', '2001:db8:0:1::4'),
      await guess(one, 'five@example.com', '2001:db8:0:2::1'),
    ];
    expect(byAddress).toEqual([401, 401, 401, 429, 401]);
  });

  test('count tests of mail servers for each tenant', async () => {
    const [one, two] = await twoServers(redis.url);
    const tried = async (on: FastifyInstance, bearer: string) => {
      const { imap } = providerBody();
      const response = await on.inject({
        ...{ method: 'POST', url: '/api/email/providers/test', payload: { imap } },
        headers: { authorization: `Bearer ${bearer}` },
      });
      return response.statusCode;
    };
    const statuses = [await tried(one, a.token), await tried(two, a.token), await tried(one, a.token)];
    expect(statuses).toEqual([200, 200, 429]);
    expect(await tried(two, a.token)).toBe(429);
    expect(await tried(two, b.token)).toBe(200);
  });

  test('hold for each server alone while Redis is away, and lock nobody out', async () => {
    // Nothing listens on port 1 of loopback.
    const servers = await twoServers('redis://127.0.0.1:1');
    for (const on of servers) {
      const statuses: number[] = [];
      for (let i = 0; i < 4; i += 1)
        statuses.push((await login('away@example.com', 'guess', on)).answer.status);
      expect(statuses).toEqual([401, 401, 401, 429]);
    }
  });
});

describe('sessions', () => {
  test('end when they are not used, and live on while they are', async () => {
    const { cookie } = await login(a.users.admin.email);
    advance(45 * 60_000);
    const renewed = await app.inject({ method: 'GET', url: '/api/auth/me', headers: { cookie } });
    expect(renewed.statusCode).toBe(200);
    expect(renewed.cookies).toHaveLength(1);
    advance(45 * 60_000);
    expect((await withCookie(cookie, 'GET', '/api/auth/me')).status).toBe(200);
    advance(61 * 60_000);
    expect((await withCookie(cookie, 'GET', '/api/auth/me')).status).toBe(401);
  });

  test('never live longer than a month, however much they are used', async () => {
    const patient = await rebuild({ sessionTtlMs: 20 * 24 * 3_600_000 });
    const { cookie } = await login(a.users.admin.email, PASSWORD, patient);
    const statuses: number[] = [];
    for (let days = 7; days <= 35; days += 7) {
      advance(7 * 24 * 3_600_000);
      const answer = await patient.inject({ method: 'GET', url: '/api/auth/me', headers: { cookie } });
      statuses.push(answer.statusCode);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 401]);
  });

  test('end with a logout, at the server too', async () => {
    const { cookie } = await login(a.users.admin.email);
    expect((await withCookie(cookie, 'POST', '/api/auth/logout')).status).toBe(204);
    expect((await withCookie(cookie, 'GET', '/api/auth/me')).status).toBe(401);
  });

  test('end at once for a user who is disabled', async () => {
    const { cookie } = await login(a.users.operator.email);
    await owner.query('UPDATE users SET disabled_at = now() WHERE id = $1', [a.users.operator.id]);
    expect((await withCookie(cookie, 'GET', '/api/auth/me')).status).toBe(401);
    await owner.query('UPDATE users SET disabled_at = NULL WHERE id = $1', [a.users.operator.id]);
  });
});

describe('requests of other sites with a visitor’s cookie', () => {
  const attempts: [string, Record<string, string>][] = [
    ['a cross-site fetch', { ...JSON_TYPE, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['a sibling domain', { ...JSON_TYPE, 'sec-fetch-site': 'same-site' }],
    ['another origin, old browser', { ...JSON_TYPE, origin: 'https://evil.example' }],
    ['no origin at all', { ...JSON_TYPE }],
    ['an opaque origin', { ...JSON_TYPE, origin: 'null' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }],
    ['a text form', { 'content-type': 'text/plain', 'sec-fetch-site': 'same-origin' }],
  ];

  test.each(attempts)('are refused: %s', async (_what, headers) => {
    const { cookie } = await login(a.users.admin.email);
    const answer = await withCookie(cookie, 'POST', '/api/auth/logout', headers);
    expect(answer).toMatchObject({ status: 403, json: { error: { code: 'FORBIDDEN' } } });
    expect((await withCookie(cookie, 'GET', '/api/auth/me')).status).toBe(200);
  });

  test('are told from our own pages by the public address, where one is set', async () => {
    const published = await rebuild({ publicOrigin: 'https://mail.example.com' });
    const { cookie } = await login(a.users.admin.email, PASSWORD, published);
    const post = async (origin: string) =>
      (
        await published.inject({
          method: 'POST',
          url: '/api/auth/logout',
          headers: { cookie, ...JSON_TYPE, origin },
          payload: '{}',
        })
      ).statusCode;
    expect(await post('http://localhost:80')).toBe(403);
    expect(await post('https://mail.example.com')).toBe(204);
  });

  test('cannot log a visitor in as somebody else', async () => {
    const answer = await call('POST', '/api/auth/login', {
      token: null,
      headers: { 'sec-fetch-site': 'cross-site' },
      body: { email: a.users.admin.email, password: PASSWORD },
    });
    expect(answer.status).toBe(403);
  });
});
