/** Whatever changes something is in the audit log: who, what, values before and after, no secret. From the route table, so that none is forgotten. */
import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { JOBS } from '@mailstream/shared/domain/jobs';
import { english } from '../web/texts/en.ts';
import { browserSession } from './browser-session.ts';
import { PASSWORD, useServer } from './harness.ts';
import { oauthImap, providerBody } from './provider-bodies.ts';
import { insertMessage, insertTicket } from './rows.ts';

const { app, call, owner, a } = await useServer();
for (const { name, schedule } of JOBS)
  await owner.query('INSERT INTO jobs (name, schedule) VALUES ($1, $2)', [name, schedule]);

const CANARY = 'canary-secret';
const NO_CHANGE = 'changes nothing';

const operations = Object.entries(
  (app.swagger() as unknown as { paths: Record<string, Record<string, unknown>> }).paths,
).flatMap(([path, methods]) =>
  Object.keys(methods)
    .filter((method) => method !== 'get')
    .map((method) => `${method.toUpperCase()} ${path}`),
);

interface Change {
  readonly path: string;
  readonly body?: unknown;
}

async function created(path: string, body: unknown): Promise<string> {
  const answer = await call('POST', path, { body });
  expect(answer, `${path}: ${answer.text}`).toMatchObject({ status: 201 });
  const { id, user, token } = answer.json as unknown as Record<string, string & { id: string }>;
  return id ?? user?.id ?? token?.id ?? '';
}

const PROVIDERS = '/api/email/providers';
const RULES = '/api/email/rules';
const LETTERS = '/api/email/dead-letters';
const newMailbox = (): Promise<string> => created(PROVIDERS, providerBody({ password: CANARY }));
const ofMailbox =
  (rest: string, body?: unknown, before?: (id: string) => Promise<unknown>) => async (): Promise<Change> => {
    const id = await newMailbox();
    await before?.(id);
    return { path: `${PROVIDERS}/${id}${rest}`, body };
  };

const rule = {
  name: 'x',
  when: { field: 'subject', operator: 'contains', value: 'x' },
  actions: [{ kind: 'skip' }],
};
const ofRule = (rest: string, body?: unknown) => async (): Promise<Change> => ({
  path: `${RULES}/${await created(RULES, { ...rule, name: randomUUID() })}${rest}`,
  body,
});
const user = (): object => ({ email: `${randomUUID()}@example.com`, displayName: 'Vera', role: 'viewer' });
const ofUser = (rest: string, body: unknown) => async (): Promise<Change> => ({
  path: `/api/users/${await created('/api/users', user())}${rest}`,
  body,
});
const ofTicket = (rest: string, body?: unknown) => async (): Promise<Change> => {
  const id = await insertTicket(owner, a.tenant);
  return { path: `/api/tickets/${id}${rest}`, body };
};
const smtp = { host: 'smtp.example.com', port: 465, secure: true, username: 'x', password: CANARY };
const defaults = { priority: 'high' };

async function letter(): Promise<string> {
  const eventId = await insertMessage(owner, a.tenant, await newMailbox(), { status: 'dead_letter' });
  await owner.query(
    `INSERT INTO dead_letters (tenant, event_id, source, state, stream, entry_id, entry, code, detail, attempts)
     VALUES ($1, $2::uuid, 'worker', 'open', 's', $2::text, '["tenant","x"]', 'WORKER_FAILED', 'x', 5)`,
    [a.tenant, eventId],
  );
  return eventId;
}

async function failedMail(): Promise<string> {
  const [id, provider, ticket] = [randomUUID(), await newMailbox(), await insertTicket(owner, a.tenant)];
  await owner.query(
    `INSERT INTO outbound_messages (tenant, id, provider_id, ticket_id, kind, state, dedupe_key, recipient, subject, body_text, message_id)
     VALUES ($1, $2::uuid, $3, $4, 'agent_reply', 'failed', $2::text, 'kunde@example.org', 'x', 'x', '<' || $2::text || '@example.com>')`,
    [a.tenant, id, provider, ticket],
  );
  return id;
}

