import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { providerId } from '@mailstream/shared/domain/ids';
import type { SecretName } from '@mailstream/shared/secrets/secret-store';
import { useServer, type Answer } from './harness.ts';
import { oauthImap, providerBody } from './provider-bodies.ts';
import { insertMessage } from './rows.ts';

const { call, owner, secrets, a, b, token, databaseUrl } = await useServer();

async function create(
  imap: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): Promise<string> {
  const answer = await call('POST', '/api/email/providers', { body: providerBody(imap, more) });
  expect(answer.text).toContain('"id"');
  return answer.json.id ?? '';
}

async function stored(id: string, name: SecretName = 'imap_password'): Promise<string | null> {
  return (await secrets.read({ tenant: a.tenant, providerId: providerId(id), name }))?.reveal() ?? null;
}

async function config(id: string): Promise<Record<string, unknown>> {
  const { rows } = await owner.query<Record<string, unknown>>(
    'SELECT * FROM imap_email_provider_config WHERE email_provider_id = $1',
    [id],
  );
  return rows[0] ?? {};
}

async function rowCounts(): Promise<string> {
  const { rows } = await owner.query<{ counts: string }>(
    `SELECT concat_ws(',', (SELECT count(*) FROM email_providers), (SELECT count(*) FROM imap_email_provider_config),
       (SELECT count(*) FROM provider_secrets), (SELECT count(*) FROM audit_log)) AS counts`,
  );
  return rows[0]?.counts ?? '';
}

function fieldsOf(answer: Answer): string[] {
  return ((answer.json.error?.['fields'] as readonly { readonly field: string }[] | undefined) ?? []).map(
    ({ field }) => field,
  );
}

function url(id: string, action = ''): string {
  return `/api/email/providers/${id}${action}`;
}

