/** What holds for every route, taken from the route table itself: a new route cannot be forgotten. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SCOPES } from '../src/contracts/session.ts';
import { PASSWORD, useServer } from './harness.ts';
import { oauthImap, providerBody } from './provider-bodies.ts';
import { insertMessage, insertTicket } from './rows.ts';

const { app, call, owner, storage, a, b, token, logLines, mailServer } = await useServer();

const signedIn = await app.inject({
  method: 'POST',
  url: '/api/auth/login',
  payload: { email: a.users.operator.email, password: PASSWORD },
});
const cookie = `mailstream_session=${signedIn.cookies[0]?.value ?? ''}`;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
interface Operation {
  readonly method: Method;
  readonly path: string;
  readonly security?: readonly unknown[];
}

const document = app.swagger() as unknown as {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { security?: unknown[]; responses: object; summary?: string }>>>
  >;
};
const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    method: method.toUpperCase() as Method,
    path,
    ...(operation.security === undefined ? {} : { security: operation.security }),
  })),
);
// The stream does not end; stream.real.test.ts is about it.
const guarded = operations.filter(({ security, path }) => security === undefined && path !== '/api/stream');
const withId = guarded.filter(({ path }) => path.includes('{'));

const ruleBody = {
  name: 'x',
  when: { field: 'subject', operator: 'contains', value: 'x' },
  actions: [{ kind: 'skip' }],
};

/** A well-formed body for each route that wants one; the others take none or `{}`. */
function bodyFor({ method, path }: Operation): unknown {
  if (method === 'GET' || method === 'DELETE') return undefined;
  if (path.endsWith('/ticket-defaults')) return {};
  if (path.includes('/smtp')) return { host: 'smtp.example.com', port: 465, secure: true, username: 'x' };
  if (path.endsWith('/replies')) return { text: 'x' };
  if (path.startsWith('/api/clients')) return { name: 'x' };
  if (path === '/api/email/rules/{id}') return ruleBody;
  if (path.startsWith('/api/tokens')) return { name: 'x', scopes: ['operator'] };
  if (method === 'PUT' || (method === 'POST' && path === '/api/email/providers')) return providerBody();
  if (path.endsWith('/resync')) return { startFrom: { kind: 'last', count: 1 } };
  if (/providers\/(?:test|folders)$/.test(path)) return { imap: providerBody().imap };
  if (path.endsWith('/client')) return { clientId: null };
  if (path.endsWith('/merge')) return { into: randomUUID() };
  if (path.endsWith('/discard')) return { reason: 'nobody misses it' };
  return {};
}

/** What a route cannot do without. */
function withQuery(path: string): string {
  return path === '/api/email/autoconfig' ? `${path}?email=a@example.com` : path;
}

async function ownedByA() {
  const provider = (await call('POST', '/api/email/providers', { body: providerBody() })).json.id ?? '';
  const eventId = await insertMessage(owner, a.tenant, provider, {
    status: 'dead_letter',
    storageKey: `${a.tenant}/raw/aa/x.eml`,
  });
  const ticket = await insertTicket(owner, a.tenant);
  const { rows } = await owner.query<{ id: string; comment: string }>(
    'SELECT id, comment_id AS comment FROM ticket_attachments WHERE ticket_id = $1',
    [ticket],
  );
  const mail = randomUUID();
  await owner.query(
    `INSERT INTO outbound_messages (tenant, id, provider_id, ticket_id, kind, state, dedupe_key, recipient, subject, body_text, message_id)
     VALUES ($1, $2::uuid, $3, $4, 'agent_reply', 'failed', $2::text, 'kunde@example.org', 'x', 'x', '<' || $2::text || '@example.com>')`,
    [a.tenant, mail, provider, ticket],
  );
  const user = a.users.viewer.id;
  await call('POST', '/api/tokens', { body: { name: 'x', scopes: ['operator'] } });
  const tokens = await owner.query<{ id: string }>(
    `SELECT id FROM api_tokens WHERE tenant = $1 AND name = 'x'`,
    [a.tenant],
  );
  const client = (await call('POST', '/api/clients', { body: { name: 'Acme' } })).json.id ?? '';
  const rule = (await call('POST', '/api/email/rules', { body: ruleBody })).json.id ?? '';
  return {
    provider,
    eventId,
    ticket,
    client,
    rule,
    user,
    apiToken: tokens.rows[0]?.id ?? '',
    mail,
    attachment: rows[0]?.id ?? '',
    comment: rows[0]?.comment ?? '',
  };
}

