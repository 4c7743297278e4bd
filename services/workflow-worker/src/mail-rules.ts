/**
 * The rules of the tenants as they were last read here. Nobody tells of a change: the effect of each mail sees the version that counts
 * with what it looks up anyway, and asks for a fresh reading where it differs. A tenant without rules costs nothing.
 *
 * Most mails are judged here and now. What might take longer than parsing a mail does goes to a thread.
 *
 * What is not a rule (any more) is passed over and told once for each version; the API shows it as broken. It holds up no mail.
 */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Clock } from '@mailstream/shared/domain/time';
import {
  evaluateRules,
  prepareRules,
  type PreparedRules,
  type RuleOutcome,
} from '@mailstream/shared/rules/evaluate-rules';
import { parseRule } from '@mailstream/shared/rules/rule-schema';
import { stepsAtMost, type RuleSubject } from '@mailstream/shared/rules/rule-search';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { NO_VERDICT, type RuleVerdict } from './core/rule-verdict.ts';
import type { InboundEmail, MailRules, RuleStore, RuleThreads, StoredRule } from './ports.ts';

interface Held {
  readonly version: string | null;
  readonly prepared: PreparedRules;
  readonly names: ReadonlyMap<string, string>;
}

const NOTHING: RuleOutcome = {
  matches: [],
  effect: { skippedBy: null, route: {}, priority: null, tags: [] },
  stoppedBy: null,
  uncertain: [],
  failed: [],
};
const NONE: Held = { version: null, prepared: prepareRules([]), names: new Map() };
/** Of all tenants; the ones that were asked for longest ago are forgotten first. */
const MAX_TENANTS = 5_000;
/** Instructions of patterns, some hundred bytes each. */
const MAX_COST = 200_000;
/** Five milliseconds at worst. */
const STEPS_HERE = 100_000;

export function createMailRules(options: {
  readonly store: RuleStore;
  readonly threads: Pick<RuleThreads, 'judge'>;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}): MailRules {
  const { store, threads, metrics, clock, log } = options;
  /** In the order of use. */
  const held = new Map<TenantId, Held>();
  const reading = new Map<TenantId, Promise<void>>();
  let cost = 0;

  const forget = (tenant: TenantId): void => {
    cost -= held.get(tenant)?.prepared.cost ?? 0;
    held.delete(tenant);
  };

  const hold = (tenant: TenantId, now: Held): void => {
    forget(tenant);
    for (const oldest of held.keys()) {
      if (held.size < MAX_TENANTS && cost + now.prepared.cost <= MAX_COST) break;
      forget(oldest);
    }
    held.set(tenant, now);
    cost += now.prepared.cost;
  };

  const read = async (tenant: TenantId): Promise<void> => {
    const { version, rules } = await store.load(tenant);
    const { valid, broken } = sorted(rules);
    const prepared = prepareRules(valid);
    for (const ruleId of [...broken, ...prepared.overLimit]) {
      metrics.ruleFaults.inc({ kind: 'broken' });
      log.warn('rule is broken and passed over', { tenantId: tenant, ruleId });
    }
    hold(tenant, { version, prepared, names: new Map(valid.map(({ id, name }) => [id, name])) });
  };

  return {
    judge: async (tenant, email) => {
      const now = held.get(tenant) ?? NONE;
      if (now !== NONE) {
        held.delete(tenant);
        held.set(tenant, now);
      }
      if (now.prepared.rules.length === 0) return { version: now.version, verdict: NO_VERDICT };
      const began = clock.monotonicMs();
      const verdict = verdictOf(now, await outcomeOf(tenant, now, email));
      metrics.ruleSeconds.observe((clock.monotonicMs() - began) / 1000);
      return { version: now.version, verdict };
    },
    // Mails that find out together wait for one reading.
    refresh: (tenant) => {
      const running = reading.get(tenant) ?? read(tenant).finally(() => reading.delete(tenant));
      reading.set(tenant, running);
      return running;
    },
  };

  /** Whatever goes wrong with them, rules hold up no mail. */
  async function outcomeOf(
    tenant: TenantId,
    { version, prepared }: Held,
    email: InboundEmail['email'],
  ): Promise<RuleOutcome> {
    const { rules, patterns } = prepared;
    const conditions = rules.map(({ when }) => when);
    const isQuick = version === null || stepsAtMost(conditions, patterns, email) <= STEPS_HERE;
    if (isQuick) return evaluateRules(prepared, email);
    try {
      return await threads.judge({ tenant, version, rules }, subjectOf(email));
    } catch (error) {
      log.error('rules could not be asked, and are passed over for this mail', { tenantId: tenant, error });
      return { ...NOTHING, failed: rules.map(({ id }) => id) };
    }
  }

  function verdictOf({ names }: Held, outcome: RuleOutcome): RuleVerdict {
    const { matches, effect, uncertain, failed } = outcome;
    metrics.ruleFaults.inc({ kind: 'failed' }, failed.length);
    metrics.ruleFaults.inc({ kind: 'uncertain' }, uncertain.length);
    const named = (id: string): { readonly id: string; readonly name: string } => ({
      id,
      name: names.get(id) ?? id,
    });
    return {
      skippedBy: effect.skippedBy === null ? null : named(effect.skippedBy),
      queue: effect.route.queue ?? null,
      clientId: effect.route.clientId ?? null,
      priority: effect.priority,
      tags: effect.tags,
      matched: matches.map(({ ruleId, isDryRun }) => ({ ...named(ruleId), isDryRun })),
    };
  }
}

/** Without what no rule asks for: it is copied to the thread. */
function subjectOf(email: InboundEmail['email']): RuleSubject {
  const { providerId, from, to, cc, bcc, subject, headers, attachments, raw } = email;
  const { bodyTruncated, ingressSkipReasons, parseError } = email;
  return {
    ...{ providerId, from, to, cc, bcc, subject, headers, attachments, raw },
    body: { text: email.body.text },
    ...(bodyTruncated === undefined ? {} : { bodyTruncated }),
    ...(ingressSkipReasons === undefined ? {} : { ingressSkipReasons }),
    ...(parseError === undefined ? {} : { parseError }),
  };
}

function sorted(stored: readonly StoredRule[]): {
  readonly valid: Parameters<typeof prepareRules>[0];
  readonly broken: readonly string[];
} {
  const parsed = stored.map(({ id, content }) => ({ id, result: parseRule(content) }));
  return {
    valid: parsed.flatMap(({ result }) => (result.isValid ? [result.rule] : [])),
    broken: parsed.flatMap(({ id, result }) => (result.isValid ? [] : [id])),
  };
}
