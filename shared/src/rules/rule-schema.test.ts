import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRule, type ParsedRule } from './rule-schema.ts';

const subject = { field: 'subject', operator: 'contains', value: 'fire' };

function parse(when: unknown, change: Readonly<Record<string, unknown>> = {}): ParsedRule {
  return parseRule({
    id: '7f1b8e9a-1111-4222-8333-444455556666',
    name: 'Fire',
    when,
    actions: [{ kind: 'skip' }],
    ...change,
  });
}

function problems(parsed: ParsedRule): readonly string[] {
  return parsed.isValid ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('a rule is taken', () => {
  it('with its defaults', () => {
    expect(parse(subject)).toEqual({
      isValid: true,
      rule: {
        id: '7f1b8e9a-1111-4222-8333-444455556666',
        name: 'Fire',
        isEnabled: true,
        isDryRun: false,
        order: 0,
        stopsOnMatch: false,
        providerId: null,
        when: { ...subject, isCaseSensitive: false },
        actions: [{ kind: 'skip' }],
      },
    });
  });

  it('with every kind of condition and action', () => {
    const when = {
      all: [
        { any: [subject, { not: { field: 'from', operator: 'ends', value: '@x.example' } }] },
        { field: 'header', name: 'X-Spam', operator: 'matches', value: '^yes\\b' },
        { field: 'size', operator: 'above', value: 1000 },
        { field: 'attachmentCount', operator: 'equals', value: 0 },
      ],
    };
    const actions = [
      { kind: 'route', queue: 'billing', clientId: '7f1b8e9a-1111-4222-8333-444455556666' },
      { kind: 'priority', priority: 'urgent' },
      { kind: 'tag', tags: ['a', 'b'] },
    ];
    expect(problems(parse(when, { actions }))).toEqual([]);
  });
});

describe('a rule is refused with the place and the reason', () => {
  it.each<readonly [value: string, reason: string]>([
    ['a(b', 'at character 2: missing closing )'],
    ['ab[z-a]', 'at character 4: invalid character class range'],
    ['x(?=y)', 'at character 2: invalid or unsupported Perl syntax'],
    ['a\\1', 'at character 2: invalid escape sequence'],
    ['(?:a{50}){20}', 'repeats too much to be searched for'],
    ['x'.repeat(251), 'is longer than 250 characters'],
  ])('regular expression %s', (value, reason) => {
    const [problem] = problems(parse({ any: [subject, { field: 'body', operator: 'matches', value }] }));
    expect(problem).toMatch(/^when\.any\.1\.value: The regular expression is refused/);
    expect(problem).toContain(reason);
  });

  it.each<readonly [what: string, when: unknown, expected: string]>([
    ['an unknown operator', { ...subject, operator: 'like' }, 'when.operator: '],
    ['an empty value', { ...subject, value: '' }, 'when.value: must not be empty'],
    ['a header without a name', { field: 'header', operator: 'contains', value: 'x' }, 'when.name: '],
    ['a size as text', { field: 'size', operator: 'above', value: '1' }, 'when.value: '],
    ['a NUL', { ...subject, value: 'a\u0000' }, 'when.value: must not contain a NUL'],
    ['half a character', { ...subject, value: '\udfff' }, 'when.value: must not contain a NUL'],
    ['nothing in all', { all: [] }, 'when.all: '],
    [
      'too many conditions',
      { any: Array.from({ length: 51 }, () => subject) },
      'when: has 51 conditions, 50 are allowed',
    ],
    [
      'too deep',
      { not: { not: { not: { not: { not: subject } } } } },
      'when: is nested 6 deep, 5 is allowed',
    ],
  ])('%s', (_, when, expected) => {
    expect(problems(parse(when)).join('\n')).toContain(expected);
  });

  it('however deep it is nested', () => {
    let when: unknown = subject;
    for (let depth = 0; depth < 100_000; depth++) when = { not: when };
    expect(problems(parse(when))).toEqual(['when: is nested too deep, 5 is allowed']);
  });

  it.each<readonly [what: string, actions: unknown]>([
    ['no action', []],
    ['a route to nowhere', [{ kind: 'route' }]],
    ['an unknown action', [{ kind: 'delete' }]],
    ['a tag of two lines', [{ kind: 'tag', tags: ['a\nb'] }]],
    ['a queue with a NUL', [{ kind: 'route', queue: 'a\u0000' }]],
    ['half a character', [{ kind: 'tag', tags: ['\ud800'] }]],
  ])('%s', (_, actions) => {
    expect(parse(subject, { actions }).isValid).toBe(false);
  });

  it('and never with an exception', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => void [parseRule(value), parse(value), parse({ all: [value] })]),
    );
    fc.assert(
      fc.property(fc.string(), (value) => {
        for (const problem of problems(parse({ field: 'body', operator: 'matches', value })))
          expect(problem).toMatch(/^when/);
      }),
    );
  });
});
