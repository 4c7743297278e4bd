/** Rules in a whole worker: deliveries that fail, are repeated, become dead letters and are replayed under other rules. */
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { anEntry } from './emails.ts';
import { skip, subjectHas, tag, useRules } from './rules-fixture.ts';
import { startWorker, workerEnvironment, type RunningWorker } from './worker-fixture.ts';
import { useWorld, type Mailbox } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const rules = useRules(world);
const workers: RunningWorker[] = [];

beforeAll(async () => {
  const env = workerEnvironment(
    { database: db.url, redis: redis.url },
    { WORKER_RETRY_BASE_MS: '10', WORKER_MAX_ATTEMPTS: '2' },
  );
  workers.push(await startWorker(env), await startWorker(env));
  await world.query(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF NEW.body_text = 'poison' THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NEW; END $$`,
  );
  await world.query(
    'CREATE TRIGGER refuse BEFORE INSERT ON ticket_comments FOR EACH ROW EXECUTE FUNCTION refuse()',
  );
});

afterAll(async () => {
  for (const worker of workers) expect(await worker.stop()).toEqual([]);
});

const letter = async ({ tenant }: Mailbox): Promise<unknown> => {
  const [row] = await world.query('SELECT state, replays FROM dead_letters WHERE tenant = $1', [tenant]);
  return row;
};

it('every event is judged once, over two workers and however often it is published', async () => {
  const mailbox = await world.newMailbox();
  await rules.add(mailbox.tenant, { name: 'odd', when: subjectHas('odd'), actions: skip });
  await rules.add(mailbox.tenant, { name: 'all', when: { not: subjectHas('zzz') }, actions: tag('t') });
  const entries = Array.from({ length: 40 }, (_, at) =>
    anEntry({ ...mailbox, uid: at + 1, email: { subject: at % 2 === 0 ? 'even' : 'odd' } }),
  );
  for (const entry of entries) await world.record(entry);
  await world.publish([...entries, ...entries, ...entries.toReversed()]);
  await world.settled();
  expect(await rules.counts(mailbox.tenant)).toMatchObject([{ matches: 20 }, { matches: 40 }]);
  expect(await world.comments(mailbox.tenant)).toHaveLength(20);
  const outcomes = await rules.outcomes(mailbox.tenant);
  expect(outcomes.filter(({ outcome, status }) => `${outcome} ${status}` === 'skipped skipped')).toHaveLength(
    20,
  );
  expect(
    outcomes.filter(({ outcome, status }) => `${outcome} ${status}` === 'ticket processed'),
  ).toHaveLength(20);
});

it('a mail that failed is judged by the rules of its replay, and that once', async () => {
  const mailbox = await world.newMailbox();
  const first = await rules.add(mailbox.tenant, { name: 'tags', when: subjectHas('x'), actions: tag('t') });
  const entry = anEntry({ ...mailbox, uid: 1, email: { subject: 'x', body: { text: 'poison' } } });
  await world.record(entry);
  await world.publish([entry]);
  await expect.poll(() => letter(mailbox), { timeout: 20_000 }).toEqual({ state: 'open', replays: 0 });
  // What was rolled back has not matched.
  expect(await rules.counts(mailbox.tenant)).toEqual([{ name: 'tags', matches: 0, hasTime: false }]);

  await rules.remove(mailbox.tenant, first);
  await rules.add(mailbox.tenant, { name: 'skips', when: subjectHas('x'), actions: skip });
  for (let replays = 1; replays <= 2; replays += 1) {
    await world.query(
      `UPDATE dead_letters SET state = 'replaying', replay_id = gen_random_uuid(), replay_requested_at = now() WHERE tenant = $1`,
      [mailbox.tenant],
    );
    await expect.poll(() => letter(mailbox), { timeout: 20_000 }).toEqual({ state: 'replayed', replays });
    await world.settled();
    await expect
      .poll(() => rules.outcomes(mailbox.tenant), { timeout: 20_000 })
      .toMatchObject([{ outcome: 'skipped', status: 'skipped', ledger_reason: 'rule "skips"' }]);
    expect(await rules.counts(mailbox.tenant)).toEqual([{ name: 'skips', matches: 1, hasTime: true }]);
    // The second time under rules that would have it otherwise.
    await rules.add(mailbox.tenant, { name: 'tags', when: subjectHas('x'), actions: tag('t') });
    await world.query(`DELETE FROM email_rules WHERE tenant = $1 AND name = 'tags'`, [mailbox.tenant]);
  }
  expect(await world.comments(mailbox.tenant)).toEqual([]);
});
