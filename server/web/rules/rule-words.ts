/** Conditions and effects as a person would say them. */
import { bytes, number } from '../format.ts';
import { locale, texts } from '../texts.ts';
import type { Condition } from './condition-values.ts';
import type { Priority } from './rule-values.ts';

const words = texts.rules.words;

export function conditionWords(condition: Condition): string {
  if ('all' in condition) return joined(condition.all, words.and);
  if ('any' in condition) return joined(condition.any, words.or);
  if (!('not' in condition)) return testWords(condition, false);
  const { not } = condition;
  if ('not' in not) return conditionWords(not.not);
  if ('all' in not) return not.all.length === 1 ? notOf(not.all[0]) : words.notAll(conditionWords(not));
  if ('any' in not) return not.any.length === 1 ? notOf(not.any[0]) : words.none(conditionWords(not));
  return testWords(not, true);
}

function notOf(condition: Condition | undefined): string {
  return condition === undefined ? '' : conditionWords({ not: condition });
}

function joined(conditions: readonly Condition[], glue: string): string {
  return conditions
    .map((condition) => {
      const isGroup = !('field' in condition || ('not' in condition && 'field' in condition.not));
      return isGroup && conditions.length > 1
        ? words.nested(conditionWords(condition))
        : conditionWords(condition);
    })
    .join(glue);
}

type Test = Extract<Condition, { readonly field: string }>;

function testWords(test: Test, isNot: boolean): string {
  const { field, operator, value } = test;
  // "No recipient contains" is not "a recipient does not contain".
  const none = isNot && field in words.noFields;
  const name = none
    ? words.noFields[field as keyof typeof words.noFields]
    : field === 'header'
      ? words.header(test.name)
      : words.fields[field];
  const verb = (isNot && !none ? texts.rules.isNot : texts.rules.is)[operator];
  if (typeof value === 'number') return `${name} ${verb} ${amountWords(field, value)}`;
  const said = `${name} ${verb} ${words.quoted(value)}`;
  return 'isCaseSensitive' in test && test.isCaseSensitive ? words.exactCase(said) : said;
}

function amountWords(field: Test['field'], value: number): string {
  if (Number.isNaN(value)) return '…';
  return field === 'size' ? bytes(value) : number(value);
}

/**
 * One condition of many, in words.
 * @param place as the trial names it, such as `any.2.not`; that one is said as "not"
 */
export function conditionWordsAt(root: Condition, place: string): string {
  const steps = place.split('.').filter((step) => step !== '');
  let condition: Condition = root;
  let isNot = false;
  while (steps.length > 0) {
    const step = steps.shift();
    isNot = false;
    if (step === 'not' && 'not' in condition) {
      condition = condition.not;
      isNot = true;
    } else if (step === 'all' && 'all' in condition)
      condition = condition.all[Number(steps.shift())] ?? condition;
    else if (step === 'any' && 'any' in condition)
      condition = condition.any[Number(steps.shift())] ?? condition;
    else break;
  }
  return conditionWords(isNot ? { not: condition } : condition);
}

/** @param client its name; null where there is none */
export function effectWords(effects: {
  readonly queue: string | null;
  readonly client: string | null;
  readonly priority: Priority | null;
  readonly tags: readonly string[];
}): readonly string[] {
  const { queue, client, priority, tags } = effects;
  return [
    ...(queue === null || queue === '' ? [] : [words.queue(queue)]),
    ...(client === null ? [] : [words.client(client)]),
    ...(priority === null
      ? []
      : [words.priority(texts.rules.priorities[priority].toLocaleLowerCase(locale))]),
    ...(tags.length === 0 ? [] : [words.tags(tags.map(words.quoted).join(', '), tags.length === 1)]),
  ];
}