describe('creating', () => {
  test('stores settings, sealed secret, audit entry and answers without the secret', async () => {
    const body = providerBody();
    const answer = await call('POST', '/api/email/providers', { body });
    expect(answer.status).toBe(201);
    expect(answer.headers['location']).toBe(url(answer.json.id ?? ''));
    expect(answer.json).toMatchObject({
      providerName: 'Support',
      mailbox: body.mailbox,
      status: 'configuring',
      state: 'configuring',
      configVersion: 1,
      imap: {
        host: 'imap.example.com',
        port: 993,
        hasPassword: true,
        hasOauthRefreshToken: false,
        startFrom: { kind: 'now' },
      },
      folders: [{ name: 'INBOX', state: 'new', lastUid: null }, { name: 'Support/Kunden' }],
      lease: null,
    });
    expect(await stored(answer.json.id ?? '')).toBe('first-password');
    const { rows } = await owner.query('SELECT * FROM audit_log WHERE subject_id = $1', [answer.json.id]);
    expect(rows).toMatchObject([{ action: 'provider.created', actor_type: 'api_token', before: null }]);
    expect(JSON.stringify(rows)).toContain('imap_password');
    expect(JSON.stringify(rows)).not.toContain('first-password');
  });

  test('names every bad field at once and stores nothing', async () => {
    const before = await rowCounts();
    const answer = await call('POST', '/api/email/providers', {
      body: {
        providerName: '',
        mailbox: 'two words',
        tenant: b.tenant,
        isActive: 'yes',
        imap: {
          host: 'https://imap.example.com',
          port: 0,
          username: 'x\r\nA1 DELETE INBOX',
          folderFilters: ['INBOX', 'INBOX'],
          folderState: {},
          startFrom: { kind: 'last', count: 0 },
          oauthTokenUrl: 'http://login.example.com',
        },
      },
    });
    expect(answer.status).toBe(400);
    expect(answer.json.error).toMatchObject({
      code: 'VALIDATION_FAILED',
      hint: expect.any(String) as string,
    });
    const fields = answer.json.error?.['fields'] as unknown as {
      field: string;
      code: string;
      message: string;
    }[];
    expect(fields.map(({ field, code }) => `${field} ${code}`).sort()).toEqual([
      'imap.folderFilters INVALID',
      'imap.folderState UNKNOWN_FIELD',
      'imap.host INVALID',
      'imap.oauthTokenUrl INVALID',
      'imap.password REQUIRED',
      'imap.port OUT_OF_RANGE',
      'imap.startFrom.count OUT_OF_RANGE',
      'imap.username INVALID',
      'isActive WRONG_TYPE',
      'mailbox INVALID',
      'providerName REQUIRED',
      'tenant UNKNOWN_FIELD',
    ]);
    expect(fields.every(({ message }) => /^[A-Z].*\.$/.test(message))).toBe(true);
    expect(await rowCounts()).toBe(before);
  });

  test('asks for a password, and for the OAuth fields with OAuth', async () => {
    const without = await call('POST', '/api/email/providers', {
      body: providerBody({ password: undefined }),
    });
    expect(without).toMatchObject({
      status: 400,
      json: { error: { fields: [{ field: 'imap.password', code: 'REQUIRED' }] } },
    });
    const oauth = await call('POST', '/api/email/providers', {
      body: providerBody({ authType: 'oauth2', password: 'x' }),
    });
    expect(fieldsOf(oauth)).toEqual(['imap.oauthTokenUrl', 'imap.oauthClientId', 'imap.password']);
  });

  test('refuses a mailbox that is connected already, in any case, with 409', async () => {
    const id = await create({}, { mailbox: 'Double@Example.com' });
    const before = await rowCounts();
    const answer = await call('POST', '/api/email/providers', {
      body: providerBody({}, { mailbox: 'double@example.COM' }),
    });
    expect(answer).toMatchObject({
      status: 409,
      json: { error: { code: 'MAILBOX_EXISTS', fields: [{ field: 'mailbox' }] } },
    });
    expect(await rowCounts()).toBe(before);
    const other = await create();
    const change = await call('PATCH', url(other), { body: { mailbox: 'DOUBLE@example.com' } });
    expect(change.status).toBe(409);
    // In another tenant it is another mailbox.
    const elsewhere = await call('POST', '/api/email/providers', {
      body: providerBody({}, { mailbox: 'double@example.com' }),
      token: b.token,
    });
    expect(elsewhere.status).toBe(201);
    expect(elsewhere.json.id).not.toBe(id);
  });

  test('refuses a forbidden address, and clear text where no operator allowed it', async () => {
    const post = (imap: Record<string, unknown>) =>
      call('POST', '/api/email/providers', { body: providerBody(imap) });
    expect(await post({ host: 'internal.example.com' })).toMatchObject({
      status: 422,
      json: { error: { code: 'EGRESS_FORBIDDEN', fields: [{ field: 'imap.host' }] } },
    });
    expect(await post({ secure: false, allowStarttls: false, port: 143 })).toMatchObject({
      status: 422,
      json: { error: { code: 'TLS_PLAIN_FORBIDDEN', fields: [{ field: 'imap.secure' }] } },
    });
    expect(await post({ host: 'unknown.example.com', secure: false, port: 143 })).toMatchObject({
      status: 422,
      json: { error: { code: 'IMAP_DNS_NOT_FOUND' } },
    });
    expect((await post({ secure: false, allowStarttls: true, port: 143 })).status).toBe(201);
    expect((await post({ host: 'lan.example.com', secure: false, port: 143 })).status).toBe(201);
    expect((await post({ host: 'unknown.example.com' })).status).toBe(201);
  });

  test('lets only an operator switch off the check of the certificate', async () => {
    const writer = await token(a.tenant, ['providers:read', 'providers:write']);
    const body = providerBody({ verifyCertificate: false });
    const refused = await call('POST', '/api/email/providers', { body, token: writer });
    expect(refused).toMatchObject({
      status: 403,
      json: { error: { fields: [{ field: 'imap.verifyCertificate' }] } },
    });
    const id = (await call('POST', '/api/email/providers', { body })).json.id ?? '';
    // Granted for this server: other changes leave it, another server does not inherit it.
    const renamed = await call('PATCH', url(id), { body: { providerName: 'Renamed' }, token: writer });
    expect(renamed.json).toMatchObject({ providerName: 'Renamed', imap: { verifyCertificate: false } });
    const moved = await call('PATCH', url(id), {
      body: { imap: { host: 'imap2.example.com' } },
      token: writer,
    });
    expect(moved.json).toMatchObject({ imap: { verifyCertificate: true } });
  });
});