/** A request of each route that works; or why it leaves no line. */
const CHANGES: Readonly<Record<string, (() => Promise<Change>) | string>> = {
  'POST /api/auth/login': 'a session is no setting',
  'POST /api/auth/logout': 'a session is no setting',
  'POST /api/auth/password': 'of a session, below',
  'POST /api/auth/password-link': 'of nobody who is logged in, below',
  'POST /api/email/providers/test': NO_CHANGE,
  'POST /api/email/providers/{id}/test': NO_CHANGE,
  'POST /api/email/providers/folders': NO_CHANGE,
  'POST /api/email/providers/{id}/smtp/test': NO_CHANGE,
  'POST /api/email/rules/test': NO_CHANGE,
  'POST /api/email/oauth/imap/initiate': 'begins a login; what comes of it is logged',
  'POST /api/email/oauth/imap/links/view': NO_CHANGE,
  'POST /api/email/oauth/imap/links/start': 'begins a login; what comes of it is logged',
  'POST /api/email/providers': async () => ({ path: PROVIDERS, body: providerBody({ password: CANARY }) }),
  'PUT /api/email/providers/{id}': ofMailbox('', providerBody({ password: CANARY })),
  'PATCH /api/email/providers/{id}': ofMailbox('', { imap: { password: `${CANARY}-2` } }),
  'DELETE /api/email/providers/{id}': ofMailbox(''),
  'POST /api/email/providers/{id}/pause': ofMailbox('/pause'),
  'POST /api/email/providers/{id}/resume': ofMailbox('/resume', undefined, (id) =>
    call('POST', `${PROVIDERS}/${id}/pause`),
  ),
  'POST /api/email/providers/{id}/reconnect': ofMailbox('/reconnect'),
  'POST /api/email/providers/{id}/audit': ofMailbox('/audit'),
  'POST /api/email/providers/{id}/resync': ofMailbox('/resync', {
    startFrom: { kind: 'last', count: 1 },
    dryRun: false,
  }),
  'POST /api/email/providers/{id}/login-link': async () => ({
    path: `${PROVIDERS}/${await created(PROVIDERS, providerBody(oauthImap({ oauthClientSecret: CANARY })))}/login-link`,
    body: {},
  }),
  'PUT /api/email/providers/{id}/smtp': ofMailbox('/smtp', smtp),
  'DELETE /api/email/providers/{id}/smtp': ofMailbox('/smtp', undefined, (id) =>
    call('PUT', `${PROVIDERS}/${id}/smtp`, { body: smtp }),
  ),
  'PUT /api/email/providers/{id}/ticket-defaults': ofMailbox('/ticket-defaults', defaults),
  'DELETE /api/email/providers/{id}/ticket-defaults': ofMailbox('/ticket-defaults', undefined, (id) =>
    call('PUT', `${PROVIDERS}/${id}/ticket-defaults`, { body: defaults }),
  ),
  'PUT /api/tickets/defaults': async () => ({ path: '/api/tickets/defaults', body: defaults }),
  'DELETE /api/tickets/defaults': async () => {
    await call('PUT', '/api/tickets/defaults', { body: defaults });
    return { path: '/api/tickets/defaults' };
  },
  'POST /api/users': async () => ({ path: '/api/users', body: user() }),
  'PATCH /api/users/{id}': ofUser('', { displayName: 'Verona' }),
  'POST /api/users/{id}/password-link': ofUser('/password-link', {}),
  'POST /api/tenants': async () => ({
    path: '/api/tenants',
    body: { name: 'New', administrator: { email: `${randomUUID()}@example.com`, displayName: 'Nora' } },
  }),
  'PATCH /api/tenant': async () => ({ path: '/api/tenant', body: { name: 'Tenant a' } }),
  'POST /api/tenant/close': 'of a tenant that is there no more, below',
  'POST /api/tokens': async () => ({ path: '/api/tokens', body: { name: 'x', scopes: ['tickets:read'] } }),
  'DELETE /api/tokens/{id}': async () => ({
    path: `/api/tokens/${await created('/api/tokens', { name: 'x', scopes: ['tickets:read'] })}`,
  }),
  'POST /api/email/dead-letters/replay': async () => {
    const eventIds = [await letter()];
    return { path: `${LETTERS}/replay`, body: { eventIds, dryRun: false } };
  },
  'POST /api/email/dead-letters/{eventId}/replay': async () => ({
    path: `${LETTERS}/${await letter()}/replay`,
    body: { dryRun: false },
  }),
  'POST /api/email/dead-letters/{eventId}/discard': async () => ({
    path: `${LETTERS}/${await letter()}/discard`,
    body: { reason: 'nobody misses it' },
  }),
  'POST /api/tickets/{id}/close': ofTicket('/close'),
  'POST /api/tickets/{id}/reopen': ofTicket('/reopen'),
  'POST /api/tickets/{id}/resolve-attention': ofTicket('/resolve-attention'),
  'POST /api/tickets/{id}/client': ofTicket('/client', { clientId: null }),
  'POST /api/tickets/{id}/merge': async () => ({
    path: `/api/tickets/${await insertTicket(owner, a.tenant)}/merge`,
    body: { into: await insertTicket(owner, a.tenant) },
  }),
  'POST /api/tickets/{id}/replies': ofTicket('/replies', { text: 'a note', isInternal: true }),
  'POST /api/clients': async () => ({ path: '/api/clients', body: { name: 'Acme' } }),
  'DELETE /api/clients/{id}': async () => ({
    path: `/api/clients/${await created('/api/clients', { name: 'Acme' })}`,
  }),
  'PUT /api/clients/{id}': async () => ({
    path: `/api/clients/${await created('/api/clients', { name: 'Acme' })}`,
    body: { name: 'Acme Ltd' },
  }),
  'POST /api/email/rules': async () => ({ path: RULES, body: { ...rule, name: randomUUID() } }),
  'PUT /api/email/rules/{id}': ofRule('', { ...rule, name: 'another' }),
  'DELETE /api/email/rules/{id}': ofRule(''),
  'POST /api/email/rules/{id}/enable': async () => {
    const { path } = await ofRule('')();
    await call('POST', `${path}/disable`);
    return { path: `${path}/enable` };
  },
  'POST /api/email/rules/{id}/disable': ofRule('/disable'),
  'PUT /api/email/rules/order': async () => {
    await created(RULES, { ...rule, name: randomUUID() });
    const ids = ((await call('GET', RULES)).json.items as unknown as { id: string }[]).map(({ id }) => id);
    return { path: `${RULES}/order`, body: { ids: ids.reverse() } };
  },
  'POST /api/imap/force-poll': async () => ({
    path: '/api/imap/force-poll',
    body: { providerId: await newMailbox() },
  }),
  'POST /api/imap/restart': async () => ({
    path: '/api/imap/restart',
    body: { providerId: await newMailbox() },
  }),
  'POST /api/outbound/{mailId}/retry': async () => ({ path: `/api/outbound/${await failedMail()}/retry` }),
  'PATCH /api/jobs/{name}': async () => ({ path: '/api/jobs/retention', body: { isEnabled: false } }),
  'POST /api/jobs/{name}/run': async () => ({ path: '/api/jobs/retention/run' }),
};

