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
import { readMailHead, type MailHead } from './mail-head.ts';
import { ruleTestText } from './rule-test-text.ts';

export interface RuleTests {
  /** @throws ApiError NOT_FOUND, VALIDATION_FAILED */
  test(actor: Actor, body: RuleTestBody): Promise<RuleTestResult>;
}

const DEADLINE_MS = 5_000;
/** A second of this process at worst. */
const MAX_STEPS = 20_000_000;
/** Of the raw message; a header block is a few kilobytes. */
const MAX_HEAD_BYTES = 64 * 1024;
/** Stands for a rule that is not saved. */
const UNSAVED = '00000000-0000-4000-8000-000000000000';
const IN_HEAD = new Set(['header', 'to']);
const IN_CONTENT = new Set(['fromName', 'body', 'attachmentName', 'attachmentType', 'attachmentCount']);

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
        const asked = fieldsAsked(prepared, sample);
        const head = asked.some((field) => IN_HEAD.has(field)) ? await headOf(raw, sample) : null;
        const subject = subjectOf(sample, head);
        steps += Math.min(MAX_STEPS_PER_MESSAGE, stepsOf(prepared, subject));
        if (steps > MAX_STEPS || now().getTime() >= deadline) break;
        items.push(
          tried(prepared, names, sample, { subject, unknownFields: unknownOf(asked, sample, head) }),
        );
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

function fieldsAsked({ rules }: PreparedRules, { providerId }: RuleSample): readonly string[] {
  const asked = rules.filter((rule) => rule.providerId === null || rule.providerId === providerId);
  return [...new Set(asked.flatMap(({ when }) => conditionFields(when)))];
}

interface Read {
  readonly block: Buffer;
  readonly isCut: boolean;
}

/** Null where the message is not there, or the storage does not give it. */
async function headOf(raw: RawStore, { storageKey }: RuleSample): Promise<Read | null> {
  if (storageKey === null) return null;
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Leaving the loop closes the stream.
    for await (const chunk of await raw.read(storageKey)) {
      chunks.push(Buffer.from(chunk));
      bytes += chunk.length;
      if (bytes >= MAX_HEAD_BYTES) break;
    }
    const block = Buffer.concat(chunks).subarray(0, MAX_HEAD_BYTES);
    return { block, isCut: bytes >= MAX_HEAD_BYTES && !/\r?\n\r?\n/.test(block.toString('latin1')) };
  } catch {
    return null;
  }
}

function stepsOf({ rules, patterns }: PreparedRules, subject: RuleSubject): number {
  const conditions = rules.map(({ when }) => when);
  return stepsAtMost(conditions, patterns, subject);
}

/** Of the fields that are asked for, those that are not kept of this message. */
function unknownOf(asked: readonly string[], { content }: RuleSample, head: Read | null): readonly string[] {
  return asked.filter(
    (field) => (IN_HEAD.has(field) && head === null) || (IN_CONTENT.has(field) && content === null),
  );
}

function tried(
  prepared: PreparedRules,
  names: ReadonlyMap<string, string>,
  sample: RuleSample,
  known: { readonly subject: RuleSubject; readonly unknownFields: readonly string[] },
): RuleTestItem {
  const { eventId, providerId, sender, subject } = sample;
  const base = { eventId, providerId, receivedAt: sample.receivedAt.toISOString(), sender, subject };
  if (known.unknownFields.length > 0)
    return {
      ...base,
      outcome: 'unknown',
      text: ruleTestText('unknown'),
      matches: [],
      effect: { skip: false, queue: null, clientId: null, priority: null, tags: [] },
      unknownFields: [...known.unknownFields],
    };
  const found = evaluateRules(prepared, known.subject);
  const outcome = outcomeOf(found, sample);
  const { effect } = found;
  const isChanged = outcome === 'changed';
  return {
    ...base,
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
    unknownFields: [],
  };
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

function subjectOf({ content, ...sample }: RuleSample, read: Read | null): RuleSubject {
  const head: MailHead = readMailHead(read?.block ?? new Uint8Array());
  const asAddresses = (emails: readonly string[]): RuleSubject['to'] => emails.map((email) => ({ email }));
  return {
    providerId: sample.providerId,
    from: {
      email: sample.sender ?? '',
      ...(content === null || content.senderName === null ? {} : { name: content.senderName }),
    },
    to: asAddresses(head.to),
    cc: asAddresses(head.cc),
    bcc: asAddresses(head.bcc),
    subject: sample.subject ?? '',
    body: { text: content?.text ?? '' },
    headers: [...head.headers],
    attachments: (content?.attachments ?? []).map(({ name, contentType }, at) => ({
      ...{ id: String(at), name, contentType },
      ...{ size: 0, sha256: '', storageKey: '' },
    })),
    raw: { storageKey: '', sha256: '', size: sample.size },
    bodyTruncated: content?.isCut === true || read?.isCut === true,
  };
}