describe('changing', () => {
  test('a PATCH changes what it names, counts the version up and keeps the password', async () => {
    const id = await create();
    const answer = await call('PATCH', url(id), { body: { imap: { folderFilters: ['Archive'] } } });
    expect(answer).toMatchObject({
      status: 200,
      json: { configVersion: 2, imap: { folderFilters: ['Archive'], port: 993 } },
    });
    expect(await stored(id)).toBe('first-password');
  });

  test('a new name alone does not make the daemon reconnect, and no change at all leaves no trace', async () => {
    const id = await create();
    expect((await call('PATCH', url(id), { body: { providerName: 'Other' } })).json.configVersion).toBe(1);
    const before = await rowCounts();
    expect(
      (await call('PATCH', url(id), { body: { providerName: 'Other', imap: { port: 993 } } })).status,
    ).toBe(200);
    expect(await rowCounts()).toBe(before);
  });

  test('a new password is stored, heals the error, and lifts a pause after failed logins', async () => {
    const id = await create();
    await owner.query(
      `UPDATE email_providers SET status = 'error', error_code = 'IMAP_AUTH_REJECTED', auth_failure_count = 5,
         paused_at = now(), pause_reason = 'auth_failure' WHERE id = $1`,
      [id],
    );
    const answer = await call('PATCH', url(id), { body: { imap: { password: 'second-password' } } });
    expect(answer.json).toMatchObject({
      state: 'configuring',
      errorCode: null,
      pausedAt: null,
      configVersion: 2,
    });
    expect(await stored(id)).toBe('second-password');
  });

  test.each([
    ['host', { host: 'evil.example.net' }],
    ['port', { port: 1993 }],
    ['user name', { username: 'ceo@example.com' }],
    ['weaker protection', { secure: false, allowStarttls: true }],
    ['certificate check', { verifyCertificate: false }],
  ])('a changed %s erases the stored password', async (_what, imap) => {
    const id = await create();
    const answer = await call('PATCH', url(id), { body: { imap } });
    expect(answer.json).toMatchObject({
      status: 'error',
      errorCode: 'IMAP_CREDENTIALS_MISSING',
      imap: { hasPassword: false },
    });
    expect(answer.json.statusText).toContain('no password');
    expect(await stored(id)).toBeNull();
  });

  test('a changed host with a new password in the same request stores only the new one', async () => {
    const id = await create();
    const answer = await call('PATCH', url(id), {
      body: { imap: { host: 'new.example.com', password: 'second-password' } },
    });
    expect(answer.json).toMatchObject({ status: 'configuring', imap: { hasPassword: true } });
    expect(await stored(id)).toBe('second-password');
  });

  test('the case of a host name is no other host', async () => {
    const id = await create();
    await call('PATCH', url(id), { body: { imap: { host: 'IMAP.example.com' } } });
    expect(await stored(id)).toBe('first-password');
  });

  test.each([
    ['token address', { oauthTokenUrl: 'https://evil.example.net/token' }],
    ['client', { oauthClientId: 'client-2' }],
  ])('a changed OAuth %s erases client secret and tokens', async (_what, imap) => {
    const id = await create(oauthImap());
    expect(await stored(id, 'imap_refresh_token')).toBe('first-refresh-token');
    const answer = await call('PATCH', url(id), { body: { imap } });
    expect(answer.json).toMatchObject({ errorCode: 'IMAP_CREDENTIALS_MISSING' });
    expect(await stored(id, 'imap_refresh_token')).toBeNull();
    expect(await stored(id, 'imap_oauth_client_secret')).toBeNull();
  });

  test('changing to OAuth leaves no password behind', async () => {
    const id = await create();
    const answer = await call('PATCH', url(id), { body: { imap: oauthImap() } });
    expect(answer.status).toBe(200);
    expect(await stored(id)).toBeNull();
    expect(await stored(id, 'imap_refresh_token')).toBe('first-refresh-token');
  });

  test('a PUT replaces all settings but keeps the password that it leaves out', async () => {
    const id = await create();
    const body = providerBody({ password: undefined, folderFilters: undefined }, { isActive: false });
    const current = (await call('GET', url(id))).json;
    const answer = await call('PUT', url(id), {
      body: { ...body, imap: { ...body.imap, username: current.imap?.['username'] } },
    });
    expect(answer.json).toMatchObject({
      state: 'inactive',
      mailbox: body.mailbox,
      imap: { folderFilters: [], hasPassword: true },
    });
  });

  test('no change ever touches the cursor or the lease', async () => {
    const id = await create();
    const state = {
      INBOX: {
        uid_validity: '7',
        last_uid: '42',
        baseline_uid: '1',
        holes: [40],
        publish_seq: '3',
        last_seen_at: '2026-11-21T00:00:00Z',
      },
    };
    const leaseOwner = randomUUID();
    await owner.query(
      `UPDATE imap_email_provider_config SET folder_state = $2, lease_owner = $3, lease_epoch = 9,
         lease_expires_at = now() + interval '1 minute' WHERE email_provider_id = $1`,
      [id, JSON.stringify(state), leaseOwner],
    );
    await call('PATCH', url(id), {
      body: { imap: { host: 'new.example.com', username: 'other', folderFilters: ['X'] } },
    });
    await call('POST', url(id, '/pause'));
    const shown = await call('POST', url(id, '/resume'));
    expect(await config(id)).toMatchObject({
      folder_state: state,
      lease_owner: leaseOwner,
      lease_epoch: '9',
    });
    expect(shown.json).toMatchObject({
      lease: { owner: leaseOwner, epoch: 9 },
      folders: [
        { name: 'X', isWatched: true, lastUid: null },
        { name: 'INBOX', isWatched: false, uidValidity: 7, lastUid: 42, holes: 1 },
      ],
    });
  });

  test('what a request cannot set is refused by name', async () => {
    const id = await create();
    const answer = await call('PATCH', url(id), {
      body: { configVersion: 99, status: 'connected', imap: { folder_state: {}, lease_epoch: 1 } },
    });
    expect(fieldsOf(answer).sort()).toEqual([
      'configVersion',
      'imap.folder_state',
      'imap.lease_epoch',
      'status',
    ]);
  });
});

