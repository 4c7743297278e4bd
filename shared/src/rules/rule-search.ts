/**
 * Whether a condition holds for one message. Everything that is looked at costs steps, and there are so many for a message and no
 * more: what is beyond is not searched, and `isUncertain` says so. Steps and not milliseconds: the same mail gives the same result on a
 * busy machine.
 */
import type { EmailData } from '../events/email-received-schema.ts';
import type { Condition, HeaderCondition, NumberCondition, TextCondition } from './rule-schema.ts';
import type { SafePattern } from './safe-pattern.ts';

export type RuleSubject = Pick<
  EmailData,
  | 'providerId'
  | 'from'
  | 'to'
  | 'cc'
  | 'bcc'
  | 'subject'
  | 'body'
  | 'headers'
  | 'attachments'
  | 'raw'
  | 'bodyTruncated'
  | 'ingressSkipReasons'
  | 'parseError'
>;

export type PatternTest = TextCondition | HeaderCondition;

/** A step is one instruction of a pattern on one character: 50 ns or so. */
const MAX_STEPS_PER_SEARCH = 1_000_000;
export const MAX_STEPS_PER_MESSAGE = 2_000_000;
/** Of one text; characters. */
const MAX_TEXT = 256 * 1024;
const MAX_VALUES = 500;
/** Plain comparison: so many characters for a step, and one step for looking at all. */
const CHARACTERS_PER_STEP = 4;

export class RuleSearch {
  readonly #patterns: ReadonlyMap<PatternTest, SafePattern>;
  readonly #message: RuleSubject;
  readonly #headers = new Map<string, string[]>();
  readonly #lowerCase = new Map<string, string>();
  /** The event has not everything that the message has: that something is not there is then no proof. */
  readonly #isPart: boolean;
  #stepsLeft = MAX_STEPS_PER_MESSAGE;
  /** Since it was last set to false something was not searched to its end. */
  isUncertain = false;

  constructor(patterns: ReadonlyMap<PatternTest, SafePattern>, message: RuleSubject) {
    this.#patterns = patterns;
    this.#message = message;
    this.#isPart =
      message.bodyTruncated === true ||
      message.parseError !== undefined ||
      (message.ingressSkipReasons?.length ?? 0) > 0;
    for (const { name, value } of message.headers) {
      const key = name.toLowerCase();
      const known = this.#headers.get(key);
      if (known === undefined) this.#headers.set(key, [value]);
      else known.push(value);
    }
  }

  /** Places of the conditions that hold, or null where the whole does not. */
  holds(condition: Condition, place: readonly (string | number)[]): readonly string[] | null {
    if ('all' in condition) {
      const because: string[] = [];
      for (const [at, part] of condition.all.entries()) {
        const found = this.holds(part, [...place, 'all', at]);
        if (found === null) return null;
        because.push(...found);
      }
      return because;
    }
    if ('any' in condition) {
      for (const [at, part] of condition.any.entries()) {
        const found = this.holds(part, [...place, 'any', at]);
        if (found !== null) return found;
      }
      return null;
    }
    if ('not' in condition) {
      if (this.holds(condition.not, [...place, 'not']) !== null) return null;
      if (this.#isPart) this.isUncertain = true;
      return [[...place, 'not'].join('.')];
    }
    const isTrue = isNumberCondition(condition) ? this.#isNumberTrue(condition) : this.#isTextTrue(condition);
    const here = place.join('.');
    return isTrue ? (here === '' ? [] : [here]) : null;
  }

  #isNumberTrue({ field, operator, value }: NumberCondition): boolean {
    const { raw, attachments } = this.#message;
    const actual = field === 'size' ? raw.size : attachments.length;
    if (field === 'attachmentCount' && this.#isPart) this.isUncertain = true;
    switch (operator) {
      case 'equals':
        return actual === value;
      case 'above':
        return actual > value;
      case 'below':
        return actual < value;
      default:
        operator satisfies never;
        return false;
    }
  }

  #isTextTrue(test: PatternTest): boolean {
    const values = this.#valuesOf(test);
    const isTrue = values.slice(0, MAX_VALUES).some((value) => this.#isValueTrue(test, value));
    if (!isTrue && values.length > MAX_VALUES) this.isUncertain = true;
    return isTrue;
  }

  #isValueTrue(test: PatternTest, whole: string): boolean {
    const text = whole.slice(0, MAX_TEXT);
    const isTrue = test.operator === 'matches' ? this.#matches(test, text) : this.#compares(test, text);
    if (!isTrue && text.length < whole.length) this.isUncertain = true;
    return isTrue;
  }

