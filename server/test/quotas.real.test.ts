/** Limits of tenants at the API: what is refused, to whom, and what one sees of it. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { TenantQuota } from '@mailstream/shared/domain/quota';
import { saveQuota } from '@mailstream/shared/db/tenant-quotas';
import { PASSWORD, useServer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';
import { insertMessage } from './rows.ts';

const refused: string[] = [];
const { call, owner, database, a, b, rebuild } = await useServer({}, () => ({
  observer: {
    onRequest: () => undefined,
    onLogin: () => undefined,
    onEventStreams: () => undefined,
    onQuotaRefusal: (code) => void refused.push(code),
  },
}));

const grant = (quota: Partial<TenantQuota>, tenant = a.tenant): Promise<void> =>
  database.asDaemon((trx) => saveQuota(trx, tenant, quota));
const create = (folders: readonly string[] = ['INBOX'], token?: string) =>
  call('POST', '/api/email/providers', {
    body: providerBody({ folderFilters: folders }),
    ...(token === undefined ? {} : { token }),
  });

beforeEach(async () => {
  refused.length = 0;
  await owner.query('DELETE FROM tenant_quotas');
  await owner.query('DELETE FROM tenant_api_calls');
  await owner.query('DELETE FROM email_providers');
});

// First: what the application of this file has counted for the tenant would come between.
describe('calls of the API', () => {
  test('are counted over all servers, and refused with the time to wait; people go on', async () => {
    await grant({ apiCallsPerDay: 5 }, b.tenant);
    const one = await rebuild({});
    const two = await rebuild({});
    const ask = (app: typeof one, headers: Record<string, string> = { authorization: `Bearer ${b.token}` }) =>
      app.inject({ method: 'GET', url: '/api/email/providers', headers });
    for (let i = 0; i < 3; i += 1) expect((await ask(one)).statusCode).toBe(200);
    // What a server has counted is added when it ends, too.
    await one.close();
    const answers = [await ask(two), await ask(two), await ask(two)];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429]);
    const last = answers[2];
    expect(last?.json()).toMatchObject({ error: { code: 'QUOTA_API_CALLS' } });
    const waitSeconds = Number(last?.headers['retry-after']);
    expect(waitSeconds).toBeGreaterThan(0);
    expect(waitSeconds).toBeLessThanOrEqual(86_400);
    // One can still see why, and whoever is logged in can work.
    const seen = await two.inject({
      ...{ method: 'GET', url: '/api/quota' },
      headers: { authorization: `Bearer ${b.token}` },
    });
    expect(seen.statusCode).toBe(200);
    const login = await two.inject({
      ...{ method: 'POST', url: '/api/auth/login' },
      payload: { email: b.users.admin.email, password: PASSWORD },
    });
    const cookie = `mailstream_session=${login.cookies[0]?.value ?? ''}`;
    expect((await ask(two, { cookie })).statusCode).toBe(200);
    await two.close();
    const { rows } = await owner.query('SELECT calls::int FROM tenant_api_calls WHERE tenant = $1', [
      b.tenant,
    ]);
    expect(rows).toEqual([{ calls: 5 }]);
    expect(refused).toEqual(['QUOTA_API_CALLS']);
  });
});

describe('mailboxes and folders', () => {
  test('without limits there are none', async () => {
    for (let i = 0; i < 3; i += 1) expect((await create()).status).toBe(201);
    expect(refused).toEqual([]);
  });

  test('as many as granted, also when many come at the same moment', async () => {
    await grant({ mailboxes: 3 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => create()));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    for (const { status, json } of answers) {
      if (status === 201) continue;
      expect(status).toBe(409);
      expect(json.error).toMatchObject({
        code: 'QUOTA_MAILBOXES',
        hint: expect.stringContaining('operator') as unknown,
      });
    }
    expect(refused).toHaveLength(5);
    // Another tenant is not concerned.
    const { status } = await create(['INBOX'], b.token);
    expect(status).toBe(201);
  });

  test('folders count over all mailboxes, and a change that adds none is let through', async () => {
    await grant({ folders: 4 });
    const first = await create(['INBOX', 'A']);
    expect(first.status).toBe(201);
    expect((await create(['INBOX', 'A', 'B'])).json.error).toMatchObject({
      fields: [{ field: 'imap.folderFilters', code: 'QUOTA_FOLDERS' }],
    });
    expect((await create(['INBOX'])).status).toBe(201);
    const change = (imap: object) =>
      call('PATCH', `/api/email/providers/${first.json.id}`, { body: { imap } });
    expect((await change({ folderFilters: ['INBOX', 'A', 'B', 'C'] })).json.error).toMatchObject({
      code: 'QUOTA_FOLDERS',
    });
    expect((await change({ folderFilters: ['INBOX', 'A', 'B'] })).status).toBe(200);
    // A limit that is lowered takes nothing away.
    await grant({ folders: 1, mailboxes: 0 });
    expect((await change({ folderFilters: ['INBOX', 'X', 'Y'] })).status).toBe(200);
    expect((await change({ folderFilters: ['INBOX'] })).status).toBe(200);
  });
});

describe('GET /api/quota', () => {
  test('shows limits, what is used, and what a limit that is reached means', async () => {
    await grant({ mailboxes: 1, messagesPerDay: 10, storageBytes: 150 });
    const provider = (await create()).json.id ?? '';
    await insertMessage(owner, a.tenant, provider, { storageKey: 'x' });
    await insertMessage(owner, a.tenant, provider, { storageKey: 'y', status: 'processed' });
    await insertMessage(owner, a.tenant, provider, { receivedAt: '2020-01-01T00:00:00Z' });
    const { status, json } = await call('GET', '/api/quota');
    expect(status).toBe(200);
    const item = (kind: string) =>
      (json.items as unknown as { kind: string }[]).find((each) => each.kind === kind);
    expect(item('mailboxes')).toMatchObject({ limit: 1, used: 1, code: 'QUOTA_MAILBOXES', resetsAt: null });
    expect(item('messagesPerDay')).toMatchObject({ limit: 10, used: 2, code: null });
    expect(item('messagesPerDay')).toMatchObject({
      resetsAt: expect.stringMatching(/T00:00:00.000Z$/) as unknown,
    });
    expect(item('storageBytes')).toMatchObject({
      ...{ limit: 150, used: 200, code: 'QUOTA_STORAGE' },
      hint: expect.stringContaining('mail waits in the mailbox') as unknown,
    });
    expect(item('folders')).toMatchObject({ limit: null, used: 1, code: null });
    // Counted once for good, and what came since added: the sum stays right, also when something is removed and counted anew.
    await owner.query(
      `UPDATE inbound_messages SET received_at = now() - interval '1 hour' WHERE tenant = $1`,
      [a.tenant],
    );
    await owner.query('DELETE FROM tenant_stored_bytes');
    const bytes = async (): Promise<number> =>
      ((await call('GET', '/api/quota')).json.items as unknown as { kind: string; used: number }[]).find(
        ({ kind }) => kind === 'storageBytes',
      )?.used ?? -1;
    expect(await bytes()).toBe(200);
    await insertMessage(owner, a.tenant, provider, { storageKey: 'z' });
    expect(await bytes()).toBe(300);
    await owner.query(`DELETE FROM inbound_messages WHERE storage_key = 'x'`);
    await owner.query(`UPDATE tenant_stored_bytes SET recounted_at = now() - interval '25 hours'`);
    expect(await bytes()).toBe(200);
  });
});
