/** What breaks in the middle leaves nothing behind. */
import { expect, test } from 'vitest';
import type { Knex } from 'knex';
import { createDatabase } from '@mailstream/shared/db/database';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { createHealth } from '../src/adapters/health.ts';
import { createAccountStore } from '../src/adapters/pg-accounts.ts';
import { createProviderStore } from '../src/adapters/pg-providers.ts';
import { buildApp } from '../src/app.ts';
import { toAnswer, useServer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';

const { call, owner, secrets, ports, database, appOptions, a } = await useServer();

/** As the real one, but the vault is full: it writes one secret and refuses the next. */
const failing = {
  ...secrets,
  write: async (...args: Parameters<typeof secrets.write>) => {
    await secrets.write(...args);
    throw new Error('vault-detail-canary');
  },
  remove: async (
    trx: Knex.Transaction,
    provider: Parameters<typeof secrets.remove>[1],
    names?: Parameters<typeof secrets.remove>[2],
  ) => {
    await secrets.remove(trx, provider, names);
    throw new Error('vault-detail-canary');
  },
};

async function everything(): Promise<unknown> {
  const tables = ['email_providers', 'imap_email_provider_config', 'provider_secrets', 'audit_log'];
  const rows = await Promise.all(
    tables.map((table) => owner.query(`SELECT * FROM ${table} ORDER BY 1, 2, 3`)),
  );
  return rows.map((result) => result.rows);
}

test('a create, change or delete that fails half-way changes nothing and tells nobody why', async () => {
  const id = (await call('POST', '/api/email/providers', { body: providerBody() })).json.id ?? '';
  const before = await everything();
  const app = await buildApp(
    { ...ports, providers: createProviderStore({ database, secrets: failing, sources: [] }) },
    appOptions,
  );
  const attempts = [
    ['POST', '/api/email/providers', providerBody()],
    ['PATCH', `/api/email/providers/${id}`, { providerName: 'New', imap: { password: 'second' } }],
    ['PATCH', `/api/email/providers/${id}`, { imap: { host: 'other.example.com' } }],
    ['DELETE', `/api/email/providers/${id}`, undefined],
  ] as const;
  for (const [method, url, payload] of attempts) {
    const answer = toAnswer(
      await app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${a.token}` },
        ...(payload === undefined ? {} : { payload }),
      }),
    );
    expect(answer).toMatchObject({ status: 500, json: { error: { code: 'INTERNAL' } } });
    expect(answer.text).not.toContain('canary');
    expect(await everything()).toEqual(before);
  }
  await app.close();
});

test('a database that is away is a 503 that says so; the process lives on', async () => {
  // Nothing listens on port 1 of loopback.
  const away = createDatabase({
    url: 'postgres://nobody@127.0.0.1:1/nothing',
    applicationName: 'server-test',
    poolMax: 1,
    checkoutTimeoutMs: 500,
  });
  const app = await buildApp(
    {
      ...ports,
      accounts: createAccountStore(away),
      health: createHealth({ database: away, metrics: createMetrics() }),
    },
    appOptions,
  );
  const answer = toAnswer(
    await app.inject({ url: '/api/email/providers', headers: { authorization: `Bearer ${a.token}` } }),
  );
  expect(answer).toMatchObject({ status: 503, json: { error: { code: 'DATABASE_UNAVAILABLE' } } });
  expect(answer.headers['retry-after']).toBe('5');
  expect((await app.inject({ url: '/health/ready' })).statusCode).toBe(503);
  expect((await app.inject({ url: '/health/live' })).statusCode).toBe(200);
  await app.close();
  await away.close();
});
