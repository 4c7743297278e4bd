/** Asking for an audit and seeing what it came to; the daemon's side is in the email service. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import { readInstallationHealth, type InstallationHealth } from '../src/adapters/pg-installation.ts';
import { useServer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';
import { insertMessage } from './rows.ts';

const { call, owner, a, b, token, database, databaseUrl, app } = await useServer();

/** Answers are loosely typed; the lists in them are of objects. */
const list = (value: unknown): readonly Readonly<Record<string, unknown>>[] => value as never;

const url = (id: string, action = ''): string => `/api/email/providers/${id}${action}`;

async function create(): Promise<string> {
  const answer = await call('POST', '/api/email/providers', { body: providerBody() });
  expect(answer.status).toBe(201);
  return answer.json.id ?? '';
}

interface StatusColumns {
  readonly proven_at?: string;
  readonly stale_at?: string;
  readonly unseen?: number;
  readonly oldest_unseen_at?: string;
  readonly newest_unseen_at?: string;
}

/** What the daemon writes. Times are ages as intervals, such as `20 minutes`. */
async function answer(id: string, folder: string, version: number, more: StatusColumns = {}): Promise<void> {
  await owner.query(
    `INSERT INTO folder_status (tenant, provider_id, folder, audit_version, audit_reason, audited_at, audit_duration_ms,
       audit_uid_validity, audit_checked, audit_missing, audit_found, audit_waiting, audit_unpublished,
       proven_at, stale_at, unseen, oldest_unseen_at, newest_unseen_at)
     VALUES ($1, $2, $3, $4, 'request', now(), 120, 7, 30, 2, 1, 0, 3,
       now() - $5::interval, now() - $6::interval, $7, now() - $8::interval, now() - $9::interval)`,
    [
      ...[a.tenant, id, folder, version, more.proven_at ?? null, more.stale_at ?? null, more.unseen ?? 0],
      ...[more.oldest_unseen_at ?? null, more.newest_unseen_at ?? null],
    ],
  );
}

test('a request is numbered, logged, told to the daemon, and shown as pending until each folder has answered', async () => {
  const id = await create();
  expect((await call('GET', url(id))).json).toMatchObject({
    audit: null,
    isStale: false,
    dataAgeSeconds: null,
  });
  const listener = new pg.Client({ connectionString: databaseUrl });
  await listener.connect();
  await listener.query('LISTEN mailstream_providers');
  const notice = new Promise<string>((resolve) => {
    listener.on('notification', ({ payload }) => resolve(payload ?? ''));
  });
  const asked = await call('POST', url(id, '/audit'), { body: {} });
  expect(asked.status).toBe(202);
  expect(asked.json).toMatchObject({ providerId: id, version: 1, folders: ['INBOX', 'Support/Kunden'] });
  expect(await notice).toContain(id);
  await listener.end();

  const pending = (await call('GET', url(id))).json;
  expect(pending['audit']).toMatchObject({ at: null, isPending: true, requestedBy: 'test' });
  await answer(id, 'INBOX', 1);
  expect((await call('GET', url(id))).json['audit']).toMatchObject({ at: null, isPending: true });
  await answer(id, 'Support/Kunden', 1);
  const done = (await call('GET', url(id))).json;
  expect(done['audit']).toMatchObject({ checked: 60, missing: 4, found: 2, isPending: false });
  expect(done['folders']?.[0]).toMatchObject({
    isAuditPending: false,
    audit: {
      reason: 'request',
      uidValidity: 7,
      checked: 30,
      missing: 2,
      found: 1,
      unpublished: 3,
      durationMs: 120,
    },
  });
  expect((await call('POST', url(id, '/audit'))).json).toMatchObject({ version: 2 });
  expect((await call('GET', url(id))).json['audit']).toMatchObject({ isPending: true, missing: 4 });
  const log = await owner.query(
    "SELECT action FROM audit_log WHERE subject_id = $1 AND action = 'provider.audited'",
    [id],
  );
  expect(log.rowCount).toBe(2);
});

test('only those who may change mailboxes may ask, and another tenant sees none', async () => {
  const id = await create();
  const reader = await token(a.tenant, ['providers:read', 'messages:read']);
  expect((await call('POST', url(id, '/audit'), { token: reader })).status).toBe(403);
  expect((await call('POST', url(id, '/audit'), { token: null })).status).toBe(401);
  expect((await call('POST', url(id, '/audit'), { token: b.token })).status).toBe(404);
  expect((await call('POST', url(randomUUID(), '/audit'))).status).toBe(404);
  const { rows } = await owner.query(
    'SELECT audit_version FROM imap_email_provider_config WHERE email_provider_id = $1',
    [id],
  );
  expect(Number(rows[0]?.audit_version)).toBe(0);
});