interface Line {
  readonly action: string;
  readonly actor_id: string | null;
  readonly subject_id: string;
}
const lines = async (): Promise<readonly Line[]> =>
  (
    await owner.query<Line>(
      'SELECT action, actor_id, subject_id FROM audit_log WHERE tenant = $1 ORDER BY at, id',
      [a.tenant],
    )
  ).rows;
const seen = new Set<string>();

test('the table has every route that is not a question, and no other', () => {
  expect(Object.keys(CHANGES).toSorted()).toEqual(operations.toSorted());
});

const changing = Object.entries(CHANGES).flatMap(([name, change]) =>
  typeof change === 'string' ? [] : [{ name, change }],
);

test.each(changing)('$name', async ({ name, change }) => {
  const { path, body } = await change();
  const before = await lines();
  const answer = await call(name.split(' ')[0] as 'POST', path, { body });
  expect(answer.status, answer.text).toBeLessThan(300);
  const after = (await lines()).slice(before.length);
  expect(after.length).toBeGreaterThan(0);
  for (const { action, actor_id: actor, subject_id: subject } of after) {
    seen.add(action);
    expect(actor).not.toBeNull();
    expect(subject).not.toBe('');
  }
});

test('a password that a person sets, with a link or knowing the old one', async () => {
  const invited = await call('POST', '/api/users', { body: user() });
  const { link } = invited.json as unknown as { link: { token: string } };
  const withLink = { token: link.token, password: 'long enough a password' };
  const before = await lines();
  expect(await call('POST', '/api/auth/password-link', { token: null, body: withLink })).toMatchObject({
    status: 204,
  });
  const session = await browserSession(app, a.users.viewer.email);
  const changed = { currentPassword: PASSWORD, password: 'another long password' };
  expect(await session.send('POST', '/api/auth/password', changed)).toMatchObject({ status: 204 });
  const after = (await lines()).slice(before.length);
  expect(after.map(({ action }) => action)).toEqual(['user.password_set', 'user.password_set']);
  seen.add('user.password_set');
});

test('a tenant that is closed', async () => {
  expect((await call('POST', '/api/tenant/close', { body: { name: 'Tenant a' } })).status).toBe(204);
  expect((await lines()).at(-1)).toMatchObject({ action: 'tenant.closed' });
  seen.add('tenant.closed');
});

test('none of it holds a secret', async () => {
  const { rows } = await owner.query<{ everything: string }>(
    `SELECT string_agg(t::text, E'\\n') AS everything FROM audit_log t`,
  );
  expect(rows[0]?.everything).not.toMatch(/canary-secret|long enough a password|another long password|mst_/);
});

afterAll(() => {
  const known = Object.keys(english.audit.actions);
  const ofMailboxes = Object.keys(english.mailbox.actions);
  expect([...seen].filter((action) => !known.includes(action))).toEqual([]);
  const shownThere = [...seen].filter((action) => /^(provider|smtp)\./.test(action));
  expect(
    shownThere.filter((action) => !ofMailboxes.includes(action) && action !== 'provider.deleted'),
  ).toEqual([]);
});
