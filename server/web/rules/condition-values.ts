/**
 * Conditions as a form has them, and the way to and from those of the API. Every condition has such a form: a group of tests and of
 * other groups. The form says "not" of a test, or of a whole group ("none of", "not all of"), where the API has a condition of its own for it.
 */
import type { RuleBody } from '../../src/contracts/rules.ts';

export type Condition = RuleBody['when'];

export const TEXT_FIELDS = [
  'from',
  'fromName',
  'to',
  'subject',
  'body',
  'attachmentName',
  'attachmentType',
  'header',
] as const;
export const NUMBER_FIELDS = ['size', 'attachmentCount'] as const;
export const TEXT_OPERATORS = ['contains', 'equals', 'starts', 'ends', 'matches'] as const;
export const NUMBER_OPERATORS = ['above', 'below', 'equals'] as const;
/** Bytes. */
export const UNITS = [1, 1024, 1_048_576] as const;
export const MODES = ['all', 'any', 'none', 'notAll'] as const;

export type TextField = (typeof TEXT_FIELDS)[number];
export type NumberField = (typeof NUMBER_FIELDS)[number];
export type Operator = (typeof TEXT_OPERATORS)[number] | (typeof NUMBER_OPERATORS)[number];
export type Unit = (typeof UNITS)[number];
export type Mode = (typeof MODES)[number];

export interface TestValues {
  readonly kind: 'test';
  /** Of this part of the form alone, as long as the page is open. */
  readonly key: number;
  readonly field: TextField | NumberField;
  /** Name of the header field; empty for all other fields. */
  readonly header: string;
  readonly operator: Operator;
  readonly isNot: boolean;
  readonly text: string;
  readonly amount: number | string;
  readonly unit: Unit;
  readonly isCaseSensitive: boolean;
}

export interface GroupValues {
  readonly kind: 'group';
  readonly key: number;
  readonly mode: Mode;
  readonly parts: readonly PartValues[];
}

export type PartValues = TestValues | GroupValues;

let lastKey = 0;
function newKey(): number {
  lastKey += 1;
  return lastKey;
}

export function newTest(): TestValues {
  return {
    kind: 'test',
    key: newKey(),
    field: 'subject',
    header: '',
    operator: 'contains',
    isNot: false,
    text: '',
    amount: 1,
    unit: 1,
    isCaseSensitive: false,
  };
}

export function newGroup(mode: Mode, parts: readonly PartValues[] = [newTest()]): GroupValues {
  return { kind: 'group', key: newKey(), mode, parts };
}

export function isNumberField(field: TextField | NumberField): field is NumberField {
  return (NUMBER_FIELDS as readonly string[]).includes(field);
}

/** Another field, with an operator that it has. */
export function withField(test: TestValues, field: TextField | NumberField): TestValues {
  if (isNumberField(field) === isNumberField(test.field)) return { ...test, field };
  const operator = isNumberField(field) ? 'above' : 'contains';
  return { ...test, field, operator, isNot: false, unit: field === 'size' ? 1_048_576 : 1 };
}

/** The group with one of its parts, however deep, changed; null takes the part away, and with it a group that it leaves empty. */
export function withPart(
  group: GroupValues,
  key: number,
  change: (part: PartValues) => PartValues | null,
): GroupValues {
  const parts = group.parts.flatMap((part): readonly PartValues[] => {
    if (part.key === key) {
      const changed = change(part);
      return changed === null ? [] : [changed];
    }
    if (part.kind === 'test') return [part];
    const inner = withPart(part, key, change);
    return inner.parts.length === 0 ? [] : [inner];
  });
  return { ...group, parts };
}

export function fromCondition(condition: Condition): GroupValues {
  const part = partOf(condition);
  return part.kind === 'group' ? part : newGroup('all', [part]);
}

function partOf(condition: Condition): PartValues {
  if ('all' in condition) return newGroup('all', condition.all.map(partOf));
  if ('any' in condition) return newGroup('any', condition.any.map(partOf));
  if ('not' in condition) return negated(condition.not);
  const test = { ...newTest(), field: condition.field, operator: condition.operator };
  if (typeof condition.value === 'number') {
    const unit = condition.field === 'size' ? unitOf(condition.value) : 1;
    return { ...test, amount: condition.value / unit, unit };
  }
  return {
    ...test,
    header: condition.field === 'header' ? condition.name : '',
    text: condition.value,
    isCaseSensitive: 'isCaseSensitive' in condition && condition.isCaseSensitive,
  };
}

function negated(condition: Condition): PartValues {
  if ('not' in condition) return partOf(condition.not);
  if ('any' in condition) return newGroup('none', condition.any.map(partOf));
  if ('all' in condition) return newGroup('notAll', condition.all.map(partOf));
  const test = partOf(condition);
  return test.kind === 'test' ? { ...test, isNot: true } : test;
}

/** The largest unit that leaves a whole number. */
function unitOf(bytes: number): Unit {
  return UNITS.findLast((unit) => bytes >= unit && bytes % unit === 0) ?? 1;
}

/**
 * The API's condition, and of each place in it (`when.all.0`) the part of the form that it came from.
 * @param place where it stands in the request
 */
export function toCondition(part: PartValues, place: string, places: Map<string, number>): Condition {
  places.set(place, part.key);
  if (part.kind === 'test') {
    const test = toTest(part);
    return part.isNot ? { not: test } : test;
  }
  const inner = (inside: string): readonly Condition[] =>
    part.parts.map((each, at) => toCondition(each, `${place}.${inside}.${at}`, places));
  switch (part.mode) {
    case 'all':
      return { all: inner('all') };
    case 'any':
      return { any: inner('any') };
    case 'none':
      return { not: { any: inner('not.any') } };
    case 'notAll':
      return { not: { all: inner('not.all') } };
  }
}

function toTest({ field, header, operator, text, amount, unit, isCaseSensitive }: TestValues): Condition {
  if (isNumberField(field)) {
    // Nothing entered is no zero: the server asks for a number then.
    const value = amount === '' ? Number.NaN : Math.round(Number(amount) * (field === 'size' ? unit : 1));
    return { field, operator: operator as (typeof NUMBER_OPERATORS)[number], value };
  }
  const test = { operator: operator as (typeof TEXT_OPERATORS)[number], value: text, isCaseSensitive };
  return field === 'header' ? { field, name: header.trim(), ...test } : { field, ...test };
}
