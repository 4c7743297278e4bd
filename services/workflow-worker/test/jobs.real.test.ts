/** Jobs that run by the clock: once for each tick over all workers, also when Redis forgets and processes die. */
import { randomUUID } from 'node:crypto';
import { JOBS } from '@mailstream/shared/domain/jobs';
import { createDatabase } from '@mailstream/shared/db/database';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { createPgJobs } from '../src/adapters/pg-jobs.ts';
import { sendingEnvironment } from './outbound-fixture.ts';
import { startWorker, type RunningWorker } from './worker-fixture.ts';
import { useWorld } from './world.ts';

const database = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: database.ownerUrl, redisUrl: redis.url });
const environment = await sendingEnvironment(
  { database: database.url, redis: redis.url },
  { WORKER_JOB_TICK_MS: '100', WORKER_JOB_LEASE_MS: '1000', RETENTION_DAYS: '30' },
);
const workers: RunningWorker[] = [];

interface Run {
  readonly id: string;
  readonly job: string;
  readonly cause: string;
  readonly state: string;
  readonly attempts: number;
  readonly due_at: Date;
  readonly result: Readonly<Record<string, number>> | null;
}

const runs = (job: string): Promise<readonly Run[]> =>
  world.query<Run>('SELECT * FROM job_runs WHERE job = $1 ORDER BY due_at, created_at', [job]);

async function ask(job: string): Promise<string> {
  const id = randomUUID();
  await world.query(`INSERT INTO job_runs (id, job, cause, due_at) VALUES ($1, $2, 'person', now())`, [
    id,
    job,
  ]);
  return id;
}

const stateOf = (id: string) => async (): Promise<string | undefined> =>
  (await world.query<Run>('SELECT * FROM job_runs WHERE id = $1', [id]))[0]?.state;

beforeAll(async () => {
  workers.push(await startWorker(environment), await startWorker(environment));
  await vi.waitUntil(async () => (await world.query('SELECT FROM jobs')).length === JOBS.length, {
    timeout: 60_000,
  });
});
beforeEach(async () => {
  await world.query('UPDATE jobs SET is_enabled = false, next_run_at = NULL');
  await world.query('DELETE FROM job_runs');
});
afterAll(async () => {
  for (const worker of workers) expect(await worker.stop()).toEqual([]);
});

