/** Jobs as operators see, change and start them; nobody else does. */
import { describe, expect, test } from 'vitest';
import { JOBS } from '@mailstream/shared/domain/jobs';
import { useServer } from './harness.ts';

const { call, owner, a, token } = await useServer();

/** As the workers do at their start. */
for (const { name, schedule } of JOBS)
  await owner.query('INSERT INTO jobs (name, schedule) VALUES ($1, $2)', [name, schedule]);

test('are listed with what they do, and when they ran and run', async () => {
  await owner.query(
    `INSERT INTO job_runs (id, job, cause, due_at, state, started_at, finished_at, result, error_code, created_at)
     VALUES (gen_random_uuid(), 'audit', 'schedule', now(), 'failed', now() - interval '2 seconds', now(), NULL, 'INTERNAL', now() - interval '1 hour'),
            (gen_random_uuid(), 'audit', 'person', now(), 'done', now() - interval '2 seconds', now(), '{"mailboxes": 3}', NULL, now())`,
  );
  const { json } = await call('GET', '/api/jobs');
  const items = json.items as unknown as {
    name: string;
    text: string;
    lastRun: unknown;
    lastFailure: unknown;
  }[];
  expect(items.map(({ name }) => name)).toEqual(['audit', 'retention', 'token-check']);
  expect(items.every(({ text }) => text.length > 20)).toBe(true);
  expect(items[0]).toMatchObject({
    isEnabled: true,
    lastRun: { state: 'done', cause: 'person', result: { mailboxes: 3 }, durationMs: 2000 },
    lastFailure: { state: 'failed', errorCode: 'INTERNAL' },
  });
  expect(((await call('GET', '/api/jobs/audit/runs')).json.items as unknown as object[]).length).toBe(2);
});

test('are switched off and on, and get other schedules; the next run follows', async () => {
  expect((await call('PATCH', '/api/jobs/retention', { body: { isEnabled: false } })).json).toMatchObject({
    isEnabled: false,
    nextRunAt: null,
  });
  const on = await call('PATCH', '/api/jobs/retention', {
    body: { isEnabled: true, schedule: '30 4 * * *', timeZone: 'Asia/Kolkata' },
  });
  // India has no daylight saving time: half past four is eleven at night in UTC.
  expect(on.json.nextRunAt).toMatch(/T23:00:00\.000Z$/);
  const { rows } = await owner.query(`SELECT FROM audit_log WHERE action = 'job.changed' AND tenant = $1`, [
    a.tenant,
  ]);
  expect(rows).toHaveLength(2);
});

describe('a change is refused', () => {
  test.each([
    ['a schedule that is none', { schedule: 'every day' }],
    ['one that never comes', { schedule: '0 0 30 2 *' }],
    ['a time zone that is none', { timeZone: 'Mars/Olympus' }],
    ['another field', { name: 'x' }],
  ])('%s', async (_what, body) => {
    expect((await call('PATCH', '/api/jobs/audit', { body })).status).toBe(400);
  });
});

test('are run at once when an operator asks', async () => {
  const answer = await call('POST', '/api/jobs/token-check/run');
  expect(answer).toMatchObject({ status: 202, json: { state: 'queued', cause: 'person' } });
  expect((await call('POST', '/api/jobs/nothing/run')).status).toBe(404);
});

test('are nobody else’s business', async () => {
  const admin = await token(a.tenant, ['providers:write', 'tickets:write', 'messages:write']);
  for (const [method, path] of [
    ['GET', '/api/jobs'],
    ['PATCH', '/api/jobs/audit'],
    ['POST', '/api/jobs/audit/run'],
  ] as const)
    expect((await call(method, path, { token: admin, body: method === 'GET' ? undefined : {} })).status).toBe(
      403,
    );
});
