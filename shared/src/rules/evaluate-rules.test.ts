import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateRules, prepareRules, type RuleOutcome } from './evaluate-rules.ts';
import { parseRule, type Rule } from './rule-schema.ts';
import { conditionFields, stepsAtMost, type RuleSubject } from './rule-search.ts';

const MAILBOX = '11111111-0000-4000-8000-000000000001';
const CLIENT = '22222222-0000-4000-8000-000000000001';

let count = 0;

function rule(when: unknown, change: Readonly<Record<string, unknown>> = {}): Rule {
  const id = `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`;
  const parsed = parseRule({ id, name: 'r', when, actions: [{ kind: 'skip' }], ...change });
  if (!parsed.isValid) throw new Error(JSON.stringify(parsed.problems));
  return parsed.rule;
}

function message(change: Partial<RuleSubject> = {}): RuleSubject {
  return {
    providerId: MAILBOX,
    from: { email: 'ann@x.example', name: 'Ann' },
    to: [{ email: 'support@acme.example' }],
    cc: [{ email: 'sales@acme.example' }],
    bcc: [],
    subject: 'Printer on Fire',
    body: { text: 'It burns.\nSince Monday.' },
    headers: [
      { name: 'X-Spam', value: 'no' },
      { name: 'x-spam', value: 'YES, very' },
    ],
    attachments: [
      { id: '1', name: 'smoke.PDF', contentType: 'application/pdf', size: 5, sha256: '', storageKey: '' },
    ],
    raw: { storageKey: '', sha256: '', size: 1500 },
    ...change,
  };
}

const evaluate = (rules: readonly Rule[], change?: Partial<RuleSubject>): RuleOutcome =>
  evaluateRules(prepareRules(rules), message(change));
const text = (field: string, operator: string, value: string): unknown => ({ field, operator, value });

describe('a condition holds', () => {
  it.each<readonly [isTrue: boolean, when: unknown]>([
    [true, text('subject', 'equals', 'printer on fire')],
    [false, { field: 'subject', operator: 'equals', value: 'printer on fire', isCaseSensitive: true }],
    [true, text('from', 'ends', '@X.example')],
    [false, text('from', 'starts', 'x')],
    [true, text('fromName', 'equals', 'ann')],
    [true, text('to', 'contains', 'sales@')],
    [true, text('body', 'matches', '^since \\w+\\.$')],
    [true, { field: 'header', name: 'X-SPAM', operator: 'starts', value: 'yes' }],
    [false, { field: 'header', name: 'X-Other', operator: 'contains', value: 'y' }],
    [true, text('attachmentName', 'ends', '.pdf')],
    [true, text('attachmentType', 'equals', 'application/pdf')],
    [true, { field: 'size', operator: 'above', value: 1499 }],
    [false, { field: 'size', operator: 'below', value: 1500 }],
    [true, { field: 'attachmentCount', operator: 'equals', value: 1 }],
    [true, { not: text('subject', 'contains', 'water') }],
    [false, { all: [text('subject', 'contains', 'fire'), text('body', 'contains', 'water')] }],
    [true, { any: [text('subject', 'contains', 'water'), text('body', 'contains', 'burns')] }],
  ])('%s: %j', (isTrue, when) => {
    expect(evaluate([rule(when)]).matches).toHaveLength(isTrue ? 1 : 0);
  });

  it('and says which parts made it hold', () => {
    const when = {
      all: [
        text('subject', 'contains', 'fire'),
        { any: [text('subject', 'contains', 'water'), text('from', 'contains', 'ann')] },
        { not: text('body', 'contains', 'water') },
      ],
    };
    expect(evaluate([rule(when)]).matches[0]?.because).toEqual(['all.0', 'all.1.any.1', 'all.2.not']);
  });
});

