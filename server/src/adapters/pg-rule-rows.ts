/** Rules as they are stored, read with their counts; what is no rule any more is shown as broken instead of failing. */
import type { Knex } from 'knex';
import type { TenantId } from '@mailstream/shared/domain/ids';
import { prepareRules } from '@mailstream/shared/rules/evaluate-rules';
import { ruleContent, type RuleRow } from '@mailstream/shared/rules/rule-row';
import { parseRule, type Rule } from '@mailstream/shared/rules/rule-schema';
import type { StoredRule } from '../contracts/rules.ts';
import { iso, isoOrNull } from './page-cursor.ts';

interface CountedRow extends RuleRow {
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly matches: number;
  readonly last_matched_at: Date | null;
}

export interface RuleRows {
  /** In their order. */
  readonly stored: readonly StoredRule[];
  /** Ids of enabled rules for whose patterns there is no room. */
  readonly overLimit: readonly string[];
}

const RULES = `
SELECT r.*, COALESCE(c.matches, 0) AS matches, c.last_matched_at
  FROM email_rules r
  LEFT JOIN (SELECT tenant, rule_id, CAST(sum(matches) AS bigint) AS matches, max(last_matched_at) AS last_matched_at
               FROM email_rule_counts WHERE tenant = :tenant GROUP BY tenant, rule_id) c
    ON c.tenant = r.tenant AND c.rule_id = r.id
 WHERE r.tenant = :tenant
 ORDER BY r.position, r.id`;

export async function readRules(trx: Knex.Transaction, tenant: TenantId): Promise<RuleRows> {
  const { rows } = await trx.raw<{ rows: readonly CountedRow[] }>(RULES, { tenant });
  const parsed = rows.map((row) => ({ row, result: parseRule(ruleContent(row)) }));
  const rules = parsed.flatMap(({ result }) => (result.isValid ? [result.rule] : []));
  const { overLimit } = prepareRules(rules);
  const clients = await activeClients(trx, tenant, rules);
  const stored = parsed.map(({ row, result }) => {
    if (!result.isValid) return toStored(row, null, result.problems);
    const isOver = overLimit.includes(row.id);
    const problems = [
      ...(isOver
        ? [
            {
              path: 'when',
              message: 'there is no room for its expressions beside those of the rules before it',
            },
          ]
        : []),
      ...unknownClients(result.rule, clients).map((at) => ({
        path: `actions.${at}.clientId`,
        message: 'this client is not there, or gets no new tickets',
      })),
    ];
    return { ...toStored(row, result.rule, problems), isBroken: isOver };
  });
  return { stored, overLimit };
}

/** Places of the actions that route to none of these clients. */
export function unknownClients(
  { actions }: Pick<Rule, 'actions'>,
  clients: ReadonlySet<string>,
): readonly number[] {
  return actions.flatMap((action, at) =>
    action.kind === 'route' && action.clientId !== undefined && !clients.has(action.clientId.toLowerCase())
      ? [at]
      : [],
  );
}

/** Of the clients that the rules name, those that get new tickets. */
export async function activeClients(
  trx: Knex.Transaction,
  tenant: TenantId,
  rules: readonly Pick<Rule, 'actions'>[],
): Promise<ReadonlySet<string>> {
  const named = rules.flatMap(({ actions }) =>
    actions.flatMap((action) =>
      action.kind === 'route' && action.clientId !== undefined ? [action.clientId] : [],
    ),
  );
  if (named.length === 0) return new Set();
  const ids: string[] = await trx('clients')
    .where({ tenant, is_active: true })
    .whereIn('id', named)
    .pluck('id');
  return new Set(ids);
}

function toStored(
  row: CountedRow,
  rule: Rule | null,
  problems: readonly { readonly path: string; readonly message: string }[],
): StoredRule {
  return {
    id: row.id,
    name: row.name,
    isEnabled: row.is_enabled,
    isDryRun: row.is_dry_run,
    stopsOnMatch: row.stops_on_match,
    providerId: row.provider_id,
    when: rule?.when ?? null,
    actions: rule?.actions ?? null,
    isBroken: rule === null,
    problems: problems.map(({ path, message }) => ({ field: path, message })),
    storedText: rule === null ? JSON.stringify({ when: row.conditions, actions: row.actions }) : null,
    matchCount: row.matches,
    lastMatchedAt: isoOrNull(row.last_matched_at),
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
  };
}
