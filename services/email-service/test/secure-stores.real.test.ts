/** All processes over TLS to PostgreSQL and Redis, each with a user of its own, which may do what the documentation says and no more. */
import { fileURLToPath } from 'node:url';
import { migrate } from '@mailstream/migrations/migrate';
import { createDatabase } from '@mailstream/shared/db/database';
import { createDemoTenant } from '@mailstream/shared/local-stack/demo-tenant';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { closeRedis, createRedis, redisFault } from '@mailstream/shared/runtime/redis';
import { deliver } from '@mailstream/shared/testing/deliver';
import { makeDocumentedUsers } from '@mailstream/shared/testing/documented-acl';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { usePostgresTls } from '@mailstream/shared/testing/postgres-tls';
import { useTlsRedis } from '@mailstream/shared/testing/redis-topologies';
import { afterAll, expect, it } from 'vitest';
import { isWatching, startDaemon, useWorld, type Daemon } from './daemon.ts';

const mains = {
  email: undefined,
  worker: fileURLToPath(new URL('../../workflow-worker/dist/main.js', import.meta.url)),
  server: fileURLToPath(new URL('../../../server/dist/main.js', import.meta.url)),
};
const PATIENCE = { timeout: 60_000 };

const redis = await useTlsRedis();
const { secure } = await usePostgresTls();
const world = await useWorld();
const dovecot = useDovecot();
const processes: Daemon[] = [];

for (const name of Object.keys(mains))
  await makeDocumentedUsers(redis.node.admin, { user: `mailstream-${name}`, password: passwordOf(name) });

afterAll(async () => {
  for (const each of processes) expect(await each.stop(), each.stderr()).toBe(0);
});

/** With every character that a URL holds in another form. */
function passwordOf(name: string): string {
  return `${name}%#/?@:,`;
}

function start(name: keyof typeof mains, more: Record<string, string> = {}): Daemon {
  const started = startDaemon(
    {
      ...world.env,
      DATABASE_URL: secure(world.database.url),
      REDIS_URL: redis.url(`mailstream-${name}`, passwordOf(name)),
      STREAM_TRIM_INTERVAL_MS: '1000',
      WORKER_JOB_TICK_MS: '100',
      ...more,
    },
    mains[name],
  );
  processes.push(started);
  return started;
}

it('a mail becomes a ticket, a broken entry a dead letter, jobs run and the board shows them; nothing is denied, nothing in clear', async () => {
  expect(await migrate(secure(world.database.ownerUrl))).toEqual([]);
  const port = await freePort();
  const daemon = start('email');
  start('worker');
  const server = start('server', { PORT: String(port) });
  const user = dovecot.newUser();
  const provider = await world.addProvider({ ...dovecot, username: user });
  await daemon.waitForLog(isWatching('INBOX', provider.id));
  await deliver({
    host: dovecot.host,
    port: dovecot.lmtpPort,
    from: 'a@example.com',
    to: `${user}@example.com`,
    raw: Buffer.from('From: a@example.com\r\nSubject: sealed\r\n\r\nhello\r\n'),
  });
  await redis.node.admin.xadd(world.stream, '*', 'event_id', 'x', 'tenant', provider.tenant);
  // The worker makes the jobs known when it begins.
  await expect
    .poll(() => world.sql(`SELECT name FROM jobs WHERE name = 'retention'`), PATIENCE)
    .toHaveLength(1);
  await world.sql(
    `INSERT INTO job_runs (id, job, cause, due_at) VALUES (gen_random_uuid(), 'retention', 'person', now())`,
  );
  await expect
    .poll(() => world.sql('SELECT subject FROM tickets'), PATIENCE)
    .toEqual([{ subject: 'sealed' }]);
  await expect.poll(() => redis.node.admin.xlen(`${world.stream}:dlq`), PATIENCE).toBe(1);
  await expect
    .poll(() => world.sql(`SELECT state FROM job_runs WHERE job = 'retention'`), PATIENCE)
    .toEqual([{ state: 'done' }]);

  await createDemoTenant(world.database.ownerUrl, {
    tenantId: provider.tenant,
    userId: provider.id,
    userPassword: 'password',
    apiTokenId: provider.id,
    apiToken: 'token',
  });
  await server.waitForLog((line) => line.message === 'started');
  const board = await fetch(
    `http://127.0.0.1:${port}/job-board/api/queues?activeQueue=jobs&status=completed&page=1&jobsPerPage=10`,
    { headers: { authorization: 'Bearer token' } },
  );
  expect(await board.json()).toMatchObject({
    queues: expect.arrayContaining([
      expect.objectContaining({ name: 'jobs', counts: expect.anything() }),
    ]) as unknown,
  });

  expect(await redis.node.admin.call('ACL', 'LOG')).toEqual([]);
  // Also those that LISTEN.
  expect(
    await world.sql(
      `SELECT s.ssl, count(*) >= 3 AS several FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
        WHERE a.datname = current_database() AND a.application_name LIKE 'mailstream%' GROUP BY s.ssl`,
    ),
  ).toEqual([{ ssl: true, several: true }]);
});

it('no user may do more: keys of others, the configuration, the whole server', async () => {
  const { admin } = redis.node;
  await admin.set('somebody:else', 'x');
  for (const name of Object.keys(mains)) {
    const may = (...command: readonly string[]): Promise<unknown> =>
      admin.call('ACL', 'DRYRUN', `mailstream-${name}`, ...command);
    for (const command of [
      ['GET', 'somebody:else'],
      ['FLUSHALL'],
      ['CONFIG', 'GET', '*'],
      ['KEYS', '*'],
      ['SCRIPT', 'FLUSH'],
      ['ACL', 'LIST'],
    ])
      expect(await may(...command), `${name} ${command.join(' ')}`).toMatch(/has no permissions/);
  }
  for (const [name, ...command] of [
    ['server', 'DEL', '{mailstream}:jobs:1'],
    ['server', 'GET', world.stream],
    ['email', 'GET', '{mailstream}:jobs:1'],
    ['email', 'DEL', world.stream],
    ['worker', 'DEL', world.stream],
    ['worker', 'XTRIM', world.stream, 'MAXLEN', '0'],
  ])
    expect(
      await admin.call('ACL', 'DRYRUN', `mailstream-${name}`, ...command),
      `${name} ${command.join(' ')}`,
    ).toMatch(/has no permissions/);
});

it('a certificate that nobody we trust has signed is refused, by both', async () => {
  const lines: string[] = [];
  const log = createLogger({
    service: 't',
    level: 'warn',
    pretty: false,
    destination: { write: (line) => void lines.push(line) },
  });
  const url = redis.url('mailstream-email', passwordOf('email')).replace(/sslrootcert=[^&]*&/, '');
  const client = createRedis({ url, name: 'trusting', log });
  await expect.poll(() => lines.join(''), PATIENCE).toContain('"code":"DEPTH_ZERO_SELF_SIGNED_CERT"');
  const refused = await client.ping().catch((error: unknown) => redisFault(error).fault.code);
  await closeRedis(client);
  expect(refused).toBe('REDIS_UNAVAILABLE');

  const unknown = new URL(secure(world.database.url));
  unknown.searchParams.delete('sslrootcert');
  const database = createDatabase({ url: unknown.href, applicationName: 'test', poolMax: 1 });
  await expect(database.ping()).rejects.toMatchObject({ fault: { code: 'DATABASE_UNAVAILABLE' } });
  await database.close();
});
