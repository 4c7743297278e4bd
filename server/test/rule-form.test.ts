/** The form of a rule says what the rule says: to the API and back, and errors of the API at the field that they are about. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ruleBodySchema, type RuleBody, type StoredRule } from '../src/contracts/rules.ts';
import {
  fromCondition,
  newGroup,
  newTest,
  toCondition,
  withField,
  withPart,
  type Condition,
  type GroupValues,
  type TestValues,
} from '../web/rules/condition-values.ts';
import { fromRule, newRule, toFormErrors, toRequest, type RuleValues } from '../web/rules/rule-values.ts';

const aTest = (change: Partial<TestValues>): TestValues => ({ ...newTest(), ...change });

/** Whether it holds where these values are the ones that are there. */
function holds(condition: Condition, isThere: (value: unknown) => boolean): boolean {
  if ('all' in condition) return condition.all.every((part) => holds(part, isThere));
  if ('any' in condition) return condition.any.some((part) => holds(part, isThere));
  if ('not' in condition) return !holds(condition.not, isThere);
  return isThere(condition.value);
}

const VALUES = ['a', 'b', 'c', 'd'];
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc
      .constantFrom(...VALUES)
      .map((value): Condition => ({ field: 'subject', operator: 'contains', value, isCaseSensitive: false })),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((all): Condition => ({ all })),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((any): Condition => ({ any })),
    tie('condition').map((not): Condition => ({ not })),
  ),
}));

describe('conditions', () => {
  test('mean the same in the form, however they are nested and turned around', () => {
    fc.assert(
      fc.property(condition, fc.subarray(VALUES), (original, there) => {
        const back = toCondition(fromCondition(original), 'when', new Map());
        const isThere = (value: unknown): boolean => there.includes(String(value));
        expect(holds(back, isThere)).toBe(holds(original, isThere));
      }),
      { numRuns: 300 },
    );
  });

  test.each<Condition>([
    { all: [{ field: 'size', operator: 'above', value: 10 * 1_048_576 }] },
    { all: [{ field: 'size', operator: 'below', value: 1500 }] },
    { any: [{ field: 'attachmentCount', operator: 'equals', value: 2048 }] },
    { any: [{ field: 'header', name: 'X-Spam', operator: 'matches', value: '^y', isCaseSensitive: true }] },
    { not: { any: [{ field: 'to', operator: 'ends', value: '@x', isCaseSensitive: false }] } },
    { not: { all: [{ not: { field: 'body', operator: 'starts', value: ' a ', isCaseSensitive: false } }] } },
  ])('keep all that they say: %j', (original) => {
    expect(toCondition(fromCondition(original), 'when', new Map())).toEqual(original);
  });

  test('of large sizes are shown in the largest unit without a fraction', () => {
    const units = [0, 1, 1500, 3 * 1024, 25 * 1_048_576].map((value) => {
      const [part] = fromCondition({ field: 'size', operator: 'above', value }).parts;
      return part?.kind === 'test' ? [part.amount, part.unit] : null;
    });
    expect(units).toEqual([
      [0, 1],
      [1, 1],
      [1500, 1],
      [3, 1024],
      [25, 1_048_576],
    ]);
  });

  test('get an operator that fits when another field is chosen', () => {
    const text = aTest({ operator: 'matches', isNot: true, text: 'x' });
    expect(withField(text, 'body')).toMatchObject({ field: 'body', operator: 'matches', isNot: true });
    expect(withField(text, 'size')).toMatchObject({ field: 'size', operator: 'above', isNot: false });
    expect(withField(withField(text, 'size'), 'from')).toMatchObject({ operator: 'contains', text: 'x' });
  });

  test('are taken away with the group that they leave empty', () => {
    const lonely = aTest({});
    const root = newGroup('all', [aTest({}), newGroup('any', [newGroup('all', [lonely])])]);
    expect(withPart(root, lonely.key, () => null).parts).toEqual([root.parts[0]]);
  });
});

