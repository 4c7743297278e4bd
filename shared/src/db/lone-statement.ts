/**
 * BEGIN with the settings of the transaction, one statement and COMMIT, written at once:
 *
 *     ──▶ BEGIN; settings │ statement │ COMMIT
 *     ◀── answer          │ answer    │ answer
 *
 * The statement cannot run outside its role: where a setting fails the transaction is aborted, and PostgreSQL refuses what follows
 * until COMMIT, which then rolls back. It does the same after a statement that fails.
 * Needs a `pg.Client` in pipeline mode. Each of the three ends with a Sync of its own, so an error of one is answered to that one.
 */
import type pg from 'pg';
import type { PgStatement } from './prepared-statements.ts';

interface Corked {
  readonly connection: { readonly stream: { cork(): void; uncork(): void } };
}

/**
 * @param settings statements, the last of which gives a row with `pid`, the process that serves it
 * @throws what `pg` does; where the connection went it may have been committed
 */
export async function sendAlone(
  client: pg.Client,
  settings: string,
  statement: PgStatement,
): Promise<{ readonly rows: readonly unknown[]; readonly pid: number }> {
  const { stream } = (client as pg.Client & Corked).connection;
  // One write for all: each costs both sides a system call and a wake-up.
  stream.cork();
  const sent = [
    client.query(`BEGIN; ${settings}`) as Promise<unknown>,
    client.query({ ...statement, values: [...statement.values] }),
    client.query('COMMIT'),
  ] as const;
  stream.uncork();
  const [begun, ran, ended] = await Promise.allSettled(sent);
  for (const answer of [begun, ran, ended]) if (answer.status === 'rejected') throw answer.reason;
  if (begun.status !== 'fulfilled' || ran.status !== 'fulfilled')
    throw new Error('a statement has no answer');
  // Several statements in one query give several results.
  const results = begun.value as readonly { readonly rows: readonly { readonly pid: number }[] }[];
  const [row] = results.at(-1)?.rows ?? [];
  if (row === undefined) throw new Error('the settings of a transaction have no answer');
  return { rows: ran.value.rows as readonly unknown[], pid: row.pid };
}
