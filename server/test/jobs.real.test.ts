/** Jobs as operators see, change and start them; nobody else does. */
import { afterAll, describe, expect, test } from 'vitest';
import { useRedis } from '@mailstream/shared/testing/fixtures';
import { openTcpLink, throughLink } from '@mailstream/shared/testing/tcp-link';
import { JOBS } from '@mailstream/shared/domain/jobs';
import { createJobBoard } from '../src/adapters/redis-job-board.ts';
import { buildApp } from '../src/app.ts';
import { useServer } from './harness.ts';

const { call, owner, a, token, ports, appOptions } = await useServer();

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
  expect(items.map(({ name }) => name)).toEqual(['audit', 'retention', 'storage-cleanup', 'token-check']);
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

describe('the job board', async () => {
  const redis = await useRedis();
  const jobBoard = createJobBoard(redis.url, ports.log);
  const app = await buildApp(ports, { ...appOptions, jobBoard });
  afterAll(async () => {
    await app.close();
    await jobBoard.close();
  });
  const get = (url: string, bearer: string | null, method: 'GET' | 'PUT' = 'GET') =>
    app.inject({ method, url, headers: bearer === null ? {} : { authorization: `Bearer ${bearer}` } });

  test('shows operators the queues, and loads nothing from elsewhere', async () => {
    const page = await get('/job-board', a.token);
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    const queues = await get('/job-board/api/queues', a.token);
    const { queues: found } = queues.json<{ queues: { name: string; readOnlyMode: boolean }[] }>();
    expect(found.map(({ name }) => name)).toEqual(['outgoing-mail', 'jobs']);
    expect(found.every(({ readOnlyMode }) => readOnlyMode)).toBe(true);
  });

  test('is closed to everybody else, and changes nothing for anybody', async () => {
    const admin = await token(a.tenant, ['providers:write', 'tickets:write']);
    for (const path of [
      '/job-board',
      '/job-board/api/queues',
      '/job-board/static/js/x.js',
      '/job-board/queue/jobs',
    ]) {
      expect.soft((await get(path, null)).statusCode, path).toBe(401);
      expect.soft((await get(path, admin)).statusCode, path).toBe(403);
    }
    expect((await get('/job-board/api/queues/jobs/pause', a.token, 'PUT')).statusCode).toBe(403);
  });
});

test('are counted again after a Redis that was gone for the moment in which the queues looked at it', async () => {
  const { url } = await useRedis();
  const { hostname: host, port } = new URL(url);
  const link = await openTcpLink({ host, port: Number(port) });
  let looks = 0;
  // The first is the connection's own look, before it is ready.
  link.intercept((piece) => (/info/i.test(piece.toString('latin1')) && (looks += 1) === 2 ? 'drop' : 'pass'));
  const board = createJobBoard(throughLink(url, link), ports.log);
  try {
    await expect
      .poll(() => board.depths().catch(() => null), { timeout: 20_000 })
      .toMatchObject([{ name: 'outgoing-mail' }, { name: 'jobs' }]);
  } finally {
    await board.close();
    await link.close();
  }
});
