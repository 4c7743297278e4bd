/** Logging in with OAuth: a real OpenID Connect provider, and Dovecot, which asks it whether a token is good. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { deliver } from '@mailstream/shared/testing/deliver';
import { startScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { browserSession, type BrowserSession } from './browser-session.ts';
import type { Answer } from './harness.ts';
import { APPLICATION_SCOPE, SCOPES } from './login-service.ts';
import { BASE, newAddress, ORIGIN, pathOf, useOAuth, type Departed } from './oauth-fixture.ts';
import { providerBody } from './provider-bodies.ts';

const fixture = await useOAuth();
const { login, dovecot, visitor, mailServer, admin } = fixture;
const { imapOf, depart, cameBack, grantFor, statusOf, create, connected } = fixture;
const { a, b, app, call, owner, logLines, advance } = fixture.harness;

const NOWHERE = { status: 303, headers: { location: '/connect/done?error=OAUTH_STATE_INVALID' } };

describe('a mailbox that is being added', () => {
  test('is logged in before it is saved, tested with that login, and saved with its tokens', async () => {
    const account = newAddress();
    await deliver({
      ...{ host: '127.0.0.1', port: dovecot.lmtpPort, from: 'a@example.test', to: account },
      raw: Buffer.from('Subject: x\r\n\r\nx'),
    });
    const imap = imapOf(account);
    const id = await grantFor(account, imap);
    expect((await statusOf(id)).json).toMatchObject({ state: 'granted', account, providerId: null });

    const { oauthClientSecret: _kept, ...rest } = imap;
    const tested = await admin.send('POST', '/api/email/providers/test', {
      imap: { ...rest, oauthAuthorizationId: id },
    });
    expect(tested.json).toMatchObject({ ok: true, canIdle: true });
    expect(tested.json.folders).toContainEqual(expect.objectContaining({ name: 'INBOX', messages: 1 }));

    const asked = login.tokenRequests();
    const created = await create(id, imap);
    expect(created).toMatchObject({
      status: 201,
      json: {
        mustReconnect: false,
        imap: {
          oauthAccount: account,
          hasOauthRefreshToken: true,
          hasOauthClientSecret: true,
          tokenExpiresAt: expect.any(String) as string,
        },
      },
    });
    const stored = await admin.send('POST', `/api/email/providers/${created.json.id ?? ''}/test`);
    expect(stored.json.ok).toBe(true);
    // The token of the login is used, not a new one.
    expect(login.tokenRequests()).toBe(asked);
    // It is used up.
    expect(await create(id, imap)).toMatchObject({
      status: 422,
      json: { error: { code: 'OAUTH_STATE_INVALID' } },
    });
    const { rows } = await owner.query('SELECT 1 FROM oauth_authorizations WHERE id = $1', [id]);
    expect(rows).toEqual([]);
    const log = await owner.query<{ granted: string }>(
      `SELECT after ->> 'scopesGranted' AS granted FROM audit_log WHERE subject_id = $1`,
      [created.json.id],
    );
    expect(log.rows[0]?.granted.split(' ').toSorted()).toEqual(SCOPES.split(' ').toSorted());
  });

  test('does not lose its login when saving fails for another reason', async () => {
    const account = newAddress();
    const imap = imapOf(account);
    const id = await grantFor(account, imap);
    const { oauthClientSecret: _kept, ...rest } = imap;
    const body = { providerName: 'x', mailbox: newAddress(), imap: { ...rest, oauthAuthorizationId: id } };
    await call('POST', '/api/email/providers', { body: providerBody({}, { mailbox: body.mailbox }) });
    expect(await admin.send('POST', '/api/email/providers', body)).toMatchObject({ status: 409 });
    expect(await create(id, imap)).toMatchObject({ status: 201 });
  });

  test('cannot be saved with a login that is of another user, account or application, or too old', async () => {
    const account = newAddress();
    const imap = imapOf(account);
    const id = await grantFor(account, imap);
    const operator = await browserSession(app, a.users.operator.email);
    const stranger = await browserSession(app, b.users.admin.email);
    for (const browser of [operator, stranger])
      expect(await create(id, imap, browser)).toMatchObject({
        status: 422,
        json: { error: { code: 'OAUTH_STATE_INVALID' } },
      });
    for (const more of [{ username: newAddress() }, { port: 143 }, { oauthClientId: 'other' }])
      expect(await create(id, { ...imap, ...more })).toMatchObject({
        status: 400,
        json: { error: { fields: [{ field: 'imap.oauthAuthorizationId' }] } },
      });
    advance(31 * 60_000);
    expect(await create(id, imap)).toMatchObject({ status: 422 });
    advance(-31 * 60_000);
    expect(await stranger.send('GET', `${BASE}/authorizations/${id}`)).toMatchObject({ status: 404 });
  });

  test('needs a browser: a token of the API cannot begin a login', async () => {
    const answer = await call('POST', `${BASE}/initiate`, { body: { imap: imapOf(newAddress()) } });
    expect(answer).toMatchObject({
      status: 403,
      json: { error: { hint: expect.stringContaining('link') as string } },
    });
  });

  test('needs everything that a login needs, each field named', async () => {
    const answer = await admin.send('POST', `${BASE}/initiate`, {
      imap: imapOf('x', { oauthAuthorizeUrl: null, oauthScopes: null }),
    });
    expect(answer).toMatchObject({
      status: 400,
      json: { error: { fields: [{ field: 'imap.oauthAuthorizeUrl' }, { field: 'imap.oauthScopes' }] } },
    });
    const nothing = await admin.send('POST', `${BASE}/initiate`, { imap: { authType: 'oauth2' } });
    expect(nothing.text).toContain('"field":"imap.host"');
    const elsewhere = await admin.send('POST', `${BASE}/initiate`, { imap: {}, returnTo: '//evil.example' });
    expect(elsewhere.status).toBe(400);
  });
});

describe('the answer of a login service', () => {
  test('is good once', async () => {
    const account = newAddress();
    const back = await cameBack(await depart(admin, { imap: imapOf(account) }), account);
    const first = await admin.arrive(back);
    // To an address without code and state, which no page that follows hears of.
    expect(first).toMatchObject({ status: 303, headers: { 'referrer-policy': 'no-referrer' } });
    expect(first.headers['location']).toMatch(/^\/mailboxes\/new\?authorization=[0-9a-f-]{36}$/);
    const asked = login.tokenRequests();
    expect(await admin.arrive(back)).toMatchObject(NOWHERE);
    expect(login.tokenRequests()).toBe(asked);
  });

  test('is good for the browser that departed alone, and stays good for it', async () => {
    const account = newAddress();
    const departed = await depart(admin, { imap: imapOf(account) });
    const back = await cameBack(departed, account);
    const others = [
      // Another session of the same user, another user, another tenant, nobody, and an API token.
      await browserSession(app, a.users.admin.email),
      await browserSession(app, a.users.operator.email),
      await browserSession(app, b.users.admin.email),
      await browserSession(app, null),
    ];
    for (const other of others) expect(await other.arrive(back)).toMatchObject(NOWHERE);
    expect(await call('GET', back)).toMatchObject(NOWHERE);
    expect((await statusOf(departed.id)).json.state).toBe('pending');
    await admin.arrive(back);
    expect((await statusOf(departed.id)).json.state).toBe('granted');
  });

  test('finds two logins of one browser, each its own', async () => {
    const [one, two] = [newAddress(), newAddress()];
    const departures = [
      await depart(admin, { imap: imapOf(one) }),
      await depart(admin, { imap: imapOf(two) }),
    ];
    const backs = [];
    for (const [index, account] of [one, two].entries())
      backs.push(await cameBack(departures[index] as Departed, account));
    for (const back of backs.reverse()) await admin.arrive(back);
    expect((await statusOf(departures[0]?.id ?? '')).json.account).toBe(one);
    expect((await statusOf(departures[1]?.id ?? '')).json.account).toBe(two);
  });

  test('comes too late after ten minutes', async () => {
    const account = newAddress();
    const back = await cameBack(await depart(admin, { imap: imapOf(account) }), account);
    advance(10 * 60_000 + 1_000);
    expect(await admin.arrive(back)).toMatchObject(NOWHERE);
    advance(-10 * 60_000 - 1_000);
  });

  test.each([
    '',
    'state=',
    `state=${'x'.repeat(600)}`,
    'code=x',
    'state=a&state=b&code=x',
    'state=%00',
    'error=%0d%0aX',
  ])('that is nonsense leads nowhere (%s)', async (query) => {
    expect(await admin.arrive(`${BASE}/callback?${query}`)).toMatchObject(NOWHERE);
  });

  test('of another issuer is refused before its code is sent anywhere', async () => {
    const account = newAddress();
    const departed = await depart(admin, { imap: imapOf(account) });
    const back = new URL(await cameBack(departed, account), ORIGIN);
    back.searchParams.set('iss', 'https://evil.example');
    const asked = login.tokenRequests();
    await admin.arrive(pathOf(back));
    expect((await statusOf(departed.id)).json).toMatchObject({
      state: 'failed',
      errorCode: 'OAUTH_ISSUER_MISMATCH',
    });
    expect(login.tokenRequests()).toBe(asked);
  });

  test('with the code of another login is refused by the verifier (PKCE)', async () => {
    const account = newAddress();
    const [one, two] = [
      await depart(admin, { imap: imapOf(account) }),
      await depart(admin, { imap: imapOf(account) }),
    ];
    const stolen = new URL(await cameBack(one, account), ORIGIN).searchParams.get('code') ?? '';
    const back = new URL(await cameBack(two, account), ORIGIN);
    back.searchParams.set('code', stolen);
    await admin.arrive(pathOf(back));
    expect((await statusOf(two.id)).json).toMatchObject({
      state: 'failed',
      errorCode: 'OAUTH_STATE_INVALID',
    });
  });

  test('for another account than the mailbox’s keeps nothing of it', async () => {
    const departed = await depart(admin, { imap: imapOf(newAddress()) });
    await admin.arrive(await cameBack(departed, newAddress()));
    expect((await statusOf(departed.id)).json).toMatchObject({
      state: 'failed',
      errorCode: 'OAUTH_WRONG_ACCOUNT',
      errorHint: expect.stringContaining('shared') as string,
    });
    const { rows } = await owner.query('SELECT sealed FROM oauth_authorizations WHERE id = $1', [
      departed.id,
    ]);
    expect(rows).toEqual([{ sealed: null }]);
  });

  test('for a shared mailbox has to satisfy its mail server', async () => {
    // Dovecot lets nobody in by another account's token, whatever the settings say.
    const departed = await depart(admin, { imap: imapOf(newAddress(), { oauthSharedMailbox: true }) });
    await admin.arrive(await cameBack(departed, newAddress()));
    expect((await statusOf(departed.id)).json).toMatchObject({ errorCode: 'OAUTH_WRONG_ACCOUNT' });
  });

  test('for a shared mailbox whose mail server lets the account in is good, and remembered by its address', async () => {
    const [shared, delegate] = [newAddress(), newAddress()];
    const asked: string[] = [];
    const server = await startScriptedImap({
      checkToken: (user, token) => {
        asked.push(user);
        return token !== '';
      },
    });
    onTestFinished(() => server.close());
    const imap = imapOf(shared, { port: server.port, oauthSharedMailbox: true });
    const departed = await depart(admin, { imap });
    // Nobody logs in by the name of a shared mailbox.
    expect(new URL(departed.authorizeUrl).searchParams.has('login_hint')).toBe(false);
    await admin.arrive(await cameBack(departed, delegate));
    expect((await statusOf(departed.id)).json).toMatchObject({ state: 'granted', account: delegate });
    expect(asked).toEqual([shared]);
    expect((await create(departed.id, imap)).json.imap).toMatchObject({
      username: shared,
      oauthAccount: delegate,
      oauthSharedMailbox: true,
    });
  });

  test('is believed by the account’s address where the mail server is away', async () => {
    const account = newAddress();
    const departed = await depart(admin, { imap: imapOf(account, { port: await freePort() }) });
    await admin.arrive(await cameBack(departed, account));
    expect((await statusOf(departed.id)).json).toMatchObject({ state: 'granted', account });
    const stranger = await depart(admin, {
      imap: imapOf(newAddress(), { port: await freePort(), oauthSharedMailbox: true }),
    });
    await admin.arrive(await cameBack(stranger, account));
    expect((await statusOf(stranger.id)).json).toMatchObject({
      state: 'failed',
      errorCode: 'IMAP_UNREACHABLE',
    });
  });

  test('without a token that lasts is not enough', async () => {
    const account = newAddress();
    const departed = await depart(admin, { imap: imapOf(account, { oauthScopes: 'openid email imap' }) });
    await admin.arrive(await cameBack(departed, account));
    expect((await statusOf(departed.id)).json.errorCode).toBe('OAUTH_SCOPE_MISSING');
  });

  test('that says no is told as such', async () => {
    const departed = await depart(admin, { imap: imapOf(newAddress()) });
    await admin.arrive(pathOf(await visitor.cancel(departed.authorizeUrl)));
    expect((await statusOf(departed.id)).json).toMatchObject({ state: 'failed', errorCode: 'OAUTH_DENIED' });
  });

  test('with a wrong client secret is the operator’s to mend', async () => {
    const account = newAddress();
    const departed = await depart(admin, { imap: imapOf(account, { oauthClientSecret: 'wrong' }) });
    await admin.arrive(await cameBack(departed, account));
    expect((await statusOf(departed.id)).json.errorCode).toBe('OAUTH_CLIENT_REJECTED');
  });
});

async function loginStep(provider: string): Promise<unknown> {
  const tested = await admin.send('POST', `/api/email/providers/${provider}/test`);
  const steps = tested.json.steps as unknown as { name: string; outcome: string; code: string | null }[];
  return steps.find(({ name }) => name === 'login');
}

describe('a mailbox whose permission has ended', () => {
  test('says so, and works again after one login', async () => {
    const account = newAddress();
    const provider = await connected(account);
    await login.revokeAll();
    await owner.query(`DELETE FROM provider_secrets WHERE name = $1`, [`imap_access_token_${provider}`]);
    expect(await loginStep(provider)).toMatchObject({ outcome: 'failed', code: 'OAUTH_REAUTHORIZE' });
    // As the daemon notes it.
    await owner.query(
      `UPDATE email_providers SET status = 'error', error_code = 'OAUTH_REAUTHORIZE', paused_at = now(), pause_reason = 'auth_failure'
        WHERE id = $1`,
      [provider],
    );
    const before = (await admin.send('GET', `/api/email/providers/${provider}`)).json;
    expect(before).toMatchObject({ mustReconnect: true });

    const departed = await depart(admin, { providerId: provider, returnTo: 'mailbox' });
    const answer = await admin.arrive(await cameBack(departed, account));
    expect(answer.headers['location']).toBe(`/mailboxes/${provider}?authorization=${departed.id}`);
    expect((await statusOf(departed.id)).json).toMatchObject({ state: 'granted', providerId: provider });
    expect((await admin.send('GET', `/api/email/providers/${provider}`)).json).toMatchObject({
      mustReconnect: false,
      state: 'configuring',
      errorCode: null,
      configVersion: Number(before.configVersion) + 1,
    });
    expect(await loginStep(provider)).toMatchObject({ outcome: 'ok' });
    const { rows } = await owner.query<{ action: string; after: string }>(
      `SELECT action, after::text FROM audit_log WHERE subject_id = $1 AND action = 'provider.authorized'`,
      [provider],
    );
    expect(rows[0]?.after).toContain('imap_refresh_token');
  });

  test('is not reconnected with another account, nor after its settings were changed meanwhile', async () => {
    const account = newAddress();
    const provider = await connected(account);
    const wrong = await depart(admin, { providerId: provider });
    await admin.arrive(await cameBack(wrong, newAddress()));
    expect((await statusOf(wrong.id)).json.errorCode).toBe('OAUTH_WRONG_ACCOUNT');
    expect(await loginStep(provider)).toMatchObject({ outcome: 'ok' });

    const late = await depart(admin, { providerId: provider });
    const back = await cameBack(late, account);
    await admin.send('PATCH', `/api/email/providers/${provider}`, {
      imap: { oauthScopes: `${SCOPES} profile` },
    });
    await admin.arrive(back);
    expect((await statusOf(late.id)).json.errorCode).toBe('CONFLICT');
  });

  test('can be given changed settings with a login in one step', async () => {
    const [account, other] = [newAddress(), newAddress()];
    const provider = await connected(account);
    const changed = { username: other, oauthClientSecret: login.clientSecret };
    const departed = await depart(admin, { providerId: provider, imap: changed, returnTo: 'editMailbox' });
    const answer = await admin.arrive(await cameBack(departed, other));
    expect(answer.headers['location']).toBe(`/mailboxes/${provider}/edit?authorization=${departed.id}`);
    const saved = await admin.send('PATCH', `/api/email/providers/${provider}`, {
      imap: { username: other, oauthAuthorizationId: departed.id },
    });
    expect(saved.json.imap).toMatchObject({
      username: other,
      oauthAccount: other,
      hasOauthRefreshToken: true,
    });
    expect(await loginStep(provider)).toMatchObject({ outcome: 'ok' });
  });
});

describe('a mailbox that the application itself opens (client credentials)', () => {
  const applicationOf = (username: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
    ...imapOf(username),
    ...{ oauthAuthorizeUrl: null, oauthIssuer: null, oauthScopes: APPLICATION_SCOPE },
    ...{ oauthClientId: login.application.clientId, oauthClientSecret: login.application.clientSecret },
    ...more,
  });
  const save = (account: string, imap = applicationOf(account)): Promise<Answer> =>
    call('POST', '/api/email/providers', { body: providerBody(imap, { mailbox: account }) });
  const tried = (imap: Record<string, unknown>): Promise<Answer> =>
    call('POST', '/api/email/providers/test', { body: { imap } });

  test('is tested before it is saved and works afterwards, without anybody logging in', async () => {
    const account = newAddress();
    login.letApplicationRead(account);
    expect((await tried(applicationOf(account))).json).toMatchObject({ ok: true });
    const created = await save(account);
    expect(created).toMatchObject({
      status: 201,
      json: { mustReconnect: false, errorCode: null, state: 'configuring' },
    });
    expect(created.json.imap).toMatchObject({ hasOauthRefreshToken: false, hasOauthClientSecret: true });
    expect(await loginStep(created.json.id ?? '')).toMatchObject({ outcome: 'ok' });
    // It is asked for anew when it ends: there is nothing to refresh it with.
    const { json } = await call('GET', `/api/email/providers/${created.json.id ?? ''}`);
    expect(json.imap).toMatchObject({
      hasOauthRefreshToken: false,
      tokenExpiresAt: expect.stringMatching(/^20/) as string,
    });
    const asked = login.tokenRequests();
    await login.revokeAll();
    await owner.query('DELETE FROM provider_secrets WHERE name = $1', [
      `imap_access_token_${created.json.id ?? ''}`,
    ]);
    expect(await loginStep(created.json.id ?? '')).toMatchObject({ outcome: 'ok' });
    expect(login.tokenRequests()).toBe(asked + 1);
  });

  test('says so where the application may not open it', async () => {
    const account = newAddress();
    login.letApplicationRead(newAddress());
    const { json } = await tried(applicationOf(account));
    const steps = json.steps as unknown as { name: string; outcome: string; code: string | null }[];
    expect(steps.find(({ name }) => name === 'login')).toMatchObject({
      outcome: 'failed',
      code: 'IMAP_AUTH_REJECTED',
    });
    const id = (await save(account)).json.id ?? '';
    // As the daemon notes it, after a fresh token was refused.
    await owner.query(
      `UPDATE email_providers SET status = 'error', error_code = 'OAUTH_REAUTHORIZE' WHERE id = $1`,
      [id],
    );
    expect((await call('GET', `/api/email/providers/${id}`)).json).toMatchObject({
      mustReconnect: true,
      errorHint: expect.stringContaining('application') as string,
    });
  });

  test('is the operator’s to mend where the login service refuses the application', async () => {
    const account = newAddress();
    login.letApplicationRead(account);
    const wrong = applicationOf(account, { oauthClientSecret: 'wrong' });
    const refused = { outcome: 'failed', code: 'OAUTH_CLIENT_REJECTED' };
    const { json } = await tried(wrong);
    expect((json.steps as unknown as { name: string }[]).find(({ name }) => name === 'login')).toMatchObject(
      refused,
    );
    const created = await save(account, wrong);
    const id = created.json.id ?? '';
    expect(await loginStep(id)).toMatchObject(refused);
    // With the right secret it works at once.
    const { clientSecret } = login.application;
    await call('PATCH', `/api/email/providers/${id}`, {
      body: { imap: { oauthClientSecret: clientSecret } },
    });
    expect(await loginStep(id)).toMatchObject({ outcome: 'ok' });
  });

  test('sends nobody to a login: there is none', async () => {
    const account = newAddress();
    const imap = applicationOf(account, { oauthAuthorizeUrl: login.authorizeUrl });
    const fields = [{ field: 'imap.oauthScopes', code: 'NOT_ALLOWED' }];
    expect(await admin.send('POST', `${BASE}/initiate`, { imap })).toMatchObject({
      status: 400,
      json: { error: { fields } },
    });
    const id = (await save(account, imap)).json.id ?? '';
    expect(await call('POST', `/api/email/providers/${id}/login-link`, { body: {} })).toMatchObject({
      status: 400,
      json: { error: { fields } },
    });
  });
});

describe('a link for the owner of a mailbox', () => {
  async function linkFor(account: string): Promise<{ provider: string; token: string }> {
    const created = await call('POST', '/api/email/providers', {
      body: providerBody(imapOf(account), { mailbox: account }),
    });
    const provider = created.json.id ?? '';
    expect(created.json).toMatchObject({ mustReconnect: true, errorCode: 'IMAP_CREDENTIALS_MISSING' });
    const answer = await call('POST', `/api/email/providers/${provider}/login-link`, { body: {} });
    expect(answer).toMatchObject({ status: 201, json: { mailbox: account } });
    const [page, token = ''] = (answer.json.url ?? '').split('#');
    expect(page).toBe(`${ORIGIN}/connect`);
    return { provider, token };
  }

  const start = (browser: BrowserSession, token: string): Promise<Answer> =>
    browser.send('POST', `${BASE}/links/start`, { token });

  test('lets them log in without an account here, once', async () => {
    const account = newAddress();
    const { provider, token } = await linkFor(account);
    const theirs = await browserSession(app, null);
    expect((await theirs.send('POST', `${BASE}/links/view`, { token })).json).toMatchObject({
      tenantName: 'Tenant a',
      mailbox: account,
      loginHost: '127.0.0.1',
    });
    const started = await start(theirs, token);
    const departed = { id: '', authorizeUrl: started.json.authorizeUrl ?? '' };
    // With another account first: told so, and the link is still good.
    const wrong = await theirs.arrive(await cameBack(departed, newAddress()));
    expect(wrong.headers['location']).toBe('/connect/done?error=OAUTH_WRONG_ACCOUNT');
    expect((await theirs.send('POST', `${BASE}/links/view`, { token })).json.errorCode).toBe(
      'OAUTH_WRONG_ACCOUNT',
    );

    const again = await start(theirs, token);
    const back = await cameBack({ id: '', authorizeUrl: again.json.authorizeUrl ?? '' }, account);
    // Not for another browser, a logged-in administrator's included.
    expect(await (await browserSession(app, null)).arrive(back)).toMatchObject(NOWHERE);
    expect(await admin.arrive(back)).toMatchObject(NOWHERE);
    expect((await theirs.arrive(back)).headers['location']).toBe('/connect/done');
    expect(await loginStep(provider)).toMatchObject({ outcome: 'ok' });
    for (const what of ['view', 'start'])
      expect(await theirs.send('POST', `${BASE}/links/${what}`, { token })).toMatchObject({
        status: 404,
        json: { error: { code: 'OAUTH_LINK_INVALID' } },
      });
  });

  test('is withdrawn by a newer one, ends after a week, and with its mailbox', async () => {
    const account = newAddress();
    const { provider, token } = await linkFor(account);
    const newer = await call('POST', `/api/email/providers/${provider}/login-link`, { body: {} });
    const token2 = (newer.json.url ?? '').split('#')[1] ?? '';
    const theirs = await browserSession(app, null);
    expect(await start(theirs, token)).toMatchObject({ status: 404 });
    advance(8 * 24 * 3_600_000);
    expect(await start(theirs, token2)).toMatchObject({ status: 404 });
    advance(-8 * 24 * 3_600_000);
    expect(await start(theirs, token2)).toMatchObject({ status: 200 });
    await call('DELETE', `/api/email/providers/${provider}`);
    expect(await start(theirs, token2)).toMatchObject({ status: 404 });
  });

  test('is not made for a mailbox with a password', async () => {
    const { json } = await call('POST', '/api/email/providers', {
      body: providerBody({ host: '127.0.0.1', port: dovecot.imapPort, secure: false }),
    });
    expect(
      await call('POST', `/api/email/providers/${json.id ?? ''}/login-link`, { body: {} }),
    ).toMatchObject({
      status: 400,
    });
  });
});

test('no token, code, verifier or client secret is in a log line, an answer or a row', async () => {
  const account = newAddress();
  const departed = await depart(admin, { imap: imapOf(account) });
  const back = await cameBack(departed, account);
  const answer = await admin.arrive(back);
  const code = new URL(back, ORIGIN).searchParams.get('code') ?? 'none';
  const state = new URL(back, ORIGIN).searchParams.get('state') ?? 'none';
  const { rows } = await owner.query<{ everything: string }>(
    `SELECT (SELECT string_agg(t::text, ' ') FROM oauth_authorizations t) || (SELECT string_agg(t::text, ' ') FROM audit_log t)
       || (SELECT string_agg(t::text, ' ') FROM provider_secrets t) AS everything`,
  );
  const provider = await connected(newAddress());
  const token = (await mailServer.tokens.accessToken({ tenant: a.tenant, id: provider as never })).reveal();
  const everything = [
    ...logLines,
    rows[0]?.everything ?? '',
    answer.text,
    JSON.stringify(answer.headers),
    (await statusOf(departed.id)).text,
    (await call('GET', `/api/email/providers/${provider}`)).text,
  ].join('\n');
  for (const secret of [code, state, login.clientSecret, token ?? 'none'])
    expect(everything).not.toContain(secret);
  expect(rows[0]?.everything).toContain('v1.');
});
