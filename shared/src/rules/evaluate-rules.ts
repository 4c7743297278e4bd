/**
 * What the rules of a tenant make of one message. Pure and bounded: patterns get a number of steps per search and per message; what is
 * beyond is not searched, and the result says so.
 */
import type { EmailData } from '../events/email-received.ts';
import type {
  Condition,
  HeaderCondition,
  NumberCondition,
  Rule,
  RuleAction,
  TextCondition,
} from './rule-schema.ts';
import { compilePattern, type SafePattern } from './safe-pattern.ts';

export interface RuleOutcome {
  /** In the order of their evaluation; counters count these. Rules that are disabled are never among them. */
  readonly matches: readonly RuleMatch[];
  /** Of the rules that are not dry. Of routes and priorities the first rule's counts, target by target; tags add up. */
  readonly effect: RuleEffect;
  /** The rule after which no other was asked. */
  readonly stoppedBy: string | null;
  /** Some text was longer than the steps allow: a pattern may have missed something. */
  readonly isCut: boolean;
}

export interface RuleMatch {
  readonly ruleId: string;
  readonly isDryRun: boolean;
  /** Places of the conditions that made it match, such as `all.0` or `any.2.not`; empty for a condition that stands alone. */
  readonly because: readonly string[];
}

export interface RuleEffect {
  readonly isSkipped: boolean;
  readonly route: Omit<Extract<RuleAction, { kind: 'route' }>, 'kind'>;
  readonly priority: Extract<RuleAction, { kind: 'priority' }>['priority'] | null;
  readonly tags: readonly string[];
}

/** Rules in their order with their patterns compiled: make them once, not per message. */
export interface PreparedRules {
  readonly rules: readonly Rule[];
  readonly patterns: ReadonlyMap<TextCondition | HeaderCondition, SafePattern>;
}

export type RuleSubject = Pick<
  EmailData,
  'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'body' | 'headers' | 'attachments' | 'raw'
>;

/** A step is one instruction of a pattern on one character: 50 ns or so. */
const MAX_STEPS_PER_SEARCH = 4_000_000;
const MAX_STEPS_PER_MESSAGE = 20_000_000;
const MAX_TEXT = 1024 * 1024;
const MAX_VALUES = 500;
const MAX_TAGS = 50;

