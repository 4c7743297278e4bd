/** The thread that asks rules which may take long. It keeps the rules that it was given last, and asks for those that it does not have. */
import {
  evaluateRules,
  prepareRules,
  type PreparedRules,
  type RuleOutcome,
} from '@mailstream/shared/rules/evaluate-rules';
import type { Rule } from '@mailstream/shared/rules/rule-schema';
import type { RuleSubject } from '@mailstream/shared/rules/rule-search';

export interface RuleTask {
  /** Names tenant and version: the same key is the same rules. */
  readonly key: string;
  /** Null where they were given before. */
  readonly rules: readonly Rule[] | null;
  readonly subject: RuleSubject;
}

export type RuleAnswer =
  { readonly kind: 'judged'; readonly outcome: RuleOutcome } | { readonly kind: 'rulesWanted' };

/** Each may have some megabytes of patterns. */
const MAX_HELD = 10;
const held = new Map<string, PreparedRules>();

export function judge({ key, rules, subject }: RuleTask): RuleAnswer {
  const prepared = held.get(key) ?? (rules === null ? null : prepareRules(rules));
  if (prepared === null) return { kind: 'rulesWanted' };
  held.delete(key);
  for (const oldest of held.keys()) {
    if (held.size < MAX_HELD) break;
    held.delete(oldest);
  }
  held.set(key, prepared);
  return { kind: 'judged', outcome: evaluateRules(prepared, subject) };
}
