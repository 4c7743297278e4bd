/**
 * Spreads the tables of tenants over the nodes of Citus, by tenant and co-located, after the migrations; run again after each upgrade, it
 * takes up what is new and finds nothing else to do. What belongs to no tenant (processes, jobs, marks) stays on the coordinator: it is
 * small, written all the time, and never joined row by row with tables of tenants, so a copy of it on every node would only cost.
 *
 * Not part of the migrations: columns with a CHECK cannot be added to a table that is distributed already.
 */
import type pg from 'pg';
import { distributionOrder, problemsOf, readSchema } from './tenant-schema.ts';

export type DistributionResult =
  | { readonly kind: 'done'; readonly distributed: readonly string[]; readonly unchanged: number }
  /** There is no Citus in this database. */
  | { readonly kind: 'notCitus' }
  | { readonly kind: 'problems'; readonly problems: readonly string[] };

/** Rights on single columns reach the shards since this one. */
const OLDEST = [13, 1] as const;
/** Citus connects to its nodes as the role that a transaction has stepped into. */
const ROLES = ['mailstream_app', 'mailstream_daemon', 'mailstream_auth'];
const ANCHOR = 'tenants';

/**
 * @param client of a superuser, or of a role with BYPASSRLS: row-level security is forced, and would hide rows from the copy
 * @param options.onlyCheck changes nothing
 */
export async function distribute(
  client: pg.Client,
  options: { readonly onlyCheck?: boolean } = {},
): Promise<DistributionResult> {
  const facts = await readSchema(client);
  const isCitus = await isTrue(client, `to_regproc('create_distributed_table') IS NOT NULL`);
  const problems = [...problemsOf(facts), ...(isCitus ? await citusProblems(client) : [])];
  if (problems.length > 0) return { kind: 'problems', problems };
  if (!isCitus) return { kind: 'notCitus' };
  const order = distributionOrder(facts);
  const already = await distributedTables(client);
  if (options.onlyCheck === true)
    return { kind: 'done', distributed: [], unchanged: order.filter((table) => already.has(table)).length };
  const missing = order.filter((table) => !already.has(table));
  // Each for itself: what is done stays done, and the next run goes on.
  for (const table of missing)
    await client.query(`SELECT create_distributed_table($1::regclass, 'tenant', colocate_with => $2)`, [
      `public.${table}`,
      table === ANCHOR ? 'none' : ANCHOR,
    ]);
  await grantAgain(client, order);
  for (const role of ROLES) await client.query(`ALTER ROLE ${role} LOGIN`);
  const apart = await tablesApart(client);
  if (apart.length > 0)
    return {
      kind: 'problems',
      problems: apart.map((table) => `${table}: it is not placed beside ${ANCHOR}`),
    };
  return { kind: 'done', distributed: missing, unchanged: order.length - missing.length };
}

async function citusProblems(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ version: string }>(
    `SELECT extversion AS version FROM pg_extension WHERE extname = 'citus'`,
  );
  const [major = 0, minor = 0] = (rows[0]?.version ?? OLDEST.join('.')).split(/[.-]/).map(Number);
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  const seesAll = await isTrue(
    client,
    `(SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)`,
  );
  return [
    ...(isOld ? [`Citus is ${rows[0]?.version ?? 'unknown'}; ${OLDEST.join('.')} or newer is needed`] : []),
    ...(seesAll ? [] : ['this login is neither a superuser nor has it BYPASSRLS: rows would be left behind']),
  ];
}

async function distributedTables(client: pg.Client): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid WHERE c.relnamespace = 'public'::regnamespace`,
  );
  return new Set(rows.map(({ name }) => name));
}

/** A join of two of them would otherwise move rows over the network, or be refused. */
async function tablesApart(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name
       FROM pg_dist_partition p
       JOIN pg_class c ON c.oid = p.logicalrelid
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'
      WHERE p.colocationid <> (SELECT t.colocationid FROM pg_dist_partition t WHERE t.logicalrelid = $1::regclass)
      ORDER BY 1`,
    [`public.${ANCHOR}`],
  );
  return rows.map(({ name }) => name);
}

/** What roles may do with single columns, said once more: now it reaches the shards as well. */
async function grantAgain(client: pg.Client, tables: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    `SELECT format('GRANT %s (%s) ON public.%I TO %I', g.privilege_type, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
                   c.relname, r.rolname) AS statement
       FROM pg_attribute a
       JOIN pg_class c ON c.oid = a.attrelid
      CROSS JOIN LATERAL aclexplode(a.attacl) AS g
       JOIN pg_roles r ON r.oid = g.grantee
      WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY ($1::text[]) AND r.rolname = ANY ($2::text[])
      GROUP BY g.privilege_type, c.relname, r.rolname
      ORDER BY 1`,
    [[...tables], ROLES],
  );
  for (const { statement } of rows) await client.query(statement);
}

async function isTrue(client: pg.Client, condition: string): Promise<boolean> {
  const { rows } = await client.query<{ is: boolean }>(`SELECT coalesce(${condition}, false) AS is`);
  return rows[0]?.is === true;
}
