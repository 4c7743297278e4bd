/** A row of `email_rules`, as the processes that read it share it. */
export interface RuleRow {
  readonly id: string;
  readonly position: number;
  readonly name: string;
  readonly is_enabled: boolean;
  readonly is_dry_run: boolean;
  readonly stops_on_match: boolean;
  readonly provider_id: string | null;
  readonly conditions: unknown;
  readonly actions: unknown;
}

/** What the row says, for `parseRule`: whether it is a rule is still to be seen. */
export function ruleContent(row: RuleRow): unknown {
  return {
    id: row.id,
    order: row.position,
    name: row.name,
    isEnabled: row.is_enabled,
    isDryRun: row.is_dry_run,
    stopsOnMatch: row.stops_on_match,
    providerId: row.provider_id,
    when: row.conditions,
    actions: row.actions,
  };
}
