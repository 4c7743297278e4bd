/**
 * What the rules of a tenant make of one message. Pure and bounded (rule-search.ts), and it always ends with an outcome: a rule that
 * fails is passed over. Nothing is left out by a rule that is not certain.
 */
import type { Rule, RuleAction } from './rule-schema.ts';
import { RuleSearch, textTests, type PatternTest, type RuleSubject } from './rule-search.ts';
import { compilePattern, type SafePattern } from './safe-pattern.ts';

export interface RuleOutcome {
  /** In the order of their evaluation; counters count these. Rules that are disabled are never among them. */
  readonly matches: readonly RuleMatch[];
  /** Of the rules that are not dry. Of routes and priorities the first rule's counts, target by target; tags add up. */
  readonly effect: RuleEffect;
  /** The rule after which no other was asked. */
  readonly stoppedBy: string | null;
  /** Rules during which a text was not searched to its end, whether they matched or not. */
  readonly uncertain: readonly string[];
  /** Rules that threw: passed over. */
  readonly failed: readonly string[];
}

export interface RuleMatch {
  readonly ruleId: string;
  readonly isDryRun: boolean;
  /** Places of the conditions that made it match, such as `all.0` or `any.2.not`; empty for a condition that stands alone. */
  readonly because: readonly string[];
  /** The event has not all of the message, or not all of it could be searched in time: its `skip` does not count. */
  readonly isUncertain: boolean;
}

export interface RuleEffect {
  /** The first rule that says so. */
  readonly skippedBy: string | null;
  readonly route: Omit<Extract<RuleAction, { kind: 'route' }>, 'kind'>;
  readonly priority: Extract<RuleAction, { kind: 'priority' }>['priority'] | null;
  readonly tags: readonly string[];
}

/** Rules in their order with their patterns compiled: make them once, not per message. */
export interface PreparedRules {
  readonly rules: readonly Rule[];
  readonly patterns: ReadonlyMap<PatternTest, SafePattern>;
  /** Instructions of all patterns: what they take of memory, some hundred bytes each. */
  readonly cost: number;
  /** Rules for whose patterns no room was left: passed over. */
  readonly overLimit: readonly string[];
}

/** Of one tenant. */
export const MAX_RULES = 200;
export const MAX_PATTERN_COST = 20_000;
const MAX_TAGS = 50;

export function prepareRules(rules: readonly Rule[]): PreparedRules {
  const enabled = rules
    .filter(({ isEnabled }) => isEnabled)
    .toSorted((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
  const patterns = new Map<PatternTest, SafePattern>();
  const overLimit = new Set<string>();
  let cost = 0;
  for (const { id, when } of enabled) {
    const compiled = compiledPatterns(when);
    const added = compiled.reduce((sum, [, pattern]) => sum + pattern.cost, 0);
    if (cost + added > MAX_PATTERN_COST) {
      overLimit.add(id);
      continue;
    }
    cost += added;
    for (const [test, pattern] of compiled) patterns.set(test, pattern);
  }
  return {
    rules: enabled.filter(({ id }) => !overLimit.has(id)),
    patterns,
    cost,
    overLimit: [...overLimit],
  };
}

function compiledPatterns(when: Rule['when']): readonly (readonly [PatternTest, SafePattern])[] {
  return textTests(when)
    .filter(({ operator }) => operator === 'matches')
    .flatMap((test) => {
      const compiled = compilePattern(test.value, test.isCaseSensitive);
      return compiled.isValid ? [[test, compiled.pattern] as const] : [];
    });
}

export function evaluateRules({ rules, patterns }: PreparedRules, message: RuleSubject): RuleOutcome {
  const search = new RuleSearch(patterns, message);
  const matches: RuleMatch[] = [];
  const actions: { readonly ruleId: string; readonly action: RuleAction }[] = [];
  const uncertain: string[] = [];
  const failed: string[] = [];
  let stoppedBy: string | null = null;
  for (const { id: ruleId, providerId, when, isDryRun, stopsOnMatch, ...rule } of rules) {
    if (providerId !== null && providerId.toLowerCase() !== message.providerId.toLowerCase()) continue;
    search.isUncertain = false;
    let because: readonly string[] | null = null;
    try {
      because = search.holds(when, []);
    } catch {
      failed.push(ruleId);
    }
    const { isUncertain } = search;
    if (isUncertain) uncertain.push(ruleId);
    if (because === null) continue;
    matches.push({ ruleId, isDryRun, because, isUncertain });
    if (isDryRun) continue;
    for (const action of rule.actions)
      if (action.kind !== 'skip' || !isUncertain) actions.push({ ruleId, action });
    if (!stopsOnMatch) continue;
    stoppedBy = ruleId;
    break;
  }
  return { matches, effect: effectOf(actions), stoppedBy, uncertain, failed };
}

function effectOf(actions: readonly { readonly ruleId: string; readonly action: RuleAction }[]): RuleEffect {
  let effect: RuleEffect = { skippedBy: null, route: {}, priority: null, tags: [] };
  for (const { ruleId, action } of actions) {
    switch (action.kind) {
      case 'skip':
        effect = { ...effect, skippedBy: effect.skippedBy ?? ruleId };
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