function fill(path: string, ids: Awaited<ReturnType<typeof ownedByA>>): string {
  const owned = [
    ['/api/tickets', ids.ticket],
    ['/api/clients', ids.client],
    ['/api/email/rules', ids.rule],
    ['/api/users', ids.user],
    ['/api/tokens', ids.apiToken],
  ] as const;
  const id = owned.find(([prefix]) => path.startsWith(prefix))?.[1] ?? ids.provider;
  return path
    .replace('{id}', id)
    .replace('{eventId}', ids.eventId)
    .replace('{attachmentId}', ids.attachment)
    .replace('{commentId}', ids.comment)
    .replace('{mailId}', ids.mail);
}

test('the route table is the one that these tests believe in', () => {
  expect(guarded.length).toBeGreaterThan(18);
  expect(withId.length).toBeGreaterThan(10);
  expect(
    operations
      .filter(({ security }) => security !== undefined)
      .map(({ path }) => path)
      .sort(),
  ).toEqual([
    '/api/auth/login',
    '/api/auth/password-link',
    '/api/email/oauth/imap/callback',
    '/api/email/oauth/imap/links/start',
    '/api/email/oauth/imap/links/view',
    '/health',
    '/health/live',
    '/health/ready',
  ]);
});

test('every route describes itself and its refusals', () => {
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      expect.soft(operation.summary, `${method} ${path}`).toMatch(/\w/);
      if (path.startsWith('/api/'))
        expect.soft(Object.keys(operation.responses), `${method} ${path}`).toContain('401');
      if (path.includes('{'))
        expect.soft(Object.keys(operation.responses), `${method} ${path}`).toContain('404');
    }
});

test('no request can set what its route does not name, the tenant least of all', () => {
  interface Schema {
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly additionalProperties?: unknown;
    readonly anyOf?: readonly Schema[];
    readonly oneOf?: readonly Schema[];
    readonly items?: Schema;
    readonly $ref?: string;
  }
  const open: string[] = [];
  const names = new Set<string>();
  const { schemas } = (app.swagger() as unknown as { components: { schemas: Record<string, Schema> } })
    .components;
  const seen = new Set<string>();
  const look = (schema: Schema, where: string): void => {
    const { $ref: reference } = schema;
    if (reference !== undefined) {
      const name = reference.split('/').at(-1) ?? '';
      // Conditions of rules hold conditions.
      if (seen.has(name)) return;
      seen.add(name);
      return look(schemas[name] as Schema, name);
    }
    const { properties, additionalProperties: more, anyOf = [], oneOf = [], items } = schema;
    if (properties !== undefined && more !== false) open.push(where);
    for (const [name, inner] of Object.entries(properties ?? {})) {
      names.add(name);
      look(inner, `${where}.${name}`);
    }
    for (const inner of [...anyOf, ...oneOf, ...(items === undefined ? [] : [items])]) look(inner, where);
  };
  let bodies = 0;
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const { requestBody } = operation as unknown as {
        requestBody?: { content: { 'application/json': { schema: Schema } } };
      };
      if (requestBody === undefined) continue;
      bodies += 1;
      look(requestBody.content['application/json'].schema, `${method} ${path}`);
    }
  expect(bodies).toBeGreaterThan(30);
  expect(open).toEqual([]);
  // `tenantId` of a login chooses between accounts that the password opens.
  expect([...names].filter((name) => /tenant|epoch|cursor|lease|uid|hash|version/i.test(name))).toEqual([
    'tenantId',
  ]);
});

describe.each(guarded)('$method $path', (operation) => {
  test('is closed to strangers, before it looks at anything else', async () => {
    const answer = await call(operation.method, operation.path.replaceAll(/\{\w+\}/g, randomUUID()), {
      token: null,
      ...(operation.method === 'GET' ? {} : { body: { nonsense: true } }),
    });
    expect(answer).toMatchObject({ status: 401, json: { error: { code: 'UNAUTHENTICATED' } } });
  });
});