describe('a rule', () => {
  const stored = (body: Partial<RuleBody>): StoredRule => ({
    ...{ id: '00000000-0000-4000-8000-000000000001', name: 'x', isEnabled: true, isDryRun: false },
    ...{ stopsOnMatch: false, providerId: null, isBroken: false, problems: [], storedText: null },
    ...{ matchCount: 0, lastMatchedAt: null, createdAt: '', updatedAt: '' },
    when: { field: 'subject', operator: 'contains', value: 'x', isCaseSensitive: false },
    actions: [{ kind: 'skip' }],
    ...body,
  });
  const clientId = '00000000-0000-4000-8000-00000000000a';

  test.each<readonly [string, RuleBody['actions'], RuleBody['actions']]>([
    ['that skips', [{ kind: 'skip' }], [{ kind: 'skip' }]],
    [
      'with several actions of a kind, of which the first counts',
      [
        { kind: 'route', queue: 'a' },
        { kind: 'priority', priority: 'high' },
        { kind: 'route', queue: 'b', clientId: clientId.toUpperCase() },
        { kind: 'priority', priority: 'low' },
        { kind: 'tag', tags: ['x', 'y'] },
        { kind: 'tag', tags: ['y', 'z'] },
      ],
      [
        { kind: 'route', queue: 'a', clientId },
        { kind: 'priority', priority: 'high' },
        { kind: 'tag', tags: ['x', 'y', 'z'] },
      ],
    ],
    [
      'that skips and does more',
      [{ kind: 'tag', tags: ['x'] }, { kind: 'skip' }],
      [{ kind: 'skip' }, { kind: 'tag', tags: ['x'] }],
    ],
    [
      'with more tags than one action may have',
      [0, 1].map((n) => ({ kind: 'tag', tags: Array.from({ length: 15 }, (_, at) => `${n} ${at}`) })),
      [
        {
          kind: 'tag',
          tags: [...Array(15).keys()].map((at) => `0 ${at}`).concat([0, 1, 2, 3, 4].map((at) => `1 ${at}`)),
        },
        { kind: 'tag', tags: [5, 6, 7, 8, 9, 10, 11, 12, 13, 14].map((at) => `1 ${at}`) },
      ],
    ],
  ])('%s is saved as it was read', (_, actions, expected) => {
    const { body } = toRequest(fromRule(stored({ actions })));
    expect(body.actions).toEqual(expected);
    expect(ruleBodySchema.safeParse(body).success).toBe(true);
  });

  test('that is broken opens as an empty form with its name', () => {
    const broken = { ...stored({ name: 'Old' }), when: null, actions: null };
    expect(fromRule(broken)).toMatchObject({ name: 'Old', isSkip: false, queue: '', tags: [] });
  });

  test('that the server refuses has each error at the field that it is about', () => {
    const bad = aTest({ field: 'header', header: 'X Y', text: 'y', isNot: true });
    const group: GroupValues = newGroup('none', [aTest({ text: 'ok' }), bad]);
    const values: RuleValues = {
      ...newRule(),
      ...{
        name: '',
        when: newGroup('any', [aTest({ text: 'x' }), group]),
        queue: 'a',
        clientId,
        tags: ['x'],
      },
    };
    const { body, fields } = toRequest(values);
    expect(body.when).toMatchObject({ any: [{}, { not: { any: [{}, { not: { name: 'X Y' } }] } }] });
    const error = (field: string): { field: string; code: string; message: string } => ({
      field,
      code: 'X',
      message: field,
    });
    const places = [
      'name',
      'when',
      'when.any.1.not.any.1.not.value',
      'when.any.1.not.any.1.not.name',
      'actions.0.clientId',
      'actions.0.queue',
      'actions.1.tags.0',
    ];
    expect(toFormErrors(places.map(error), fields)).toEqual({
      name: 'name',
      [`part.${values.when.key}`]: 'when',
      [`part.${bad.key}`]: 'when.any.1.not.any.1.not.value',
      [`part.${bad.key}.name`]: 'when.any.1.not.any.1.not.name',
      clientId: 'actions.0.clientId',
      queue: 'actions.0.queue',
      tags: 'actions.1.tags.0',
    });
  });
});
