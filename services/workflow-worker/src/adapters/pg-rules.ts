/** The rules of a tenant as they are stored, with the version that they belong to, in one statement. */
import type { Database } from '@mailstream/shared/db/database';
import type { RuleStore } from '../ports.ts';

/** More than the API lets anybody have. */
const LIMIT = 1_000;

interface RuleRow {
  readonly version: string;
  readonly id: string | null;
  readonly position: number;
  readonly name: string;
  readonly is_enabled: boolean;
  readonly is_dry_run: boolean;
  readonly stops_on_match: boolean;
  readonly provider_id: string | null;
  readonly conditions: unknown;
  readonly actions: unknown;
}

export function createPgRules(database: Database): RuleStore {
  return {
    load: (tenant) =>
      database.withTenant(tenant, async (trx) => {
        const { rows } = await trx.raw<{ rows: readonly RuleRow[] }>(
          `SELECT s.version, r.id, r.position, r.name, r.is_enabled, r.is_dry_run, r.stops_on_match, r.provider_id, r.conditions, r.actions
             FROM email_rule_sets s LEFT JOIN email_rules r ON r.tenant = s.tenant AND r.is_enabled
            WHERE s.tenant = :tenant
            ORDER BY r.position, r.id LIMIT :limit`,
          { tenant, limit: LIMIT },
        );
        return {
          version: rows[0]?.version ?? null,
          rules: rows.flatMap(({ id, ...row }) =>
            id === null
              ? []
              : [
                  {
                    id,
                    content: {
                      id,
                      order: row.position,
                      name: row.name,
                      isEnabled: row.is_enabled,
                      isDryRun: row.is_dry_run,
                      stopsOnMatch: row.stops_on_match,
                      providerId: row.provider_id,
                      when: row.conditions,
                      actions: row.actions,
                    },
                  },
                ],
          ),
        };
      }),
  };
}
