/** The threads that ask rules, real ones, and what happens when one hangs or dies. Needs a build. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tenantId } from '@mailstream/shared/domain/ids';
import { evaluateRules, prepareRules } from '@mailstream/shared/rules/evaluate-rules';
import { parseRule, type Rule } from '@mailstream/shared/rules/rule-schema';
import { afterAll, describe, expect, it } from 'vitest';
import { createRuleThreads } from '../src/adapters/rule-threads.ts';
import { anEmail } from './emails.ts';
import { RULE_THREAD } from './worker-fixture.ts';

const directory = await mkdtemp(join(tmpdir(), 'mailstream-rules-'));
afterAll(() => rm(directory, { recursive: true, force: true }));

function rule(when: unknown, tag: string): Rule {
  const parsed = parseRule({ id: randomUUID(), name: tag, when, actions: [{ kind: 'tag', tags: [tag] }] });
  if (!parsed.isValid) throw new Error('a rule');
  return parsed.rule;
}

const subject = anEmail({ subject: 'Invoice 2026', body: { text: `${'a'.repeat(200_000)} end` } });
const ask = (rules: readonly Rule[], version: string = randomUUID()) => ({
  ...{ tenant: tenantId(randomUUID()), version, rules },
});

describe('threads', () => {
  const threads = createRuleThreads({ threadUrl: RULE_THREAD });
  afterAll(() => threads.stop());

  it('come to the same outcome as the rules do here, for each tenant and version its own', async () => {
    const one = [
      rule({ field: 'subject', operator: 'matches', value: '^inv.*\\d{4}$' }, 'one'),
      rule({ field: 'body', operator: 'contains', value: 'END' }, 'two'),
    ];
    const other = [rule({ not: { field: 'body', operator: 'matches', value: '(?:a?){50}a{50}!' } }, 'three')];
    const asked = [ask(one), ask(other), ...Array.from({ length: 12 }, () => ask(one))];
    for (const round of [1, 2]) {
      const outcomes = await Promise.all(asked.map((which) => threads.judge(which, subject)));
      expect(outcomes, `round ${round}`).toEqual(
        asked.map(({ rules }) => evaluateRules(prepareRules(rules), subject)),
      );
    }
    const [first] = asked;
    const changed = { ...ask(other), ...(first === undefined ? {} : { tenant: first.tenant }) };
    expect((await threads.judge(changed, subject)).effect.tags).toEqual(['three']);
  });
});

describe('a thread', () => {
  it.each([
    ['hangs', 'export default () => { for (;;); };'],
    ['dies', 'export default () => process.exit(1);'],
    ['throws', 'export default () => { throw new Error("broken"); };'],
    ['answers something else', 'export default () => ({ kind: "rulesWanted" });'],
  ])('that %s is ended, and the next mail gets another', async (what, code) => {
    const path = join(directory, `${what.replaceAll(' ', '-')}.mjs`);
    // Sound when it is asked about anything but the first version.
    await writeFile(
      path,
      `import { judge as sound } from ${JSON.stringify(RULE_THREAD.href)};
       const broken = (await import(${JSON.stringify(`data:text/javascript,${encodeURIComponent(code)}`)})).default;
       export const judge = (task) => task.key.endsWith('broken') ? broken() : sound(task);`,
    );
    const threads = createRuleThreads({ threadUrl: pathToFileURL(path), wallMs: 2_000 });
    const rules = [rule({ field: 'subject', operator: 'contains', value: 'invoice' }, 'found')];
    try {
      const [failed, fine] = await Promise.allSettled([
        threads.judge(ask(rules, 'broken'), subject),
        threads.judge(ask(rules), subject),
      ]);
      expect(failed.status).toBe('rejected');
      expect(fine).toMatchObject({ status: 'fulfilled', value: { effect: { tags: ['found'] } } });
      expect((await threads.judge(ask(rules), subject)).effect.tags).toEqual(['found']);
    } finally {
      await threads.stop();
    }
  });
});
