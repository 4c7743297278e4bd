import { randomUUID } from 'node:crypto';
import { tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import type { RuleOutcome } from '@mailstream/shared/rules/evaluate-rules';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { describe, expect, it } from 'vitest';
import { anEmail } from '../test/emails.ts';
import { NO_VERDICT } from './core/rule-verdict.ts';
import { createMailRules } from './mail-rules.ts';
import type { MailRules, RuleThreads, StoredRule } from './ports.ts';

const subject = { field: 'subject', operator: 'contains', value: 'news' };
const heavy = { field: 'body', operator: 'matches', value: '(?:a?){50}a{50}!' };

function stored(when: unknown, change: Readonly<Record<string, unknown>> = {}): StoredRule {
  const id = randomUUID();
  return { id, content: { id, name: 'A rule', when, actions: [{ kind: 'skip' }], ...change } };
}

const news: Partial<EmailData> = { subject: 'news' };
const long: Partial<EmailData> = { ...news, body: { text: 'a'.repeat(100_000) } };

interface Setup {
  readonly rules: MailRules;
  readonly loads: TenantId[];
  readonly faults: () => Promise<Readonly<Record<string, number>>>;
  /** Rules that the next reading finds. */
  put(tenant: TenantId, ...rules: readonly StoredRule[]): void;
}

function setUp(judge: RuleThreads['judge'] = () => Promise.reject(new Error('no thread'))): Setup {
  const found = new Map<TenantId, { version: string; rules: readonly StoredRule[] }>();
  const loads: TenantId[] = [];
  const metrics = createMetrics();
  const rules = createMailRules({
    store: {
      load: (tenant) => {
        loads.push(tenant);
        return Promise.resolve(found.get(tenant) ?? { version: null, rules: [] });
      },
    },
    threads: { judge },
    metrics,
    clock: new FakeClock(),
    log: createLogger({ service: 'test', level: 'silent' }),
  });
  return {
    rules,
    loads,
    faults: async () =>
      Object.fromEntries(
        (await metrics.ruleFaults.get()).values.map(({ labels, value }) => [String(labels.kind), value]),
      ),
    put: (tenant, ...stored) => found.set(tenant, { version: randomUUID(), rules: stored }),
  };
}

const newTenant = (): TenantId => tenantId(randomUUID());
const judged = async ({ rules }: Setup, tenant: TenantId, email: Partial<EmailData>) =>
  (await rules.judge(tenant, anEmail(email))).verdict;

describe('the rules of a tenant', () => {
  it('are those of the last reading, with the version that they belong to', async () => {
    const setup = setUp();
    const tenant = newTenant();
    expect(await setup.rules.judge(tenant, anEmail(news))).toEqual({ version: null, verdict: NO_VERDICT });
    const rule = stored(subject);
    setup.put(tenant, rule);
    await setup.rules.refresh(tenant);
    const first = await setup.rules.judge(tenant, anEmail(news));
    expect(first.verdict.skippedBy).toEqual({ id: rule.id, name: 'A rule' });
    expect(await judged(setup, newTenant(), news)).toEqual(NO_VERDICT);
    setup.put(tenant);
    await setup.rules.refresh(tenant);
    const second = await setup.rules.judge(tenant, anEmail(news));
    expect(second.verdict).toEqual(NO_VERDICT);
    expect(new Set([null, first.version, second.version]).size).toBe(3);
  });

  it('are read once for all mails that find them out of date together', async () => {
    const { rules, loads } = setUp();
    const tenant = newTenant();
    await Promise.all([rules.refresh(tenant), rules.refresh(tenant), rules.refresh(newTenant())]);
    expect(loads.filter((one) => one === tenant)).toHaveLength(1);
    await rules.refresh(tenant);
    expect(loads.filter((one) => one === tenant)).toHaveLength(2);
  });

  it('that are broken, or for which there is no room, are passed over and counted', async () => {
    const setup = setUp();
    const tenant = newTenant();
    const costly = { any: Array.from({ length: 50 }, () => heavy) };
    const never = { isEnabled: true, actions: [{ kind: 'tag', tags: ['x'] }] };
    setup.put(
      tenant,
      stored({ field: 'moon' }),
      stored(subject, { actions: 7 }),
      ...Array.from({ length: 3 }, () => stored(costly, never)),
      stored(subject, { order: 9 }),
    );
    await setup.rules.refresh(tenant);
    expect((await judged(setup, tenant, news)).skippedBy).not.toBeNull();
    expect(await setup.faults()).toMatchObject({ broken: 3 });
  });

  it('are forgotten when many other tenants came after', async () => {
    const setup = setUp();
    const [old, used] = [newTenant(), newTenant()];
    for (const tenant of [old, used]) {
      setup.put(tenant, stored(subject));
      await setup.rules.refresh(tenant);
    }
    for (let count = 0; count < 4_999; count += 1) {
      if (count === 4_000) await judged(setup, used, news);
      await setup.rules.refresh(newTenant());
    }
    expect((await setup.rules.judge(old, anEmail(news))).version).toBeNull();
    expect((await judged(setup, used, news)).skippedBy).not.toBeNull();
  });
});

describe('a mail that takes long', () => {
  it('is judged on a thread, and keeps nobody else waiting', async () => {
    let finish = (_: RuleOutcome): void => undefined;
    const setup = setUp(() => new Promise((resolve) => (finish = resolve)));
    const [slow, quick] = [newTenant(), newTenant()];
    const rule = stored(heavy);
    setup.put(slow, rule);
    setup.put(quick, stored(subject));
    await setup.rules.refresh(slow);
    await setup.rules.refresh(quick);
    const waiting = judged(setup, slow, long);
    expect((await judged(setup, quick, news)).skippedBy).not.toBeNull();
    const match = { ruleId: rule.id, isDryRun: false, because: [], isUncertain: false };
    finish({
      matches: [match],
      effect: { skippedBy: rule.id, route: { queue: 'q' }, priority: 'low', tags: ['t'] },
      ...{ stoppedBy: null, uncertain: [], failed: [] },
    });
    expect(await waiting).toEqual({
      skippedBy: { id: rule.id, name: 'A rule' },
      ...{ queue: 'q', clientId: null, priority: 'low', tags: ['t'] },
      matched: [{ id: rule.id, name: 'A rule', isDryRun: false }],
    });
  });

  it('has its effect without rules when the thread fails', async () => {
    const setup = setUp();
    const tenant = newTenant();
    setup.put(tenant, stored(heavy), stored(subject));
    await setup.rules.refresh(tenant);
    expect(await judged(setup, tenant, long)).toEqual(NO_VERDICT);
    expect(await setup.faults()).toMatchObject({ failed: 2 });
  });
});
