/**
 * All processes on a Redis Cluster, with the rights that the documentation gives them: a primary dies, and a slot moves, while mail comes in.
 */
import { fileURLToPath } from 'node:url';
import { streamName } from '@mailstream/shared/events/email-received';
import { createDemoTenant } from '@mailstream/shared/local-stack/demo-tenant';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { QUEUE_PREFIX } from '@mailstream/shared/runtime/queues';
import { slotOf } from '@mailstream/shared/runtime/redis-servers';
import { deliver } from '@mailstream/shared/testing/deliver';
import { makeDocumentedUsers } from '@mailstream/shared/testing/documented-acl';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import type { RedisNode } from '@mailstream/shared/testing/redis-node';
import { useClusterRedis } from '@mailstream/shared/testing/redis-topologies';
import { afterEach, describe, expect, it } from 'vitest';
import { isWatching, startDaemon, useWorld, type Daemon, type SeededProvider } from './daemon.ts';

const mains = {
  email: undefined,
  worker: fileURLToPath(new URL('../../workflow-worker/dist/main.js', import.meta.url)),
  server: fileURLToPath(new URL('../../../server/dist/main.js', import.meta.url)),
};
const GLOBAL = streamName('', false);
const PATIENCE = { timeout: 60_000 };

// What dies is the node of the stream and of the queues of jobs.
const cluster = await useClusterRedis([GLOBAL, `${QUEUE_PREFIX}:jobs`].map(slotOf));
const world = await useWorld();
const dovecot = useDovecot();
const processes: Daemon[] = [];

for (const { admin } of [...cluster.primaries, cluster.replica])
  for (const name of ['email', 'worker', 'server'])
    await makeDocumentedUsers(admin, { user: `mailstream-${name}`, password: `${name}-pw`, isCluster: true });