describe('pausing, resuming, reconnecting, deleting', () => {
  test('pause and resume move nothing but the pause, and the failure counters', async () => {
    const id = await create();
    const paused = await call('POST', url(id, '/pause'));
    expect(paused.json).toMatchObject({ state: 'paused', pauseReason: 'manual', configVersion: 1 });
    expect(paused.json.statusText).toContain('Mail waits');
    await owner.query('UPDATE email_providers SET auth_failure_count = 3 WHERE id = $1', [id]);
    expect((await call('POST', url(id, '/resume'))).json).toMatchObject({
      state: 'configuring',
      pausedAt: null,
    });
    const { rows } = await owner.query('SELECT auth_failure_count FROM email_providers WHERE id = $1', [id]);
    expect(rows).toEqual([{ auth_failure_count: 0 }]);
  });

  test('every change tells the daemon, in the transaction that makes it', async () => {
    const listener = new pg.Client({ connectionString: databaseUrl });
    await listener.connect();
    const notices: string[] = [];
    listener.on('notification', ({ payload }) => notices.push(payload ?? ''));
    await listener.query('LISTEN mailstream_providers');
    const id = await create();
    await call('POST', url(id, '/reconnect'));
    await call('DELETE', url(id));
    await call('PATCH', url(id), { body: { providerName: 'gone' } });
    await listener.query('SELECT 1');
    await listener.end();
    expect(notices.filter((notice) => notice.includes(id))).toHaveLength(3);
  });

  test('reconnect raises the poke version only', async () => {
    const id = await create();
    await call('POST', url(id, '/reconnect'));
    expect(await config(id)).toMatchObject({ poke_version: '1', config_version: '1' });
  });

  test('delete removes settings, secrets and ledger, and says so in the log', async () => {
    const id = await create();
    await owner.query(
      `INSERT INTO inbound_messages (tenant, provider_id, folder, uid_validity, uid, publish_seq, event_id, size, status)
       VALUES ($1, $2, 'INBOX', 1, 1, 1, $3, 10, 'received')`,
      [a.tenant, id, randomUUID()],
    );
    expect((await call('DELETE', url(id))).status).toBe(204);
    expect((await call('GET', url(id))).status).toBe(404);
    expect((await call('DELETE', url(id))).status).toBe(404);
    const { rows } = await owner.query(
      `SELECT (SELECT count(*) FROM provider_secrets WHERE email_provider_id = $1)::int AS secrets,
              (SELECT count(*) FROM inbound_messages WHERE provider_id = $1)::int AS messages,
              (SELECT count(*) FROM audit_log WHERE subject_id = $1::text AND action = 'provider.deleted')::int AS audited`,
      [id],
    );
    expect(rows).toEqual([{ secrets: 0, messages: 0, audited: 1 }]);
  });

  test('the activity shows messages, folders, and who changed which settings', async () => {
    const id = await create();
    await call('PATCH', url(id), { body: { imap: { folderFilters: ['A'], password: 'second-password' } } });
    await owner.query(
      `INSERT INTO inbound_messages (tenant, provider_id, folder, uid_validity, uid, publish_seq, event_id, size, status, subject)
       VALUES ($1, $2, 'A', 1, 1, 1, $3, 10, 'published', 'Printer')`,
      [a.tenant, id, randomUUID()],
    );
    const answer = await call('GET', url(id, '/activity'));
    expect(answer.json).toMatchObject({
      messages: [{ subject: 'Printer', status: 'published' }],
      changes: [
        { action: 'provider.updated', actorName: 'test', fields: ['folderFilters', 'secretsWritten'] },
        { action: 'provider.created', fields: [] },
      ],
    });
  });
});

