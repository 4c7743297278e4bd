/**
 * How many unrelated mails of one tenant a worker turns into tickets in a second, and what each costs in processor time: the rate
 * depends on what else the machine does, the cost hardly.
 */
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { expect, it } from 'vitest';
import { anEntry } from '../test/emails.ts';
import { spawnWorker, workerEnvironment } from '../test/worker-fixture.ts';
import { useWorld } from '../test/world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });

const EVENTS = 4000;
const WARM_UP = EVENTS / 10;
const TICKS_PER_SECOND = 100;
const PARAGRAPH =
  'The printer on the second floor prints every page twice, and the second copy is upside down. ';

/** Text and HTML of an everyday mail with what it quotes, 8 KB together. */
function body(index: number): { readonly text: string; readonly html: string } {
  const own = Array.from({ length: 8 }, (_, at) => `${index}.${at} ${PARAGRAPH}`);
  const quoted = own.map((line) => `> ${line}`);
  const intro = 'On Fri, Jan 2, 2026 at 3:04 AM Acme Support <support@example.com> wrote:';
  return {
    text: [...own, '', intro, ...quoted].join('\n'),
    html: `<html><body>${own.map((line) => `<p style="margin:0">${line}</p>`).join('')}<div class="gmail_quote"><div>${intro}</div><blockquote>${own.join('<br>')}</blockquote></div></body></html>`,
  };
}

/** Seconds of processor time that a process has had. */
async function cpuSeconds(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // After the name, which may hold anything: utime and stime are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND || 0;
}

/** Those of the worker, which keeps its connections. */
async function backends(): Promise<readonly number[]> {
  const rows = await world.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'mailstream-%'`,
    [db.name],
  );
  return rows.map(({ pid }) => pid);
}

const done = async (tenant: string): Promise<number> => {
  const [row] = await world.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM email_processed_messages WHERE tenant = $1',
    [tenant],
  );
  return row?.count ?? 0;
};

async function until(tenant: string, count: number): Promise<void> {
  await expect.poll(() => done(tenant), { timeout: 120_000, interval: 20 }).toBeGreaterThanOrEqual(count);
}

it('turns unrelated mails of one tenant into tickets', async () => {
  const mailbox = await world.newMailbox();
  const entries = Array.from({ length: EVENTS }, (_, index) =>
    anEntry({
      ...mailbox,
      uid: index + 1,
      email: {
        id: `<${index}@example.org>`,
        from: { email: `person${index % 500}@customer${index % 50}.example`, name: `Person ${index}` },
        subject: `Printer ${index}`,
        body: body(index),
      },
    }),
  );
  for (const entry of entries) await world.record(entry);
  for (let from = 0; from < EVENTS; from += 500) await world.publish(entries.slice(from, from + 500));
  await world.query('ANALYZE');
  // Short deadlines are for tests of faults.
  const env = workerEnvironment(
    { database: db.url, redis: redis.url },
    {
      WORKER_VISIBILITY_MS: '30000',
      WORKER_HANDLING_DEADLINE_MS: '10000',
    },
  );
  const worker = spawnWorker(env);
  const cpu = async (): Promise<readonly [worker: number, database: number]> => {
    const ofDatabase = await Promise.all((await backends()).map(cpuSeconds));
    return [await cpuSeconds(worker.pid), ofDatabase.reduce((sum, seconds) => sum + seconds, 0)];
  };
  await until(mailbox.tenant, WARM_UP);
  const [began, before, first] = [performance.now(), await cpu(), await done(mailbox.tenant)];
  await until(mailbox.tenant, EVENTS);
  const [ended, after] = [performance.now(), await cpu()];
  const count = EVENTS - first;
  const milliseconds = (at: 0 | 1): string => (((after[at] - before[at]) * 1000) / count).toFixed(2);
  console.log(
    `${Math.round((count * 1000) / (ended - began))} events/s; processor time of one: ${milliseconds(0)} ms in the worker, ${milliseconds(1)} ms in PostgreSQL`,
  );
  await world.settled();
  expect(await done(mailbox.tenant)).toBe(EVENTS);
  worker.kill('SIGTERM');
  await worker.gone;
});