test('a mailbox that is paused cannot be compared, and says what to do', async () => {
  const id = await create();
  await call('POST', url(id, '/pause'));
  const refused = await call('POST', url(id, '/audit'));
  expect(refused.status).toBe(409);
  expect(refused.json['error']?.['hint']).toContain('Resume');
});

test('a connected mailbox without proof is stale in words, also when no daemon runs to say so', async () => {
  const id = await create();
  await owner.query("UPDATE email_providers SET status = 'connected' WHERE id = $1", [id]);
  const late = { unseen: 2, oldest_unseen_at: '19 minutes', newest_unseen_at: '2 minutes' };
  await answer(id, 'INBOX', 0, { proven_at: '20 minutes', stale_at: '5 minutes', ...late });
  await answer(id, 'Support/Kunden', 0, { proven_at: '1 minute', stale_at: '-14 minutes' });
  const stale = (await call('GET', url(id))).json;
  expect(stale).toMatchObject({ state: 'connected', isStale: true });
  expect(stale['statusText']).toContain('Stale: for 20 minutes');
  expect(stale['dataAgeSeconds']).toBeGreaterThanOrEqual(1200);
  expect(stale['folders']?.[0]).toMatchObject({ isStale: true, unseen: 2, newestUnseenSeconds: 120 });
  expect(stale['folders']?.[1]).toMatchObject({ isStale: false, unseen: 0, oldestUnseenSeconds: null });

  const status = (await call('GET', '/api/imap/status')).json;
  expect(status['totals']).toMatchObject({ staleFolders: 1, unseenMessages: 2 });
  expect(list(status['providers']).find((one) => one['id'] === id)).toMatchObject({
    isStale: true,
    audit: { missing: 4 },
  });

  // For alerts: what a tenant has to mend is counted by its code, and is no silent folder.
  const forAlerts = (): Promise<InstallationHealth> => database.asDaemon(readInstallationHealth);
  expect(await forAlerts()).toMatchObject({ staleFolders: 1, unpublished: 0, unpublishedSeconds: 0 });
  await owner.query(
    `UPDATE email_providers SET status = 'error', error_code = 'OAUTH_REAUTHORIZE' WHERE id = $1`,
    [id],
  );
  await insertMessage(owner, a.tenant, id, { receivedAt: new Date(Date.now() - 600_000).toISOString() });
  await insertMessage(owner, a.tenant, id, { status: 'published' });
  const health = await forAlerts();
  expect(health).toMatchObject({ staleFolders: 0, unpublished: 1 });
  expect(health.failing.get('OAUTH_REAUTHORIZE')).toBe(1);
  expect(health.unpublishedSeconds).toBeGreaterThanOrEqual(600);
  expect(health.oldestSeconds).toBeGreaterThanOrEqual(1200);

  await call('POST', url(id, '/pause'));
  expect((await forAlerts()).failing.size).toBe(0);
  expect((await call('GET', url(id))).json).toMatchObject({ state: 'paused', isStale: false });
  expect((await call('GET', '/api/imap/status')).json['totals']).toMatchObject({ staleFolders: 0 });
});

test('operators see what each instance holds, should hold, how fresh it is and what holds it up', async () => {
  const instance = randomUUID();
  const details = {
    leases: 1,
    data: { folders: 2, stale: 1, unseen: 4, oldestMs: 65_400 },
    heldBy: 'REDIS_FULL',
  };
  await owner.query(
    `INSERT INTO service_instances (instance_id, service, host, version, state, details)
     VALUES ($1, 'email-service', 'h', '1', 'running', $2), (gen_random_uuid(), 'email-service', 'h', '1', 'running', '{}')`,
    [instance, JSON.stringify(details)],
  );
  const { json } = await call('GET', '/api/imap/status');
  const folders = Number(json['totals']?.['folders']);
  expect(list(json['instances']).find((one) => one['instanceId'] === instance)).toMatchObject({
    share: Math.ceil(folders / 2),
    data: { folders: 2, staleFolders: 1, unseenMessages: 4, oldestDataAgeSeconds: 65 },
    heldBy: 'REDIS_FULL',
  });
  expect(list(json['instances']).find((one) => one['instanceId'] !== instance)).toMatchObject({
    data: null,
    heldBy: null,
  });
  const viewer = await token(a.tenant, ['providers:read']);
  expect(
    (await app.inject({ url: '/api/imap/status', headers: { authorization: `Bearer ${viewer}` } }))
      .statusCode,
  ).toBe(403);
});