afterEach(async () => {
  const ended = processes.splice(0);
  for (const each of ended) expect(await each.stop(), each.stderr()).toBe(0);
  for (const each of ended) expect(each.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

function start(name: keyof typeof mains, more: Record<string, string> = {}): Daemon {
  const url = cluster.url({ user: `mailstream-${name}`, password: `${name}-pw` });
  const env = {
    ...world.env,
    REDIS_URL: url,
    WORKER_JOB_TICK_MS: '100',
    STREAM_TRIM_INTERVAL_MS: '1000',
    ...more,
  };
  const started = startDaemon(env, mains[name]);
  processes.push(started);
  return started;
}

interface Mailbox {
  readonly provider: SeededProvider;
  send(...subjects: readonly string[]): Promise<void>;
}

async function newMailbox(tenant = world.addTenant()): Promise<Mailbox> {
  const user = dovecot.newUser();
  const provider = await world.addProvider({ ...dovecot, username: user }, await tenant);
  const send = async (...subjects: readonly string[]): Promise<void> => {
    for (const subject of subjects)
      await deliver({
        host: dovecot.host,
        port: dovecot.lmtpPort,
        from: 'a@example.com',
        to: `${user}@example.com`,
        raw: Buffer.from(`From: a@example.com\r\nSubject: ${subject}\r\n\r\n${subject}\r\n`),
      });
  };
  return { provider, send };
}

async function tickets({ provider }: Mailbox): Promise<readonly string[]> {
  const rows = await world.sql<{ subject: string }>('SELECT subject FROM tickets WHERE tenant = $1', [
    provider.tenant,
  ]);
  // Conversations are handled side by side.
  return rows.map(({ subject }) => subject).sort();
}

/** Subjects in the order of the stream, as the node has it. */
async function subjectsOn({ admin }: RedisNode, stream: string): Promise<readonly string[]> {
  return (await admin.xrange(stream, '-', '+')).map(
    ([, fields]) => /"subject":"([^"]*)"/.exec(fields[fields.indexOf('payload_json') + 1] ?? '')?.[1] ?? '',
  );
}

async function denied(): Promise<unknown> {
  return (await Promise.all(living().map(({ admin }) => admin.call('ACL', 'LOG')))).flat();
}

const living = (): readonly RedisNode[] =>
  [...cluster.primaries, cluster.replica].filter(({ server }) => server.isRunning());

const numbered = (what: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${what} ${10 + index}`);

describe('on a cluster', () => {
  it('no mail is lost or doubled when a primary dies, and when a slot moves', async () => {
    const port = await freePort();
    const owner = cluster.ownerOf(slotOf(GLOBAL));
    const daemon = start('email');
    start('worker');
    const server = start('server', { PORT: String(port) });
    const mailbox = await newMailbox();
    await daemon.waitForLog(isWatching('INBOX', mailbox.provider.id));
    await mailbox.send('first');
    await expect.poll(() => tickets(mailbox), PATIENCE).toEqual(['first']);

    const dying = numbered('dying', 10);
    const sent = mailbox.send(...dying);
    await owner.kill();
    await sent;
    await cluster.failOver();
    await expect.poll(() => tickets(mailbox), PATIENCE).toEqual([...dying, 'first']);
    await daemon.waitForLog((line) => line.message.startsWith('a store is not the one it was'));

    const moving = numbered('moving', 20);
    const other = cluster.primaries.find((node) => node !== owner) as RedisNode;
    const [before] = [await subjectsOn(cluster.replica, GLOBAL)];
    const sending = mailbox.send(...moving);
    await cluster.move(slotOf(GLOBAL), cluster.replica, other);
    await sending;
    await expect.poll(() => tickets(mailbox), PATIENCE).toEqual([...dying, 'first', ...moving]);
    expect(await subjectsOn(other, GLOBAL)).toEqual([...before, ...moving]);

    await world.sql(
      `INSERT INTO job_runs (id, job, cause, due_at) VALUES (gen_random_uuid(), 'retention', 'person', now())`,
    );
    await expect
      .poll(() => world.sql('SELECT state FROM job_runs WHERE job = $1', ['retention']), PATIENCE)
      .toEqual([{ state: 'done' }]);
    await createDemoTenant(world.database.ownerUrl, {
      tenantId: mailbox.provider.tenant,
      userId: mailbox.provider.id,
      userPassword: 'password',
      apiTokenId: mailbox.provider.id,
      apiToken: 'token',
    });
    await server.waitForLog((line) => line.message === 'started');
    // The first may find the connections that it had before: a fault that passes, told as one.
    const queues = async (): Promise<unknown> => {
      const response = await fetch(`http://127.0.0.1:${port}/api/operations/queues`, {
        headers: { authorization: 'Bearer token' },
      });
      expect([200, 503]).toContain(response.status);
      return response.json();
    };
    await expect.poll(queues, PATIENCE).toMatchObject({
      items: [
        { name: 'outgoing-mail', failed: 0 },
        { name: 'jobs', waiting: 0, failed: 0 },
      ],
    });
    expect(await denied()).toEqual([]);
  });

  it('tenants with a stream each share the nodes, and each stream is in order', async () => {
    const byTenant = { IMAP_EVENT_CHANNEL_BY_TENANT: 'true', WORKER_STREAM_REFRESH_MS: '200' };
    const daemon = start('email', byTenant);
    start('worker', byTenant);
    const mailboxes = [await newMailbox(), await newMailbox(), await newMailbox(), await newMailbox()];
    for (const { provider } of mailboxes) await daemon.waitForLog(isWatching('INBOX', provider.id));
    const subjects = numbered('mail', 5);
    await Promise.all(mailboxes.map(({ send }) => send(...subjects)));
    for (const mailbox of mailboxes) {
      await expect.poll(() => tickets(mailbox), PATIENCE).toEqual(subjects);
      const stream = streamName(mailbox.provider.tenant, true);
      const onNodes = await Promise.all(living().map((node) => subjectsOn(node, stream).catch(() => [])));
      expect(onNodes.flat()).toEqual(subjects);
    }
    expect(await denied()).toEqual([]);
  });
});
