/**
 * The rules of the tenants as they were last read here. Nobody tells of a change: the effect of each mail sees the version that counts
 * with what it looks up anyway, and asks for a fresh reading where it differs. A tenant without rules costs nothing.
 *
 * What is not a rule (any more) is passed over and told once for each version; the API shows it as broken. It holds up no mail.
 */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Clock } from '@mailstream/shared/domain/time';
import { evaluateRules, prepareRules, type PreparedRules } from '@mailstream/shared/rules/evaluate-rules';
import { parseRule } from '@mailstream/shared/rules/rule-schema';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { NO_VERDICT, type RuleVerdict } from './core/rule-verdict.ts';
import type { InboundEmail, MailRules, RuleStore, StoredRule } from './ports.ts';

interface Held {
  readonly version: string | null;
  readonly prepared: PreparedRules;
  readonly names: ReadonlyMap<string, string>;
}

const NONE: Held = { version: null, prepared: prepareRules([]), names: new Map() };
/** Of all tenants; the ones that were asked for longest ago are forgotten first. */
const MAX_TENANTS = 5_000;
/** Instructions of patterns, some hundred bytes each. */
const MAX_COST = 200_000;

export function createMailRules(options: {
  readonly store: RuleStore;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}): MailRules {
  const { store, metrics, clock, log } = options;
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
    judge: (tenant, email) => {
      const now = held.get(tenant) ?? NONE;
      if (now !== NONE) {
        held.delete(tenant);
        held.set(tenant, now);
      }
      if (now.prepared.rules.length === 0) return { version: now.version, verdict: NO_VERDICT };
      const began = clock.monotonicMs();
      const verdict = judged(now, email);
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

  function judged({ prepared, names }: Held, email: InboundEmail['email']): RuleVerdict {
    const { matches, effect, uncertain, failed } = evaluateRules(prepared, email);
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
