import type { TenantId } from '../domain/ids.ts';

/**
 * A statement over rows of several tenants: one for all of them on plain PostgreSQL; on Citus, which locks rows of one shard at a time, one
 * for each tenant, that names it, in the order of their ids.
 * @param run is given null where there is one for all
 */
export async function perTenant<Item extends { readonly tenant: TenantId }, Row>(
  isCitus: boolean,
  items: readonly Item[],
  run: (items: readonly Item[], tenant: TenantId | null) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  if (!isCitus) return await run(items, null);
  const rows: Row[] = [];
  const tenants = [...new Set(items.map(({ tenant }) => tenant))].sort();
  for (const tenant of tenants)
    rows.push(
      ...(await run(
        items.filter((item) => item.tenant === tenant),
        tenant,
      )),
    );
  return rows;
}
