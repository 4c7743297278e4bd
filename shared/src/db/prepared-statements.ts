/**
 * Statements that a connection parses and plans once. For large ones that run for every message: planning them costs more than
 * running them.
 *
 * Behind a transaction pooler a connection is everybody's, and nothing may be left on it: there they go unprepared. Where a pooler does
 * not show itself a name is missing, or taken; PostgreSQL says so before anything happens, and `isRefusal` notices.
 * A name holds a hash of its statement: on a connection that another version of the program used, it is another name.
 */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import type { DatabaseLink } from './database.ts';
import { sqlState } from './database-faults.ts';

export interface PreparedStatements {
  /** Runs a statement with `:name` for its values. The same name is one value, and must be of one type everywhere. */
  run(
    transaction: { readonly trx: Knex.Transaction; readonly link: DatabaseLink },
    sql: string,
    values: Readonly<Record<string, unknown>>,
  ): Promise<readonly unknown[]>;
  /** True for an error that says so: run the transaction again, it works then. */
  isRefusal(error: unknown): boolean;
}

interface Statement {
  readonly name: string;
  readonly text: string;
  readonly keys: readonly string[];
}

/** invalid_sql_statement_name: no such statement; duplicate_prepared_statement. */
const REFUSALS = new Set(['26000', '42P05']);
/** Not the type casts of PostgreSQL. */
const VALUE = /(?<!:):([A-Za-z]\w*)/g;

export function createPreparedStatements(): PreparedStatements {
  const statements = new Map<string, Statement>();
  let isPossible = true;

  const statementOf = (sql: string): Statement => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = compile(sql);
    statements.set(sql, statement);
    return statement;
  };

  return {
    run: async ({ trx, link }, sql, values) => {
      const { name, text, keys } = statementOf(sql);
      const statement = { text, values: keys.map((key) => values[key]) };
      const { rows } = await trx
        .raw<{ rows: readonly unknown[] }>('SELECT')
        .options(link.isDirect && isPossible ? { ...statement, name } : statement);
      return rows;
    },
    isRefusal: (error) => {
      if (!REFUSALS.has(sqlState(error) ?? '')) return false;
      isPossible = false;
      return true;
    },
  };
}

function compile(sql: string): Statement {
  const keys: string[] = [];
  const text = sql.replace(VALUE, (_, key: string) => {
    if (!keys.includes(key)) keys.push(key);
    return `$${keys.indexOf(key) + 1}`;
  });
  return { name: `ms_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`, text, keys };
}
