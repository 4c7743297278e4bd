/** What PostgreSQL says of a plan that it has run (EXPLAIN with ANALYZE, as JSON), as far as the tests look at it. */

export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  /** Of a WITH. */
  readonly 'CTE Name'?: string;
  /** Of one loop. */
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

export interface Scan {
  /** Or the index, where a bitmap is made of it, or what a WITH gives. */
  readonly table: string;
  /** Of all loops, and those that were looked at and thrown away. */
  readonly rows: number;
}

/** Every place of the plan that reads a table, an index or a WITH. */
export function scansOf(node: PlanNode): readonly Scan[] {
  const below = (node.Plans ?? []).flatMap(scansOf);
  const table = node['Relation Name'] ?? node['Index Name'] ?? node['CTE Name'];
  if (table === undefined || !node['Node Type'].includes('Scan')) return below;
  const rows =
    (node['Actual Rows'] ?? 0) +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0);
  return [{ table, rows: rows * (node['Actual Loops'] ?? 1) }, ...below];
}