describe('rules', () => {
  const fire = text('subject', 'contains', 'fire');
  const tag = (name: string): unknown => [{ kind: 'tag', tags: [name] }];

  it('are asked in their order until one stops', () => {
    const late = rule(fire, { order: 9, actions: tag('late') });
    const stop = rule(fire, { order: 5, actions: tag('stop'), stopsOnMatch: true });
    const early = rule(fire, { order: 1, actions: tag('early') });
    const outcome = evaluate([late, stop, early]);
    expect(outcome.effect.tags).toEqual(['early', 'stop']);
    expect(outcome.stoppedBy).toBe(stop.id);
  });

  it('do nothing when disabled, and count without effect when dry', () => {
    const off = rule(fire, { isEnabled: false });
    const dry = rule(fire, { isDryRun: true, stopsOnMatch: true });
    const outcome = evaluate([off, dry]);
    expect(outcome.matches).toEqual([{ ruleId: dry.id, isDryRun: true, because: [], isUncertain: false }]);
    expect(outcome).toMatchObject({ effect: { skippedBy: null }, stoppedBy: null });
  });

  it('give way to earlier ones, target by target', () => {
    const first = rule(fire, {
      order: 1,
      actions: [
        { kind: 'route', queue: 'a' },
        { kind: 'priority', priority: 'low' },
      ],
    });
    const second = rule(fire, {
      order: 2,
      actions: [
        { kind: 'route', queue: 'b', clientId: CLIENT },
        { kind: 'priority', priority: 'urgent' },
        { kind: 'skip' },
      ],
    });
    expect(evaluate([second, first]).effect).toEqual({
      skippedBy: second.id,
      route: { queue: 'a', clientId: CLIENT },
      priority: 'low',
      tags: [],
    });
  });
});

describe('whatever the message', () => {
  it('evaluation ends with an outcome, and twice with the same', () => {
    const prepared = prepareRules(
      ['subject', 'from', 'body', 'attachmentName'].flatMap((field) => [
        rule(text(field, 'matches', '(a|b)*c+$')),
        rule({ not: text(field, 'contains', 'x') }),
      ]),
    );
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'binary' }), (subject, body) => {
        const asked = message({ subject, body: { text: body } });
        const outcome = evaluateRules(prepared, asked);
        expect(evaluateRules(prepared, asked)).toEqual(outcome);
        expect(outcome).toMatchObject({ uncertain: [], failed: [] });
      }),
      { numRuns: 40 },
    );
  });

  it.each(['(a+)+$', '(x+x+)+y', '(?:a?){50}a{50}', '.*.*=.*', '^(a|aa)+$', 'a.{100}z'])(
    'a megabyte is searched for %s in bounded time',
    (pattern) => {
      const huge = 'a'.repeat(1_000_000);
      const rules = Array.from({ length: 50 }, () => rule(text('body', 'matches', `${pattern}!`)));
      const prepared = prepareRules(rules);
      const before = process.cpuUsage();
      const outcome = evaluateRules(prepared, message({ subject: huge, body: { text: huge } }));
      expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000);
      expect(outcome.uncertain.length).toBeGreaterThan(0);
    },
  );

  it('ten thousand plain conditions on many values are asked in bounded time', () => {
    const headers = Array.from({ length: 3000 }, (_, at) => ({
      name: 'X-A',
      value: `${at} ${'a'.repeat(900)}`,
    }));
    const to = Array.from({ length: 3000 }, (_, at) => ({ email: `${at}@x.example` }));
    const any = ['to', 'body', 'subject'].map((field) => text(field, 'contains', 'zz'));
    const when = { any: [...any, { field: 'header', name: 'x-a', operator: 'contains', value: 'zz' }] };
    const prepared = prepareRules(Array.from({ length: 200 }, () => rule({ any: Array(12).fill(when) })));
    const before = process.cpuUsage();
    const huge = { subject: 'a'.repeat(200_000), body: { text: 'a'.repeat(500_000) }, headers, to };
    const { matches, uncertain } = evaluateRules(prepared, message(huge));
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000);
    expect([matches.length, uncertain.length]).toEqual([0, 200]);
  });
});