describe('listing', () => {
  test('finds by text and state, and pages through without loss or double', async () => {
    const names = ['Alpha', 'alpha', 'Beta', 'Gamma 100%', 'Gamma 1000'];
    for (const name of names)
      await call('POST', '/api/email/providers', {
        body: providerBody({}, { providerName: name }),
        token: b.token,
      });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await call(
        'GET',
        `/api/email/providers?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`,
        { token: b.token },
      );
      expect(page.status).toBe(200);
      seen.push(...(page.json.items as unknown as { id: string }[]).map(({ id }) => id));
      cursor = page.json.nextCursor;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(names.length);
    const found = await call('GET', `/api/email/providers?search=${encodeURIComponent('100%')}`, {
      token: b.token,
    });
    expect(
      (found.json.items as unknown as { providerName: string }[]).map(({ providerName }) => providerName),
    ).toEqual(['Gamma 100%']);
    const none = await call('GET', '/api/email/providers?status=paused', { token: b.token });
    expect(none.json.items).toEqual([]);
  });

  test.each([
    'nonsense',
    Buffer.from('["x"]').toString('base64url'),
    Buffer.from('["a\\u0000","'.concat(randomUUID(), '"]')).toString('base64url'),
  ])('refuses the cursor %s by name', async (cursor) => {
    const answer = await call('GET', `/api/email/providers?cursor=${cursor}`);
    expect(answer).toMatchObject({ status: 400, json: { error: { fields: [{ field: 'cursor' }] } } });
  });

  test.each(['limit=0', 'limit=x', 'status=green', 'search=%00', 'unknown=1'])(
    'refuses ?%s',
    async (query) => {
      expect((await call('GET', `/api/email/providers?${query}`)).status).toBe(400);
    },
  );
});

test('the last message of a mailbox is the newest of its folders, by their numbers of today', async () => {
  const created = await call('POST', '/api/email/providers', { body: providerBody() });
  const id = String(created.json.id);
  expect(created.json.lastMessageAt).toBeNull();
  await insertMessage(owner, a.tenant, id, { receivedAt: '2026-01-01T10:00:00Z' });
  await insertMessage(owner, a.tenant, id, { receivedAt: '2026-01-02T10:00:00Z' });
  const state = (value: object): Promise<unknown> =>
    owner.query('UPDATE imap_email_provider_config SET folder_state = $1 WHERE email_provider_id = $2', [
      JSON.stringify(value),
      id,
    ]);
  const last = async (): Promise<unknown> =>
    (await call('GET', `/api/email/providers/${id}`)).json.lastMessageAt;
  await state({ INBOX: { uid_validity: '1', last_uid: '2' } });
  expect(await last()).toBe('2026-01-02T10:00:00.000Z');
  await state({ INBOX: { uid_validity: '9', last_uid: '2' }, Odd: { uid_validity: 'x' }, Odder: null });
  expect(await last()).toBeNull();
});