it('two workers run each tick of a schedule once', async () => {
  await world.query(`UPDATE jobs SET is_enabled = true, schedule = '* * * * * *' WHERE name = 'retention'`);
  const done = async (): Promise<readonly Run[]> =>
    (await runs('retention')).filter(({ state }) => state === 'done');
  await expect.poll(async () => (await done()).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
  await world.query(`UPDATE jobs SET is_enabled = false, next_run_at = NULL`);
  const all = await runs('retention');
  const ticks = all.map(({ due_at: at }) => at.getTime());
  expect(new Set(ticks).size).toBe(ticks.length);
  expect(ticks.every((tick) => tick % 1000 === 0)).toBe(true);
  expect(all.every(({ attempts, state }) => state !== 'done' || attempts === 1)).toBe(true);
});

it('a schedule that is changed while a worker moves the job on counts from now on', async () => {
  const connection = createDatabase({ url: database.url, applicationName: 'jobs-test', poolMax: 1 });
  const store = createPgJobs(connection);
  await world.query(
    `UPDATE jobs SET is_enabled = true, schedule = '0 3 * * *', next_run_at = now() + interval '1 day' WHERE name = 'retention'`,
  );
  const [{ tick } = { tick: '' }] = await world.query<{ tick: string }>(
    `SELECT next_run_at::text AS tick FROM jobs WHERE name = 'retention'`,
  );
  const asItWas = { name: 'retention', schedule: '0 3 * * *', timeZone: 'UTC', tick, now: new Date() };
  await world.query(`UPDATE jobs SET schedule = '0 4 * * *' WHERE name = 'retention'`);
  await store.advance(asItWas, new Date(Date.now() + 7 * 86_400_000));
  await connection.close();
  expect(await world.query(`SELECT next_run_at::text AS tick FROM jobs WHERE name = 'retention'`)).toEqual([
    { tick },
  ]);
});

it('a job that is disabled does not run by the clock, but when somebody asks', async () => {
  await world.query(`UPDATE jobs SET schedule = '* * * * * *' WHERE name = 'retention'`);
  const id = await ask('retention');
  await expect.poll(stateOf(id), { timeout: 10_000 }).toBe('done');
  expect((await runs('retention')).map(({ cause }) => cause)).toEqual(['person']);
});

it('a run whose worker died is taken over, and one that ends every worker is given up', async () => {
  const [dead, deadly] = [await ask('retention'), await ask('audit')];
  const died = `state = 'running', claim_id = gen_random_uuid(), claimed_until = now() - interval '1 second'`;
  await world.query(`UPDATE job_runs SET ${died}, attempts = 1 WHERE id = $1`, [dead]);
  await world.query(`UPDATE job_runs SET ${died}, attempts = 3 WHERE id = $1`, [deadly]);
  await expect.poll(stateOf(dead), { timeout: 10_000 }).toBe('done');
  await expect.poll(stateOf(deadly), { timeout: 10_000 }).toBe('failed');
});

it('a run that Redis forgot begins all the same', async () => {
  const id = randomUUID();
  await world.query(
    `INSERT INTO job_runs (id, job, cause, due_at, relayed_at) VALUES ($1, 'retention', 'person', now(), now())`,
    [id],
  );
  await expect.poll(stateOf(id), { timeout: 10_000 }).toBe('done');
});

it('retention removes what has ended, and nothing that an audit or a second delivery would miss', async () => {
  const { tenant, providerId } = await world.newMailbox();
  await world.query(
    `INSERT INTO imap_email_provider_config (tenant, email_provider_id, host, port, auth_type, username, folder_state)
     VALUES ($1, $2, 'imap.example.com', 993, 'password', 'x', '{"INBOX": {"uid_validity": "2"}}')`,
    [tenant, providerId],
  );
  const row = async (validity: number, uid: number, status: string): Promise<void> => {
    await world.query(
      `INSERT INTO inbound_messages (tenant, provider_id, folder, uid_validity, uid, publish_seq, event_id, size, status, processed_at)
       VALUES ($1, $2, 'INBOX', $3, $4, $4, gen_random_uuid(), 1, $5, now() - interval '31 days')`,
      [tenant, providerId, validity, uid, status],
    );
  };
  await row(1, 1, 'processed');
  await row(1, 2, 'dead_letter');
  await row(2, 3, 'processed');
  const ticket = randomUUID();
  await world.query(
    `INSERT INTO tickets (tenant, id, number, subject, requester_email) VALUES ($1, $2, 1, 'x', 'jane@example.org')`,
    [tenant, ticket],
  );
  await world.query(
    `INSERT INTO email_reply_tokens (tenant, token_hash, ticket_id, recipient_email, expires_at)
     VALUES ($1, 'old', $2, 'x', now() - interval '31 days'), ($1, 'new', $2, 'x', now() + interval '1 day')`,
    [tenant, ticket],
  );
  const login = (expires: string): Promise<unknown> =>
    world.query(
      `INSERT INTO oauth_authorizations (tenant, id, state, is_applied, created_by_type, created_by_id, settings, return_to, expires_at)
       VALUES ($1, $2, 'granted', false, 'user', 'x', '{}', 'newMailbox', now() + CAST($3 AS interval))`,
      [tenant, randomUUID(), expires],
    );
  await login('-1 minute');
  await login('1 minute');
  await world.query(
    `INSERT INTO tenant_api_calls (tenant, day, calls) VALUES ($1, '2020-01-01', 5), ($1, current_date, 5)`,
    [tenant],
  );
  const id = await ask('retention');
  await expect.poll(stateOf(id), { timeout: 10_000 }).toBe('done');
  expect((await runs('retention'))[0]?.result).toMatchObject({
    ledgerRows: 1,
    replyTokens: 1,
    oauthLogins: 1,
    apiCallDays: 1,
  });
  const left = await world.query<{ uid: number }>(
    'SELECT uid::int FROM inbound_messages WHERE tenant = $1 ORDER BY uid',
    [tenant],
  );
  expect(left.map(({ uid }) => uid)).toEqual([2, 3]);
});

it('the audit asks for every running mailbox', async () => {
  const { tenant, providerId } = await world.newMailbox();
  await world.query(
    `INSERT INTO imap_email_provider_config (tenant, email_provider_id, host, port, auth_type, username)
     VALUES ($1, $2, 'imap.example.com', 993, 'password', 'x')`,
    [tenant, providerId],
  );
  const id = await ask('audit');
  await expect.poll(stateOf(id), { timeout: 10_000 }).toBe('done');
  const rows = await world.query<{ version: number }>(
    'SELECT audit_version::int AS version FROM imap_email_provider_config WHERE tenant = $1',
    [tenant],
  );
  expect(rows).toEqual([{ version: 1 }]);
});

it('the token check marks a mailbox whose permission has ended', async () => {
  const { tenant, providerId } = await world.newMailbox();
  await world.query(
    `INSERT INTO imap_email_provider_config (tenant, email_provider_id, host, port, auth_type, username, oauth_token_url, oauth_client_id, oauth_scopes)
     VALUES ($1, $2, 'imap.example.com', 993, 'oauth2', 'x', 'https://login.example.com/token', 'x', 'imap')`,
    [tenant, providerId],
  );
  const id = await ask('token-check');
  await expect.poll(stateOf(id), { timeout: 15_000 }).toBe('done');
  const rows = await world.query<{ status: string; error_code: string }>(
    'SELECT status, error_code FROM email_providers WHERE tenant = $1',
    [tenant],
  );
  expect(rows).toEqual([{ status: 'error', error_code: 'IMAP_CREDENTIALS_MISSING' }]);
  // The daemon is told, once: a connection that still lives would hide it.
  await expect.poll(stateOf(await ask('token-check')), { timeout: 15_000 }).toBe('done');
  expect(
    await world.query('SELECT config_version::int FROM imap_email_provider_config WHERE tenant = $1', [
      tenant,
    ]),
  ).toEqual([{ config_version: 2 }]);
});