describe('a rule', () => {
  const fire = text('subject', 'contains', 'fire');
  const isNoWater = { not: text('body', 'contains', 'water') };

  it('of one mailbox is asked for mail of that mailbox alone', () => {
    const here = rule(fire, { providerId: MAILBOX.toUpperCase() });
    const elsewhere = rule(fire, { providerId: CLIENT });
    expect(evaluate([here, elsewhere]).matches.map(({ ruleId }) => ruleId)).toEqual([here.id]);
  });

  it.each<readonly [what: string, when: unknown, change: Partial<RuleSubject>]>([
    ['a body that the event has in part', isNoWater, { bodyTruncated: true }],
    ['a mail that could not be read', isNoWater, { parseError: 'x' }],
    [
      'attachments that were left out',
      { field: 'attachmentCount', operator: 'below', value: 9 },
      { ingressSkipReasons: [{ type: 'attachment', reason: 'x', size: 1, cap: 0 }] },
    ],
    ['a body beyond what is searched', isNoWater, { body: { text: 'a'.repeat(300_000) } }],
  ])('leaves nothing out on the strength of what is not in %s', (_, when, change) => {
    const actions = [{ kind: 'skip' }, { kind: 'tag', tags: ['dry'] }];
    const sure = evaluate([rule(when, { actions })]);
    expect(sure.effect.skippedBy).not.toBeNull();
    const { matches, effect, uncertain } = evaluate([rule(when, { actions })], change);
    expect(effect).toMatchObject({ skippedBy: null, tags: ['dry'] });
    expect(uncertain).toEqual([matches[0]?.ruleId]);
  });

  it('leaves out what it finds in the part that is there', () => {
    const body = { text: `water ${'a'.repeat(300_000)}` };
    for (const operator of ['contains', 'matches'])
      expect(evaluate([rule(text('body', operator, 'water'))], { body }).effect.skippedBy).not.toBeNull();
  });

  it('that throws is passed over, and the next is asked', () => {
    const [bad, good] = [rule(text('subject', 'matches', 'x'), { order: 1 }), rule(fire, { order: 2 })];
    const { rules, patterns, ...rest } = prepareRules([bad, good]);
    const broken = new Map(
      [...patterns.keys()].map((test) => [
        test,
        {
          cost: 1,
          test: () => {
            throw new Error('broken');
          },
        },
      ]),
    );
    const outcome = evaluateRules({ rules, patterns: broken, ...rest }, message());
    expect(outcome).toMatchObject({ failed: [bad.id], effect: { skippedBy: good.id } });
  });

  it('is passed over where those before it have used up the room for patterns', () => {
    const large = (): Rule => rule({ any: Array(50).fill(text('body', 'matches', '(?:a?){50}a{50}')) });
    const [one, two, three] = [large(), large(), large()];
    const prepared = prepareRules([one, two, three, rule(fire)]);
    expect(prepared.overLimit).toEqual([three.id]);
    expect(prepared.rules.map(({ id }) => id).slice(0, 2)).toEqual([one.id, two.id]);
    expect(evaluateRules(prepared, message()).effect.skippedBy).not.toBeNull();
  });

  it('takes no more steps than were said before', () => {
    const steps = (when: unknown, change?: Partial<RuleSubject>): number => {
      const { rules, patterns } = prepareRules([rule(when)]);
      return stepsAtMost(
        rules.map((one) => one.when),
        patterns,
        message(change),
      );
    };
    expect(steps(fire)).toBeLessThan(10);
    expect(steps({ field: 'size', operator: 'above', value: 1 })).toBe(0);
    const body = { text: 'a'.repeat(100_000) };
    expect(steps(text('body', 'contains', 'x'), { body })).toBeGreaterThanOrEqual(25_001);
    expect(steps({ any: [text('body', 'matches', 'a{9}b'), fire] }, { body })).toBeGreaterThan(900_000);
    const to = Array.from({ length: 1000 }, () => ({ email: 'a@x.example' }));
    expect(steps(text('to', 'contains', 'x'), { to })).toBeGreaterThan(1000 * (1 + 3));
  });

  it('names the fields that it asks for, each once', () => {
    const when = { all: [fire, { any: [isNoWater, { field: 'size', operator: 'above', value: 1 }] }, fire] };
    expect(conditionFields(rule(when).when)).toEqual(['subject', 'body', 'size']);
  });
});
