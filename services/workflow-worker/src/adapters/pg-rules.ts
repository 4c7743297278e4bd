/** The enabled rules of a tenant as they are stored, with the version that they belong to, in one statement. */
import type { Database } from '@mailstream/shared/db/database';
import { ruleContent, type RuleRow } from '@mailstream/shared/rules/rule-row';
import type { RuleStore } from '../ports.ts';

/** More than the API lets anybody have. */
const LIMIT = 1_000;

/** A tenant whose rules are all gone has one row, with nothing but the version. */
type VersionedRow = (RuleRow | { readonly id: null }) & { readonly version: string };

export function createPgRules(database: Database): RuleStore {
  return {
    load: (tenant) =>
      database.withTenant(tenant, async (trx) => {
        const { rows } = await trx.raw<{ rows: readonly VersionedRow[] }>(
          `SELECT s.version, r.id, r.position, r.name, r.is_enabled, r.is_dry_run, r.stops_on_match, r.provider_id, r.conditions, r.actions
             FROM email_rule_sets s LEFT JOIN email_rules r ON r.tenant = s.tenant AND r.is_enabled
            WHERE s.tenant = :tenant
            ORDER BY r.position, r.id LIMIT :limit`,
          { tenant, limit: LIMIT },
        );
        return {
          version: rows[0]?.version ?? null,
          rules: rows.flatMap((row) => (row.id === null ? [] : [{ id: row.id, content: ruleContent(row) }])),
        };
      }),
  };
}
