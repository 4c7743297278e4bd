/**
 * Begins a transaction and sets it up in one round trip, where knex would take two: one less for every message, on every process.
 * knex has no place for that, so its transaction's own `begin` is replaced; `begun` tells that it was, for without it the transaction
 * would run in the wrong role.
 */
import type { Knex } from 'knex';

export interface TransactionSetUp {
  /**
   * Statements with the settings of this transaction; the last one is a `SELECT`. No value in them may come from outside unchecked: it is
   * not sent beside, but inside.
   */
  readonly sql: string;
  /** @param row what the `SELECT` gave */
  readonly begun: (row: unknown) => void;
}

interface KnexTransaction {
  begin(connection: unknown): Promise<unknown>;
  query(
    connection: unknown,
    sql: string,
  ): Promise<{ readonly response: readonly { readonly rows: readonly unknown[] }[] } | undefined>;
}

type SetUpConfig = Knex.TransactionConfig & { readonly setUp?: TransactionSetUp };
type MakeTransaction = (
  container: unknown,
  config: SetUpConfig | undefined,
  outer: unknown,
) => KnexTransaction;

/** Lets `config.setUp` of `knex.transaction(work, config)` take effect. */
export function setUpWithBegin(knex: Knex): void {
  const client = knex.client as { transaction: MakeTransaction };
  const make = client.transaction.bind(client);
  client.transaction = (container, config, outer) => {
    const transaction = make(container, config, outer);
    const setUp = config?.setUp;
    if (setUp !== undefined)
      // Not called before the next turn of the event loop.
      transaction.begin = async (connection) => {
        const answer = await transaction.query(connection, `BEGIN; ${setUp.sql}`);
        // Nothing when it failed: then the transaction is rejected already.
        if (answer !== undefined) setUp.begun(answer.response.at(-1)?.rows[0]);
      };
    return transaction;
  };
}
