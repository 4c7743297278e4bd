/** Behind Sentinel: the primary dies while mail comes in, and takes with it what its replica had not got. */
import { fileURLToPath } from 'node:url';
import { deliver } from '@mailstream/shared/testing/deliver';
import { makeDocumentedUsers } from '@mailstream/shared/testing/documented-acl';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { useSentinelRedis } from '@mailstream/shared/testing/redis-topologies';
import { afterAll, expect, it } from 'vitest';
import { isWatching, startDaemon, useWorld, type Daemon } from './daemon.ts';

const WORKER = fileURLToPath(new URL('../../workflow-worker/dist/main.js', import.meta.url));

const sentinel = await useSentinelRedis();
const world = await useWorld();
const dovecot = useDovecot();
const processes: Daemon[] = [];
const env = { ...world.env, REDIS_URL: sentinel.url('mailstream', 'a password') };

await makeDocumentedUsers(sentinel.watcher.admin, { user: 'mailstream', password: 'a password' });

afterAll(async () => {
  for (const each of processes) expect(await each.stop()).toBe(0);
});

function start(main?: string): Daemon {
  const started = startDaemon({ ...env, WORKER_JOB_TICK_MS: '100' }, main);
  processes.push(started);
  return started;
}

it('every mail becomes one ticket, also those whose events the old primary took with it', async () => {
  const [daemon, worker] = [start(), start(WORKER)];
  const user = dovecot.newUser();
  const { id } = await world.addProvider({ ...dovecot, username: user });
  const send = (...subjects: readonly string[]): Promise<unknown> =>
    Promise.all(
      subjects.map((subject) =>
        deliver({
          host: dovecot.host,
          port: dovecot.lmtpPort,
          from: 'a@example.com',
          to: `${user}@example.com`,
          raw: Buffer.from(`From: a@example.com\r\nSubject: ${subject}\r\n\r\n${subject}\r\n`),
        }),
      ),
    );
  const tickets = async (): Promise<readonly string[]> =>
    (await world.sql<{ subject: string }>('SELECT subject FROM tickets ORDER BY 1')).map(
      ({ subject }) => subject,
    );
  const published = async (): Promise<number> =>
    (await world.sql(`SELECT FROM inbound_messages WHERE status IN ('published', 'processed')`)).length;
  const jobDone = async (): Promise<string | undefined> => {
    const [row] = await world.sql<{ state: string }>(`SELECT state FROM job_runs WHERE job = 'retention'`);
    return row?.state;
  };
  const patience = { timeout: 60_000 };

  await daemon.waitForLog(isWatching('INBOX', id));
  await send('before 1', 'before 2');
  await expect.poll(tickets, patience).toEqual(['before 1', 'before 2']);

  // The worker sleeps through it all, so what is lost now has no effect yet.
  worker.kill('SIGSTOP');
  await sentinel.cutReplication();
  await send('lost 1', 'lost 2', 'lost 3');
  await expect.poll(published, patience).toBe(5);
  await sentinel.primary.kill();
  await send('meanwhile 1', 'meanwhile 2');
  await sentinel.failOver();
  worker.kill('SIGCONT');

  const all = ['before 1', 'before 2', 'lost 1', 'lost 2', 'lost 3', 'meanwhile 1', 'meanwhile 2'];
  await expect.poll(tickets, patience).toEqual(all);
  await daemon.waitForLog((line) => line.message === 'events were lost and are published again');
  await send('after');
  await expect.poll(tickets, patience).toEqual(['after', ...all]);

  // BullMQ has found the new primary, too.
  await world.sql(
    `INSERT INTO job_runs (id, job, cause, due_at) VALUES (gen_random_uuid(), 'retention', 'person', now())`,
  );
  await expect.poll(jobDone, patience).toBe('done');
  for (const each of processes)
    expect(
      each.lines.filter(({ level }) => level === 'error'),
      each.stderr(),
    ).toEqual([]);
});