  #compares(test: PatternTest, text: string): boolean {
    const cost = 1 + Math.ceil(text.length / CHARACTERS_PER_STEP);
    if (cost > this.#stepsLeft) {
      this.isUncertain = true;
      return false;
    }
    this.#stepsLeft -= cost;
    const [value, wanted] = test.isCaseSensitive
      ? [text, test.value]
      : [this.#lower(text), test.value.toLowerCase()];
    switch (test.operator) {
      case 'equals':
        return value.trim() === wanted.trim();
      case 'contains':
        return value.includes(wanted);
      case 'starts':
        return value.startsWith(wanted);
      case 'ends':
        return value.endsWith(wanted);
      case 'matches':
        return false;
      default:
        test.operator satisfies never;
        return false;
    }
  }

  #matches(test: PatternTest, text: string): boolean {
    const pattern = this.#patterns.get(test);
    if (pattern === undefined) return false;
    const steps = Math.min(MAX_STEPS_PER_SEARCH, this.#stepsLeft);
    const length = Math.min(text.length, Math.floor(steps / pattern.cost));
    this.#stepsLeft -= length * pattern.cost;
    const isTrue = length > 0 && pattern.test(text.slice(0, length));
    if (!isTrue && length < text.length) this.isUncertain = true;
    return isTrue;
  }

  /** Many rules ask for the same text. */
  #lower(text: string): string {
    const known = this.#lowerCase.get(text);
    if (known !== undefined) return known;
    const lower = text.toLowerCase();
    this.#lowerCase.set(text, lower);
    return lower;
  }

  #valuesOf(test: PatternTest): readonly string[] {
    const message = this.#message;
    switch (test.field) {
      case 'from':
        return [message.from.email];
      case 'fromName':
        return [message.from.name ?? ''];
      case 'to':
        return [...message.to, ...message.cc, ...message.bcc].map(({ email }) => email);
      case 'subject':
        return [message.subject];
      case 'body':
        return [message.body.text];
      case 'attachmentName':
        return message.attachments.map(({ name }) => name);
      case 'attachmentType':
        return message.attachments.map(({ contentType }) => contentType);
      case 'header':
        return this.#headers.get(test.name.toLowerCase()) ?? [];
      default:
        test satisfies never;
        return [];
    }
  }
}

function isNumberCondition(condition: PatternTest | NumberCondition): condition is NumberCondition {
  return condition.field === 'size' || condition.field === 'attachmentCount';
}

/** The conditions in it that compare text, in their order. */
export function textTests(condition: Condition): readonly PatternTest[] {
  if ('all' in condition) return condition.all.flatMap(textTests);
  if ('any' in condition) return condition.any.flatMap(textTests);
  if ('not' in condition) return textTests(condition.not);
  return isNumberCondition(condition) ? [] : [condition];
}

/** No more steps than this are needed to ask these conditions of the message to their ends. */
export function stepsAtMost(
  conditions: readonly Condition[],
  patterns: ReadonlyMap<PatternTest, SafePattern>,
  message: RuleSubject,
): number {
  const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);
  const recipients = [...message.to, ...message.cc, ...message.bcc];
  const headers = sum(message.headers.map(({ value }) => value.length));
  const lengths: Readonly<Record<PatternTest['field'], number>> = {
    from: message.from.email.length,
    fromName: message.from.name?.length ?? 0,
    to: sum(recipients.map(({ email }) => email.length)),
    subject: message.subject.length,
    body: message.body.text.length,
    attachmentName: sum(message.attachments.map(({ name }) => name.length)),
    attachmentType: sum(message.attachments.map(({ contentType }) => contentType.length)),
    header: headers,
  };
  const counts: Readonly<Partial<Record<PatternTest['field'], number>>> = {
    to: recipients.length,
    attachmentName: message.attachments.length,
    attachmentType: message.attachments.length,
    header: message.headers.length,
  };
  return sum(
    conditions.flatMap(textTests).map((test) => {
      const perCharacter = patterns.get(test)?.cost ?? 1 / CHARACTERS_PER_STEP;
      return lengths[test.field] * perCharacter + 2 * (counts[test.field] ?? 1);
    }),
  );
}

/** The fields that it asks for, without doubles. */
export function conditionFields(condition: Condition): readonly (PatternTest | NumberCondition)['field'][] {
  if ('all' in condition) return [...new Set(condition.all.flatMap(conditionFields))];
  if ('any' in condition) return [...new Set(condition.any.flatMap(conditionFields))];
  if ('not' in condition) return conditionFields(condition.not);
  return [condition.field];
}