export function prepareRules(rules: readonly Rule[]): PreparedRules {
  const enabled = rules
    .filter(({ isEnabled }) => isEnabled)
    .toSorted((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
  const patterns = new Map<TextCondition | HeaderCondition, SafePattern>();
  for (const { when } of enabled) {
    for (const test of textTests(when)) {
      const compiled = compilePattern(test.value, test.isCaseSensitive);
      if (compiled.isValid) patterns.set(test, compiled.pattern);
    }
  }
  return { rules: enabled, patterns };
}

export function evaluateRules({ rules, patterns }: PreparedRules, message: RuleSubject): RuleOutcome {
  const search = new Search(patterns, message);
  const matches: RuleMatch[] = [];
  const actions: RuleAction[] = [];
  let stoppedBy: string | null = null;
  for (const rule of rules) {
    const because = search.holds(rule.when, []);
    if (because === null) continue;
    matches.push({ ruleId: rule.id, isDryRun: rule.isDryRun, because });
    if (rule.isDryRun) continue;
    actions.push(...rule.actions);
    if (!rule.stopsOnMatch) continue;
    stoppedBy = rule.id;
    break;
  }
  return { matches, effect: effectOf(actions), stoppedBy, isCut: search.isCut };
}

function effectOf(actions: readonly RuleAction[]): RuleEffect {
  let effect: RuleEffect = { isSkipped: false, route: {}, priority: null, tags: [] };
  for (const action of actions) {
    switch (action.kind) {
      case 'skip':
        effect = { ...effect, isSkipped: true };
        break;
      case 'route': {
        const { kind: _, ...targets } = action;
        effect = { ...effect, route: { ...targets, ...effect.route } };
        break;
      }
      case 'priority':
        effect = { ...effect, priority: effect.priority ?? action.priority };
        break;
      case 'tag':
        effect = { ...effect, tags: [...new Set([...effect.tags, ...action.tags])].slice(0, MAX_TAGS) };
        break;
      default:
        action satisfies never;
    }
  }
  return effect;
}

class Search {
  readonly #patterns: PreparedRules['patterns'];
  readonly #message: RuleSubject;
  #stepsLeft = MAX_STEPS_PER_MESSAGE;
  isCut = false;

  constructor(patterns: PreparedRules['patterns'], message: RuleSubject) {
    this.#patterns = patterns;
    this.#message = message;
  }

  /** Places of the conditions that hold, or null where the whole does not. */
  holds(condition: Condition, place: readonly (string | number)[]): readonly string[] | null {
    if ('all' in condition) {
      const parts = condition.all.map((part, at) => [part, [...place, 'all', at]] as const);
      const because: string[] = [];
      for (const [part, inside] of parts) {
        const found = this.holds(part, inside);
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
    const here = place.join('.');
    if ('not' in condition) {
      return this.holds(condition.not, [...place, 'not']) === null
        ? [`${here}.not`.replace(/^\./, '')]
        : null;
    }
    const isTrue =
      condition.field === 'size' || condition.field === 'attachmentCount'
        ? isNumberTrue(condition as NumberCondition, this.#message)
        : this.#isTextTrue(condition as TextCondition | HeaderCondition);
    return isTrue ? (here === '' ? [] : [here]) : null;
  }

  #isTextTrue(test: TextCondition | HeaderCondition): boolean {
    return valuesOf(test, this.#message)
      .slice(0, MAX_VALUES)
      .some((value) => this.#isValueTrue(test, value));
  }

  #isValueTrue(test: TextCondition | HeaderCondition, whole: string): boolean {
    const text = whole.slice(0, MAX_TEXT);
    if (test.operator === 'matches') return this.#matches(test, text);
    const [value, wanted] = test.isCaseSensitive
      ? [text, test.value]
      : [text.toLowerCase(), test.value.toLowerCase()];
    switch (test.operator) {
      case 'equals':
        return value.trim() === wanted.trim();
      case 'contains':
        return value.includes(wanted);
      case 'starts':
        return value.startsWith(wanted);
      case 'ends':
        return value.endsWith(wanted);
      default:
        test.operator satisfies never;
        return false;
    }
  }

  #matches(test: TextCondition | HeaderCondition, text: string): boolean {
    const pattern = this.#patterns.get(test);
    if (pattern === undefined) return false;
    const steps = Math.min(MAX_STEPS_PER_SEARCH, this.#stepsLeft);
    const length = Math.floor(steps / pattern.cost);
    if (text.length > length) this.isCut = true;
    const searched = text.slice(0, length);
    this.#stepsLeft -= searched.length * pattern.cost;
    return length > 0 && pattern.test(searched);
  }
}

function isNumberTrue({ field, operator, value }: NumberCondition, message: RuleSubject): boolean {
  const actual = field === 'size' ? message.raw.size : message.attachments.length;
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

function valuesOf(test: TextCondition | HeaderCondition, message: RuleSubject): readonly string[] {
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
    case 'header': {
      const wanted = test.name.toLowerCase();
      return message.headers.filter(({ name }) => name.toLowerCase() === wanted).map(({ value }) => value);
    }
    default:
      test satisfies never;
      return [];
  }
}

function textTests(condition: Condition): readonly (TextCondition | HeaderCondition)[] {
  if ('all' in condition) return condition.all.flatMap(textTests);
  if ('any' in condition) return condition.any.flatMap(textTests);
  if ('not' in condition) return textTests(condition.not);
  return 'isCaseSensitive' in condition && condition.operator === 'matches' ? [condition] : [];
}
