/**
 * Rules tried on the newest messages, without any effect: what would match, and what would have happened. The same evaluation as the
 * worker's, on what is kept of a message; where a rule asks for what is not kept, the answer is that nobody can tell.
 * Bounded: in messages by the request, in steps for each and for all of them, in time by a deadline; other requests go on in between.
 */
import { setImmediate } from 'node:timers/promises';
import {
  evaluateRules,
  prepareRules,
  type PreparedRules,
  type RuleOutcome,
} from '@mailstream/shared/rules/evaluate-rules';
import type { Rule } from '@mailstream/shared/rules/rule-schema';
import {
  conditionFields,
  MAX_STEPS_PER_MESSAGE,
  stepsAtMost,
  type RuleSubject,
} from '@mailstream/shared/rules/rule-search';
import { ApiError } from '../api-error.ts';
import type { RuleTestBody, RuleTestItem, RuleTestResult, StoredRule } from '../contracts/rules.ts';
import type { Actor, RawStore } from '../ports.ts';
import type { RuleSample, RuleStore } from '../ports/rules.ts';
import { knownSample, type KnownSample } from './rule-sample.ts';
import { ruleTestText } from './rule-test-text.ts';

export interface RuleTests {
  /** @throws ApiError NOT_FOUND, VALIDATION_FAILED */
  test(actor: Actor, body: RuleTestBody): Promise<RuleTestResult>;
}

const DEADLINE_MS = 5_000;
/** A second of this process at worst. */
const MAX_STEPS = 20_000_000;
/** Stands for a rule that is not saved. */
const UNSAVED = '00000000-0000-4000-8000-000000000000';

export function createRuleTests(ports: {
  readonly rules: RuleStore;
  readonly raw: RawStore;
  readonly now: () => Date;
}): RuleTests {
  const { rules, raw, now } = ports;

  const wanted = async ({ tenant }: Actor, { rule, ruleId }: RuleTestBody): Promise<readonly Rule[]> => {
    const alone = { isEnabled: true, isDryRun: false };
    if (rule !== undefined) return [{ ...rule, ...alone, id: UNSAVED, order: 0 }];
    if (ruleId === undefined) return (await rules.list(tenant)).flatMap(toRule);
    const stored = await rules.get(tenant, ruleId);
    if (stored === null) throw new ApiError('NOT_FOUND');
    const [saved] = toRule(stored, 0);
    if (saved !== undefined) return [{ ...saved, ...alone }];
    const message = 'This rule is broken: save it anew first.';
    throw new ApiError('VALIDATION_FAILED', { fields: [{ field: 'ruleId', code: 'INVALID', message }] });
  };

  return {
    test: async (actor, body) => {
      const deadline = now().getTime() + DEADLINE_MS;
      const prepared = prepareRules(await wanted(actor, body));
      const names = new Map(prepared.rules.map(({ id, name }) => [id, name]));
      const samples = await rules.samples(actor.tenant, body);
      const items: RuleTestItem[] = [];
      let steps = 0;
      for (const sample of samples) {
        const ofMailbox = only(
          prepared,
          ({ providerId }) => (providerId ?? sample.providerId) === sample.providerId,
        );
        const known = await knownSample(raw, sample, ofMailbox.rules);
        steps += Math.min(MAX_STEPS_PER_MESSAGE, stepsOf(ofMailbox, known.subject));
        if (steps > MAX_STEPS || now().getTime() >= deadline) break;
        items.push(tried(ofMailbox, names, sample, known));
        await setImmediate();
      }
      return {
        items,
        counts: {
          tried: items.length,
          matched: items.filter(({ matches }) => matches.length > 0).length,
          skipped: items.filter(({ outcome }) => outcome === 'skipped').length,
          unknown: items.filter(({ outcome }) => outcome === 'unknown').length,
        },
        isComplete: items.length === samples.length,
      };
    },
  };
}

function toRule(
  { id, name, isEnabled, isDryRun, stopsOnMatch, ...stored }: StoredRule,
  order: number,
): Rule[] {
  const { when, actions, providerId, isBroken } = stored;
  if (isBroken || when === null || actions === null) return [];
  return [{ id, name, isEnabled, isDryRun, stopsOnMatch, order, providerId, when, actions }];
}

function stepsOf({ rules, patterns }: PreparedRules, subject: RuleSubject): number {
  const conditions = rules.map(({ when }) => when);
  return stepsAtMost(conditions, patterns, subject);
}

/** The same rules without some. */
function only(prepared: PreparedRules, isWanted: (rule: Rule) => boolean): PreparedRules {
  return { ...prepared, rules: prepared.rules.filter(isWanted) };
}

function tried(
  prepared: PreparedRules,
  names: ReadonlyMap<string, string>,
  sample: RuleSample,
  { subject, unknownFields }: KnownSample,
): RuleTestItem {
  const isKnown = ({ when }: Rule): boolean =>
    !conditionFields(when).some((field) => unknownFields.includes(field));
  const found = evaluateRules(only(prepared, isKnown), subject);
  const unknown = prepared.rules.filter((rule) => !isKnown(rule));
  const known = outcomeOf(found, sample);
  const isCertain = unknown.length === 0 || (known === 'skipped' && !mayStopBefore(prepared, unknown, found));
  const outcome = isCertain ? known : 'unknown';
  const { effect } = found;
  const isChanged = outcome === 'changed';
  return {
    eventId: sample.eventId,
    providerId: sample.providerId,
    receivedAt: sample.receivedAt.toISOString(),
    sender: sample.sender,
    subject: sample.subject,
    outcome,
    text: ruleTestText(outcome),
    matches: found.matches.map(({ ruleId, isDryRun, because }) => ({
      id: ruleId === UNSAVED ? null : ruleId,
      name: names.get(ruleId) ?? '',
      isDryRun,
      because: [...because],
    })),
    effect: {
      skip: outcome === 'skipped',
      queue: isChanged ? (effect.route.queue ?? null) : null,
      clientId: isChanged ? (effect.route.clientId ?? null) : null,
      priority: isChanged ? effect.priority : null,
      tags: isChanged ? [...effect.tags] : [],
    },
    unknownFields: [...unknownFields],
  };
}

/** Whether one of these could have ended the asking before the rule that skips. */
function mayStopBefore({ rules }: PreparedRules, unknown: readonly Rule[], { effect }: RuleOutcome): boolean {
  const place = rules.findIndex(({ id }) => id === effect.skippedBy);
  return unknown.some((rule) => rule.stopsOnMatch && !rule.isDryRun && rules.indexOf(rule) < place);
}

/** As the worker has it: what found its ticket is changed by no rule, and left out only where a machine wrote it. */
function outcomeOf({ matches, effect }: RuleOutcome, { joined }: RuleSample): RuleTestItem['outcome'] {
  if (matches.length === 0) return 'none';
  const skips = effect.skippedBy !== null;
  if (joined !== null) return skips && joined.isMachine ? 'skipped' : 'kept';
  if (skips) return 'skipped';
  const { route, priority, tags } = effect;
  const changes = Object.keys(route).length > 0 || priority !== null || tags.length > 0;
  if (changes) return 'changed';
  // A rule that could not search all of the mail leaves nothing out.
  return matches.every(({ isDryRun }) => isDryRun) ? 'counted' : 'kept';
}