describe.each(guarded.filter(({ path }) => !path.startsWith('/api/auth/')))('$method $path', (operation) => {
  test('is closed to a token without any scope', async () => {
    const nothing = await token(a.tenant, []);
    const answer = await call(operation.method, operation.path.replaceAll(/\{\w+\}/g, randomUUID()), {
      token: nothing,
    });
    expect(answer).toMatchObject({ status: 403, json: { error: { code: 'FORBIDDEN' } } });
  });
});

describe.each(guarded.filter(({ method }) => method !== 'GET'))('$method $path', (operation) => {
  test('is closed to another site that uses a visitor’s cookie', async () => {
    const path = operation.path.replaceAll(/\{\w+\}/g, randomUUID());
    const ask = (headers: Readonly<Record<string, string>>) =>
      call(operation.method, path, { token: null, body: {}, headers: { cookie, ...headers } });
    const json = 'application/json';
    const attempts = [
      await ask({ 'content-type': json, 'sec-fetch-site': 'cross-site' }),
      await ask({ 'content-type': json, 'sec-fetch-site': 'same-site' }),
      await ask({ 'content-type': json, origin: 'https://evil.example' }),
      await ask({ 'content-type': json }),
      await ask({ 'content-type': 'text/plain', 'sec-fetch-site': 'same-origin' }),
      await ask({ 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }),
    ];
    for (const { status } of attempts) expect(status).toBeGreaterThanOrEqual(400);
    expect(attempts.slice(0, 5).map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
  });
});

describe.each(withId)('$method $path', (operation) => {
  test('answers an id of another tenant exactly as one that does not exist', async () => {
    const ids = await ownedByA();
    const everything = await token(b.tenant, SCOPES);
    const request = { body: bodyFor(operation), token: everything };
    const foreign = await call(operation.method, fill(operation.path, ids), request);
    const unknown = await call(
      operation.method,
      operation.path.replaceAll(/\{\w+\}/g, randomUUID()),
      request,
    );
    const malformed = await call(operation.method, operation.path.replaceAll(/\{\w+\}/g, 'x'), request);
    expect(foreign.status).toBe(404);
    expect(foreign.text).toBe(unknown.text);
    expect(foreign.text).toBe(malformed.text);
    expect((await call('GET', `/api/email/providers/${ids.provider}`)).json.configVersion).toBe(1);
  });
});

test('lists of one tenant hold nothing of another', async () => {
  const ids = await ownedByA();
  for (const { path } of guarded.filter(({ method, path: p }) => method === 'GET' && !p.includes('{'))) {
    const answer = await call('GET', withQuery(path), { token: b.token });
    expect.soft(answer.status, path).toBe(200);
    for (const id of [...Object.values(ids), a.tenant]) expect.soft(answer.text, path).not.toContain(id);
  }
  const foreign = await call('GET', `/api/email/messages?providerId=${ids.provider}`, { token: b.token });
  expect(foreign.json.items).toEqual([]);
  const poked = await call('POST', '/api/imap/restart', {
    token: b.token,
    body: { providerId: ids.provider },
  });
  expect(poked.status).toBe(404);
});

test('no answer and no log line holds a secret', async () => {
  const canaries = ['canary-password', 'canary-client-secret', 'canary-refresh-token'];
  const created = [
    await call('POST', '/api/email/providers', { body: providerBody({ password: canaries[0] }) }),
    await call('POST', '/api/email/providers', {
      body: providerBody(oauthImap({ oauthClientSecret: canaries[1], oauthRefreshToken: canaries[2] })),
    }),
  ];
  const answers = [...created];
  for (const { json } of created)
    for (const operation of withId.filter(
      ({ path, method }) => path.startsWith('/api/email/providers') && method !== 'DELETE',
    )) {
      const body = operation.method === 'PUT' ? undefined : bodyFor(operation);
      answers.push(await call(operation.method, operation.path.replace('{id}', json.id ?? ''), { body }));
    }
  for (const { path } of guarded.filter(({ method, path: p }) => method === 'GET' && !p.includes('{')))
    answers.push(await call('GET', withQuery(path)));
  // Also where a request that holds one is refused, and where the server breaks over it.
  answers.push(
    await call('POST', '/api/email/providers', { body: providerBody({ password: canaries[0], port: 'x' }) }),
  );
  answers.push(
    await call('POST', '/api/email/providers', {
      body: providerBody({ password: `${canaries[0] ?? ''}\n` }),
    }),
  );
  const probed = mailServer.probed.map(({ credentials }) => JSON.stringify(credentials)).join('\n');
  expect(probed).toContain(canaries[0]);
  const everything = [
    ...answers.map(({ text, headers }) => text + JSON.stringify(headers)),
    ...logLines,
  ].join('\n');
  for (const canary of canaries) {
    expect(everything).not.toContain(canary);
    expect(everything).not.toContain(Buffer.from(canary).toString('base64').slice(0, 16));
  }
  const { rows } = await owner.query<{ everything: string }>(
    `SELECT (SELECT string_agg(t::text, ' ') FROM email_providers t) || (SELECT string_agg(t::text, ' ') FROM imap_email_provider_config t)
       || (SELECT string_agg(t::text, ' ') FROM audit_log t) || (SELECT string_agg(t::text, ' ') FROM provider_secrets t) AS everything`,
  );
  for (const canary of canaries) expect(rows[0]?.everything).not.toContain(canary);
});

describe('what is not a request for us', () => {
  test.each(['/api/nothing', '/api/email/providers/x/y/z', '/nothing', '/.env'])(
    '%s answers 404 as JSON',
    async (url) => {
      expect(await call('GET', url)).toMatchObject({ status: 404, json: { error: { code: 'NOT_FOUND' } } });
    },
  );

  test.each([
    ['text', 'text/plain', 'hello', 415],
    ['a form', 'application/x-www-form-urlencoded', 'a=b', 415],
    ['broken JSON', 'application/json', '{"a":', 400],
    ['a prototype', 'application/json', '{"__proto__":{"x":1}}', 400],
    ['a huge body', 'application/json', JSON.stringify({ a: 'x'.repeat(300_000) }), 413],
    ['nothing', 'application/json', '', 400],
    ['a list', 'application/json', '[]', 400],
  ])('%s is refused in our words', async (_what, type, payload, status) => {
    const response = await app.inject({
      method: 'POST',
      url: '/api/email/providers',
      headers: { authorization: `Bearer ${a.token}`, 'content-type': type },
      payload,
    });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({
      error: { code: 'VALIDATION_FAILED', message: expect.stringMatching(/^[A-Z].*\.$/) as string },
    });
    expect(response.body).not.toMatch(/FST_|SyntaxError|Unexpected|at position/);
  });
});

test('a dead letter is handed out as a file that no browser runs', async () => {
  const provider = (await call('POST', '/api/email/providers', { body: providerBody() })).json.id ?? '';
  const key = `${a.tenant}/raw/ab/${'ab'.repeat(32)}.eml`;
  await storage.put(key, Buffer.from('From: x\r\n\r\n<script>alert(1)</script>'));
  const eventId = await insertMessage(owner, a.tenant, provider, { status: 'dead_letter', storageKey: key });
  const answer = await call('GET', `/api/email/dead-letters/${eventId.toUpperCase()}/raw`);
  expect(answer.status).toBe(200);
  expect(answer.text).toBe('From: x\r\n\r\n<script>alert(1)</script>');
  expect(answer.headers).toMatchObject({
    'content-type': 'message/rfc822',
    'content-disposition': `attachment; filename="${eventId}.eml"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
  });
  // Only of dead letters: a message that was processed is no business of this page.
  const other = await insertMessage(owner, a.tenant, provider, { status: 'processed', storageKey: key });
  expect((await call('GET', `/api/email/dead-letters/${other}/raw`)).status).toBe(404);
});

test('answers carry the headers that keep browsers from mischief', async () => {
  const { headers } = await call('GET', '/api/auth/me');
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  });
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  expect(headers['content-security-policy']).not.toContain('unsafe');
});

test('health and metrics need no login and tell nothing about tenants', async () => {
  for (const path of ['/health', '/health/live', '/health/ready', '/metrics']) {
    const answer = await call('GET', path, { token: null });
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain(a.tenant);
  }
});
