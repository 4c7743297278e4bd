/** Users, roles, passwords, tokens and the audit log, on a real database. */
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { tenantId } from '@mailstream/shared/domain/ids';
import { SCOPES } from '../src/contracts/session.ts';
import { PASSWORD, toAnswer, useServer, type Answer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';

const harness = await useServer();
const { app, call, a, b, owner, token, advance, databaseUrl } = harness;

/** What these answers hold, as far as the tests look into them. */
interface Body {
  readonly user: { readonly id: string };
  readonly tenant: { readonly id: string };
  readonly link: { readonly token: string };
  readonly token: { readonly id: string; readonly createdBy: string };
  readonly error: { readonly fields: readonly { readonly field: string }[] };
  readonly items: readonly { readonly id: string; readonly name: string; readonly after: unknown }[];
}

const bodyOf = ({ text }: Answer): Body => JSON.parse(text) as Body;
const wrongField = (answer: Answer): string | undefined => bodyOf(answer).error.fields[0]?.field;

const NEW_PASSWORD = 'a new horse every day';

async function logIn(email: string, password = PASSWORD): Promise<Answer & { readonly cookie: string }> {
  const response = await app.inject({
    method: 'POST',
    url: '/api/auth/login',
    payload: { email, password },
  });
  return { ...toAnswer(response), cookie: `mailstream_session=${response.cookies[0]?.value ?? ''}` };
}

const asUser = (cookie: string): { token: null; headers: Record<string, string> } => ({
  token: null,
  headers: { cookie, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
});

async function isIn(cookie: string): Promise<boolean> {
  return (await call('GET', '/api/auth/me', asUser(cookie))).status === 200;
}

async function invite(role: string, email = `${role}-${Math.random()}@a.example`) {
  const answer = await call('POST', '/api/users', { body: { email, displayName: 'Neu', role } });
  expect(answer.status).toBe(201);
  const { user, link } = bodyOf(answer);
  return { id: user.id, email, link: link.token };
}

const setPassword = (link: string, password = NEW_PASSWORD): Promise<Answer> =>
  call('POST', '/api/auth/password-link', { token: null, body: { token: link, password } });

// First: later tests move the clock of the server, and not that of the command line.
describe('tenants', () => {
  const invitation = { name: 'Newcomers', administrator: { email: 'new@example.com', displayName: 'Nora' } };

  test('an operator adds one, whose administrator lets everybody else in and sees nothing of others', async () => {
    const made = await call('POST', '/api/tenants', { body: invitation });
    expect(made).toMatchObject({
      status: 201,
      json: { tenant: { name: 'Newcomers' }, user: { role: 'admin' } },
    });
    expect(await setPassword(bodyOf(made).link.token)).toMatchObject({ status: 204 });
    const { cookie } = await logIn('new@example.com', NEW_PASSWORD);
    expect((await call('GET', '/api/email/providers', asUser(cookie))).json.items).toEqual([]);
    expect((await call('GET', '/api/tenant', asUser(cookie))).json).toMatchObject({ name: 'Newcomers' });
    const renamed = await call('PATCH', '/api/tenant', { ...asUser(cookie), body: { name: 'Settlers' } });
    expect(renamed.json).toMatchObject({ id: bodyOf(made).tenant.id, name: 'Settlers' });
    expect((await call('GET', '/api/tenant')).json.name).toBe('Tenant a');
    // Only operators do, and none of this is in the new tenant's power.
    expect((await call('POST', '/api/tenants', { ...asUser(cookie), body: invitation })).status).toBe(403);
  });

  test('one that is closed keeps no secret, runs no mailbox and lets nobody in', async () => {
    const made = await call('POST', '/api/tenants', {
      body: { ...invitation, administrator: { ...invitation.administrator, email: 'leaving@example.com' } },
    });
    const tenant = tenantId(bodyOf(made).tenant.id);
    await setPassword(bodyOf(made).link.token);
    const { cookie } = await logIn('leaving@example.com', NEW_PASSWORD);
    const theirs = await token(tenant, SCOPES);
    const create = () => call('POST', '/api/email/providers', { token: theirs, body: providerBody() });
    const [one, two] = [(await create()).json.id ?? '', (await create()).json.id ?? ''];
    await call('POST', `/api/email/providers/${two}/pause`, { token: theirs });
    const smtp = {
      host: 'smtp.example.com',
      port: 465,
      secure: true,
      username: 'x',
      password: 'smtp-password',
    };
    await call('PUT', `/api/email/providers/${one}/smtp`, { token: theirs, body: smtp });

    const heard: string[] = [];
    const listener = new pg.Client({ connectionString: databaseUrl });
    await listener.connect();
    listener.on('notification', ({ payload }) => heard.push(payload ?? ''));
    await listener.query('LISTEN mailstream_providers');
    const close = (name: string) => call('POST', '/api/tenant/close', { ...asUser(cookie), body: { name } });
    expect(await close('newcomers')).toMatchObject({
      status: 400,
      json: { error: { fields: [{ field: 'name' }] } },
    });
    expect((await call('GET', '/api/email/providers', asUser(cookie))).status).toBe(200);
    expect(await close('Newcomers')).toMatchObject({ status: 204 });
    await expect.poll(() => heard.filter((text) => text.includes(tenant)).length).toBeGreaterThanOrEqual(2);
    await listener.end();

    expect((await call('GET', '/api/auth/me', asUser(cookie))).status).toBe(401);
    expect((await call('GET', '/api/email/providers', { token: theirs })).status).toBe(401);
    expect((await logIn('leaving@example.com', NEW_PASSWORD)).status).toBe(401);
    const count = async (sql: string) => (await owner.query<{ n: number }>(sql, [tenant])).rows[0]?.n;
    for (const table of [
      'provider_secrets',
      'smtp_settings',
      'sessions',
      'password_links',
      'oauth_authorizations',
    ])
      expect.soft(await count(`SELECT count(*)::int AS n FROM ${table} WHERE tenant = $1`), table).toBe(0);
    expect(
      await count(
        `SELECT count(*)::int AS n FROM email_providers WHERE tenant = $1 AND paused_at IS NOT NULL AND pause_reason = 'tenant_cancelled'`,
      ),
    ).toBe(2);
    // Others go on.
    expect((await call('GET', '/api/email/providers', { token: b.token })).status).toBe(200);
  });
});

describe('users', () => {
  test('somebody who is invited sets a password with the link, once, and logs in', async () => {
    const { id, email, link } = await invite('viewer');
    expect((await logIn(email, '')).status).toBe(400);
    expect(wrongField(await setPassword(link, 'short'))).toBe('password');
    expect((await setPassword(link)).status).toBe(204);
    expect((await setPassword(link, 'another long password')).status).toBe(409);
    expect((await logIn(email, NEW_PASSWORD)).status).toBe(200);
    const list = await call('GET', `/api/users?search=${encodeURIComponent(email)}`);
    expect(list.json.items).toMatchObject([{ id, email, role: 'viewer', state: 'active' }]);
    expect(list.text).not.toContain('argon2');
  });

  test('a link that is too old, or replaced by a newer one, does nothing', async () => {
    const { id, email, link } = await invite('viewer');
    const newer = await call('POST', `/api/users/${id}/password-link`);
    expect((await setPassword(link)).status).toBe(409);
    advance(4 * 24 * 3600 * 1000);
    expect((await setPassword(String(newer.json.token))).status).toBe(409);
    expect((await logIn(email, NEW_PASSWORD)).status).toBe(401);
  });

  test('of two who use a link at once one gets it', async () => {
    const { link } = await invite('viewer');
    const both = await Promise.all([setPassword(link), setPassword(link, 'the other password')]);
    expect(both.map(({ status }) => status).sort((x, y) => x - y)).toEqual([204, 409]);
  });

  test('an address is there once, whatever its case', async () => {
    const { email } = await invite('viewer');
    const body = { email: email.toUpperCase(), displayName: 'x', role: 'viewer' };
    expect(wrongField(await call('POST', '/api/users', { body }))).toBe('email');
  });

  test('a reset link ends every session once it is used', async () => {
    const { id, email, link } = await invite('viewer');
    await setPassword(link);
    const { cookie } = await logIn(email, NEW_PASSWORD);
    const reset = await call('POST', `/api/users/${id}/password-link`);
    expect(await isIn(cookie)).toBe(true);
    await setPassword(String(reset.json.token), 'yet another password');
    expect(await isIn(cookie)).toBe(false);
    expect((await logIn(email, NEW_PASSWORD)).status).toBe(401);
  });

  test('a person changes the own password with the current one, and stays in here alone', async () => {
    const { email, link } = await invite('viewer');
    await setPassword(link);
    const [here, there] = [await logIn(email, NEW_PASSWORD), await logIn(email, NEW_PASSWORD)];
    const change = (currentPassword: string) =>
      call('POST', '/api/auth/password', {
        ...asUser(here.cookie),
        body: { currentPassword, password: 'my own new password' },
      });
    expect(wrongField(await change('wrong'))).toBe('currentPassword');
    expect((await change(NEW_PASSWORD)).status).toBe(204);
    expect(await isIn(here.cookie)).toBe(true);
    expect(await isIn(there.cookie)).toBe(false);
    expect((await logIn(email, 'my own new password')).status).toBe(200);
  });

  test('whoever is disabled is out at once, and in again only after a new login', async () => {
    const { id, email, link } = await invite('admin');
    await setPassword(link);
    const { cookie } = await logIn(email, NEW_PASSWORD);
    expect((await call('PATCH', `/api/users/${id}`, { body: { isDisabled: true } })).json.state).toBe(
      'disabled',
    );
    expect(await isIn(cookie)).toBe(false);
    expect((await logIn(email, NEW_PASSWORD)).status).toBe(401);
    expect((await call('POST', `/api/users/${id}/password-link`)).status).toBe(409);
    await call('PATCH', `/api/users/${id}`, { body: { isDisabled: false } });
    expect(await isIn(cookie)).toBe(false);
    expect((await logIn(email, NEW_PASSWORD)).status).toBe(200);
  });

  test('a new role counts from the next request on', async () => {
    const { id, email, link } = await invite('viewer');
    await setPassword(link);
    const { cookie } = await logIn(email, NEW_PASSWORD);
    expect((await call('GET', '/api/users', asUser(cookie))).status).toBe(403);
    await call('PATCH', `/api/users/${id}`, { body: { role: 'admin' } });
    expect((await call('GET', '/api/users', asUser(cookie))).status).toBe(200);
  });

  test('nobody gives more than he has: an administrator makes and touches no operator', async () => {
    const { cookie } = await logIn(a.users.admin.email);
    const attempts = [
      call('POST', '/api/users', {
        ...asUser(cookie),
        body: { email: 'op2@a.example', displayName: 'x', role: 'operator' },
      }),
      call('PATCH', `/api/users/${a.users.admin.id}`, { ...asUser(cookie), body: { role: 'operator' } }),
      call('PATCH', `/api/users/${a.users.operator.id}`, { ...asUser(cookie), body: { isDisabled: true } }),
      call('POST', `/api/users/${a.users.operator.id}/password-link`, { ...asUser(cookie), body: {} }),
    ];
    expect((await Promise.all(attempts)).map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    const weak = await token(a.tenant, ['accounts:write']);
    const body = { email: 'x@a.example', displayName: 'x', role: 'admin' };
    expect((await call('POST', '/api/users', { token: weak, body })).status).toBe(403);
    const { cookie: viewer } = await logIn(a.users.viewer.email);
    expect((await call('GET', '/api/users', asUser(viewer))).status).toBe(403);
  });

  test('the last administrator stays one, also when two are taken away at the same moment', async () => {
    const path = (id: string): string => `/api/users/${id}`;
    const { admin, operator } = b.users;
    const everything = { token: b.token };
    const both = await Promise.all([
      call('PATCH', path(admin.id), { ...everything, body: { role: 'viewer' } }),
      call('PATCH', path(operator.id), { ...everything, body: { isDisabled: true } }),
    ]);
    expect(both.map(({ status }) => status).sort((x, y) => x - y)).toEqual([200, 409]);
    const { rows } = await owner.query(
      `SELECT count(*)::int AS left FROM users WHERE tenant = $1 AND role <> 'viewer' AND disabled_at IS NULL`,
      [b.tenant],
    );
    expect(rows[0]).toEqual({ left: 1 });
    const { rows: log } = await owner.query(
      `SELECT count(*)::int AS lines FROM audit_log WHERE tenant = $1 AND action = 'user.updated'`,
      [b.tenant],
    );
    expect(log[0]).toEqual({ lines: 1 });
  });
});

describe('API tokens', () => {
  test('a token is shown once, works with its scopes alone, and not after it was revoked', async () => {
    const made = await call('POST', '/api/tokens', { body: { name: 'CI', scopes: ['tickets:read'] } });
    expect(made.status).toBe(201);
    const secret = String(made.json.secret);
    expect((await call('GET', '/api/tickets', { token: secret })).status).toBe(200);
    expect((await call('GET', '/api/users', { token: secret })).status).toBe(403);
    const list = await call('GET', '/api/tokens');
    expect(list.text).not.toContain(secret);
    expect(bodyOf(list).items.find(({ name }) => name === 'CI')).toMatchObject({
      state: 'active',
      scopes: ['tickets:read'],
    });
    const id = bodyOf(made).token.id;
    expect((await call('DELETE', `/api/tokens/${id}`)).status).toBe(204);
    expect((await call('DELETE', `/api/tokens/${id}`)).status).toBe(204);
    expect((await call('GET', '/api/tickets', { token: secret })).status).toBe(401);
    const { rows } = await owner.query(`SELECT * FROM api_tokens WHERE id = $1`, [id]);
    expect(JSON.stringify(rows)).not.toContain(secret);
  });

  test('a token gets no right that its maker lacks, and no end in the past', async () => {
    const { cookie } = await logIn(a.users.admin.email);
    const make = (body: object) => call('POST', '/api/tokens', { ...asUser(cookie), body });
    expect((await make({ name: 'x', scopes: ['operator'] })).status).toBe(403);
    expect((await make({ name: 'x', scopes: [] })).status).toBe(400);
    expect(
      (await make({ name: 'x', scopes: ['tickets:read'], expiresAt: '2020-01-01T00:00:00Z' })).status,
    ).toBe(400);
    expect(bodyOf(await make({ name: 'x', scopes: ['tickets:read'] })).token.createdBy).toBe('admin of a');
  });
});

describe('the audit log', () => {
  test('says who changed what, with values before and after, page by page and without secrets', async () => {
    const { cookie } = await logIn(a.users.admin.email);
    const created = await call('POST', '/api/email/providers', {
      ...asUser(cookie),
      body: providerBody({ password: 'canary-password' }),
    });
    const id = String(created.json.id);
    await call('PATCH', `/api/email/providers/${id}`, {
      ...asUser(cookie),
      body: { providerName: 'Renamed', imap: { password: 'canary-password-2' } },
    });
    const found = await call('GET', `/api/audit-log?subjectId=${id}`);
    expect(found.json.items).toMatchObject([
      {
        action: 'provider.updated',
        actor: { type: 'user', id: a.users.admin.id, name: 'admin of a' },
        subjectName: 'Renamed',
        before: { providerName: 'Support' },
        after: { providerName: 'Renamed' },
      },
      { action: 'provider.created', before: null },
    ]);
    expect(found.text).not.toContain('canary-password');

    const first = await call('GET', '/api/audit-log?limit=2');
    const second = await call('GET', `/api/audit-log?limit=2&cursor=${String(first.json.nextCursor)}`);
    const ids = [...bodyOf(first).items, ...bodyOf(second).items].map((item) => item.id);
    expect(new Set(ids).size).toBe(4);
    const mine = await call('GET', `/api/audit-log?action=user.&actorId=${a.users.admin.id}`);
    expect(mine.json.items).toEqual([]);
    expect((await call('GET', '/api/audit-log', { token: b.token })).text).not.toContain(id);
  });

  test('a secret that somebody wrote into it all the same is not shown', async () => {
    await owner.query(
      `INSERT INTO audit_log (tenant, id, actor_type, action, subject_type, subject_id, after)
       VALUES ($1, gen_random_uuid(), 'system', 'test.leak', 'test', 'x', '{"imap": {"password": "canary-leak"}, "hasPassword": true}')`,
      [a.tenant],
    );
    const answer = await call('GET', '/api/audit-log?action=test.leak');
    expect(bodyOf(answer).items[0]?.after).toEqual({ imap: { password: '•••' }, hasPassword: true });
    expect(answer.text).not.toContain('canary-leak');
  });
});
