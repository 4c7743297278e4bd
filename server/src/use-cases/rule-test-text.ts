import type { RuleTestItem } from '../contracts/rules.ts';

const TEXTS: Readonly<Record<RuleTestItem['outcome'], string>> = {
  skipped: 'It would be left out: recorded, and no ticket.',
  changed: 'Its ticket would get what stands under effect.',
  kept: 'Rules match, and change nothing: it is an answer in its ticket, a report about a mail of ours, or too long to be certain of.',
  counted: 'Only rules on trial match: they are counted, and nothing happens.',
  none: 'No rule matches.',
  unknown: 'A rule asks for something that is not kept of this message, so nobody can tell.',
};

export function ruleTestText(outcome: RuleTestItem['outcome']): string {
  return TEXTS[outcome];
}
