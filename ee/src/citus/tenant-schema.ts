/**
 * The schema as Citus sees it: which tables belong to tenants, and what keeps one from being distributed by `tenant`.
 *
 * The rules are those of Citus for hash-distributed tables: whatever is unique must hold the distribution column, a foreign key must
 * join co-located tables by it, and rows must not lose it. Ours are stricter: the tenant comes first, so that an index serves one tenant.
 */
import type pg from 'pg';

export interface TableFacts {
  readonly name: string;
  /** Null for a table that is nobody's: it stays on the coordinator. */
  readonly tenant: { readonly type: string; readonly isNotNull: boolean } | null;
  readonly hasPrimaryKey: boolean;
  readonly triggers: readonly string[];
}

/** Primary keys, unique indexes, exclusion constraints. */
export interface UniqueFacts {
  readonly table: string;
  readonly name: string;
  /** Null for an expression. */
  readonly columns: readonly (string | null)[];
}

export interface ForeignKeyFacts {
  readonly table: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly otherTable: string;
  readonly otherColumns: readonly string[];
  /** Of pg_constraint.confdeltype: n and d are SET NULL and SET DEFAULT. */
  readonly onDelete: string;
}

export interface SchemaFacts {
  readonly tables: readonly TableFacts[];
  readonly uniques: readonly UniqueFacts[];
  readonly foreignKeys: readonly ForeignKeyFacts[];
}

const TABLES = `
SELECT c.relname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS "isNotNull",
       EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisprimary) AS "hasPrimaryKey",
       ARRAY(SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal ORDER BY 1) AS triggers
  FROM pg_class c
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
 ORDER BY 1`;

const UNIQUES = `
SELECT c.relname AS table, i.relname AS name,
       ARRAY(SELECT a.attname::text
               FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
               LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum <> 0
              WHERE k.place <= x.indnkeyatts ORDER BY k.place) AS columns
  FROM pg_index x
  JOIN pg_class c ON c.oid = x.indrelid
  JOIN pg_class i ON i.oid = x.indexrelid
 WHERE (x.indisunique OR x.indisexclusion) AND c.relnamespace = 'public'::regnamespace
 ORDER BY 1, 2`;

const names = (columns: string, table: string): string => `
  ARRAY(SELECT a.attname::text FROM unnest(${columns}) WITH ORDINALITY AS k (attnum, place)
          JOIN pg_attribute a ON a.attrelid = ${table} AND a.attnum = k.attnum ORDER BY k.place)`;

const FOREIGN_KEYS = `
SELECT c.relname AS table, f.conname AS name, ${names('f.conkey', 'f.conrelid')} AS columns,
       o.relname AS "otherTable", ${names('f.confkey', 'f.confrelid')} AS "otherColumns", f.confdeltype::text AS "onDelete"
  FROM pg_constraint f
  JOIN pg_class c ON c.oid = f.conrelid
  JOIN pg_class o ON o.oid = f.confrelid
 WHERE f.contype = 'f' AND c.relnamespace = 'public'::regnamespace
 ORDER BY 1, 2`;

export async function readSchema(client: pg.Client): Promise<SchemaFacts> {
  const tables = await client.query<
    Omit<TableFacts, 'tenant'> & { readonly type: string | null; readonly isNotNull: boolean | null }
  >(TABLES);
  return {
    tables: tables.rows.map(({ type, isNotNull, ...table }) => ({
      ...table,
      tenant: type === null ? null : { type, isNotNull: isNotNull === true },
    })),
    uniques: (await client.query<UniqueFacts>(UNIQUES)).rows,
    foreignKeys: (await client.query<ForeignKeyFacts>(FOREIGN_KEYS)).rows,
  };
}

/** One sentence for each thing that is in the way; empty when all tables of tenants can be distributed. */
export function problemsOf({ tables, uniques, foreignKeys }: SchemaFacts): readonly string[] {
  const ofTenants = new Set(tables.filter(({ tenant }) => tenant !== null).map(({ name }) => name));
  return [
    ...tables.flatMap(tableProblems),
    ...uniques
      .filter(({ table, columns }) => ofTenants.has(table) && columns[0] !== 'tenant')
      .map(({ table, name }) => `${table}: ${name} is unique and does not begin with tenant`),
    ...foreignKeys.flatMap((key) => foreignKeyProblems(key, ofTenants)),
  ];
}

function tableProblems({ name, tenant, hasPrimaryKey, triggers }: TableFacts): readonly string[] {
  if (tenant === null) return [];
  return [
    ...(tenant.type === 'uuid'
      ? []
      : [`${name}: tenant is a ${tenant.type}; tables of two types cannot be co-located`]),
    ...(tenant.isNotNull ? [] : [`${name}: tenant may be null`]),
    ...(hasPrimaryKey ? [] : [`${name}: there is no primary key`]),
    ...triggers.map((trigger) => `${name}: trigger ${trigger} would not run on the shards`),
  ];
}

function foreignKeyProblems(key: ForeignKeyFacts, ofTenants: ReadonlySet<string>): readonly string[] {
  const { table, name, columns, otherTable, otherColumns, onDelete } = key;
  const [isHere, isThere] = [ofTenants.has(table), ofTenants.has(otherTable)];
  if (!isHere && !isThere) return [];
  if (isHere !== isThere)
    return [
      `${table}: ${name} joins a table of tenants with ${isHere ? otherTable : table}, which is on the coordinator`,
    ];
  return [
    ...(columns[0] === 'tenant' && otherColumns[0] === 'tenant'
      ? []
      : [`${table}: ${name} does not join ${otherTable} by tenant first`]),
    ...(onDelete === 'n' || onDelete === 'd' ? [`${table}: ${name} takes the tenant away ON DELETE`] : []),
  ];
}

/** Tables of tenants, each after those that it refers to; `tenants` first, by which the others are placed. */
export function distributionOrder({ tables, foreignKeys }: SchemaFacts): readonly string[] {
  const left = new Set(tables.filter(({ tenant }) => tenant !== null).map(({ name }) => name));
  const order: string[] = [];
  const isReady = (table: string): boolean =>
    foreignKeys.every((key) => key.table !== table || key.otherTable === table || !left.has(key.otherTable));
  while (left.size > 0) {
    const ready = [...left].filter((table) => (order.length === 0 ? table === 'tenants' : isReady(table)));
    if (ready.length === 0)
      throw new Error(
        `These tables refer to each other in a circle, or there is no table tenants: ${[...left].join(', ')}`,
      );
    for (const table of ready) left.delete(table);
    order.push(...ready);
  }
  return order;
}
