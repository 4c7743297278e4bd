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
import { sqlState } from './database-faults.ts';

export interface DatabaseLink {
  /** A server process of our own is behind it, and no pooler: what is prepared is there the next time. */
  readonly isDirect: boolean;
}

export interface PreparedStatements {
  /** Runs a statement with `:name` for its values. The same name is one value, and must be of one type everywhere. */
  run(
    transaction: { readonly trx: Knex.Transaction; readonly link: DatabaseLink },
    sql: string,
    values: Readonly<Record<string, unknown>>,
  ): Promise<readonly unknown[]>;
  /** The same for `pg` itself. @param link null while it is not known */
  statement(link: DatabaseLink | null, sql: string, values: Readonly<Record<string, unknown>>): PgStatement;
  /** True for an error that says so: run the transaction again, it works then. */
  isRefusal(error: unknown): boolean;
}

/** What `pg` runs; without a name it is prepared for this one time. */
export interface PgStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly name?: string;
}

interface Statement {
  readonly name: string;
  readonly text: string;
  readonly keys: readonly string[];
}

/**
 * invalid_sql_statement_name: no such statement; duplicate_prepared_statement; feature_not_supported: a migration has changed what the
 * statement gives.
 */
const REFUSALS = new Set(['26000', '42P05', '0A000']);
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

  const statement: PreparedStatements['statement'] = (link, sql, values) => {
    const { name, text, keys } = statementOf(sql);
    const plain = { text, values: keys.map((key) => values[key]) };
    return link?.isDirect === true && isPossible ? { ...plain, name } : plain;
  };

  return {
    statement,
    run: async ({ trx, link }, sql, values) => {
      const { rows } = await trx
        .raw<{ rows: readonly unknown[] }>('SELECT')
        .options(statement(link, sql, values));
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
