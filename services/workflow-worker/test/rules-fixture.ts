/** Rules as the server stores them, and what became of mails under them. */
import { randomUUID } from 'node:crypto';
import type { World } from './world.ts';

export interface RuleDraft {
  readonly name?: string;
  readonly when: unknown;
  readonly actions: unknown;
  readonly isEnabled?: boolean;
  readonly isDryRun?: boolean;
  readonly stopsOnMatch?: boolean;
  readonly providerId?: string | null;
}

export interface RuleCount {
  readonly name: string;
  readonly matches: number;
  readonly hasTime: boolean;
}

export interface RulesFixture {
  /** Behind those that are there. @returns its id. */
  add(tenant: string, draft: RuleDraft): Promise<string>;
  remove(tenant: string, id: string): Promise<void>;
  /** In the order of the rules. */
  counts(tenant: string): Promise<readonly RuleCount[]>;
  /** Of each event that has its effect: gate and ledger. */
  outcomes(tenant: string): Promise<readonly OutcomeRow[]>;
}

export interface OutcomeRow {
  readonly outcome: string;
  readonly reason: string | null;
  readonly rules: readonly { readonly id: string; readonly name: string; readonly isDryRun: boolean }[];
  /** Null where the ledger has no row. */
  readonly status: string | null;
  readonly ledger_reason: string | null;
}

export const subjectHas = (value: string): unknown => ({ field: 'subject', operator: 'contains', value });
export const skip = [{ kind: 'skip' }];
export const tag = (...tags: readonly string[]): unknown => [{ kind: 'tag', tags }];

export function useRules(world: World): RulesFixture {
  const changed = (tenant: string): Promise<unknown> =>
    world.query(
      `INSERT INTO email_rule_sets (tenant, version) VALUES ($1, gen_random_uuid())
       ON CONFLICT (tenant) DO UPDATE SET version = excluded.version`,
      [tenant],
    );
  return {
    add: async (tenant, draft) => {
      const id = randomUUID();
      await world.query(
        `INSERT INTO email_rules (tenant, id, position, name, is_enabled, is_dry_run, stops_on_match, provider_id, conditions, actions)
         VALUES ($1, $2, (SELECT count(*) FROM email_rules WHERE tenant = $1), $3, $4, $5, $6, $7, $8, $9)`,
        [
          ...[tenant, id, draft.name ?? 'A rule', draft.isEnabled ?? true, draft.isDryRun ?? false],
          ...[draft.stopsOnMatch ?? false, draft.providerId ?? null],
          ...[JSON.stringify(draft.when), JSON.stringify(draft.actions)],
        ],
      );
      await changed(tenant);
      return id;
    },
    remove: async (tenant, id) => {
      await world.query('DELETE FROM email_rules WHERE tenant = $1 AND id = $2', [tenant, id]);
      await changed(tenant);
    },
    counts: (tenant) =>
      world.query<RuleCount & Record<string, unknown>>(
        `SELECT r.name, COALESCE(sum(c.matches), 0)::int AS matches, max(c.last_matched_at) IS NOT NULL AS "hasTime"
           FROM email_rules r LEFT JOIN email_rule_counts c ON c.tenant = r.tenant AND c.rule_id = r.id
          WHERE r.tenant = $1 GROUP BY r.tenant, r.id ORDER BY r.position`,
        [tenant],
      ),
    outcomes: (tenant) =>
      world.query<OutcomeRow & Record<string, unknown>>(
        `SELECT g.outcome, g.reason, g.rules, m.status, m.reason AS ledger_reason
           FROM email_processed_messages g LEFT JOIN inbound_messages m ON m.tenant = g.tenant AND m.event_id = g.event_id
          WHERE g.tenant = $1 ORDER BY g.processed_at`,
        [tenant],
      ),
  };
}
