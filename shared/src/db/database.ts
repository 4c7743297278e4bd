/**
 * The only door to PostgreSQL. Every piece of work is one transaction that steps into one of three roles (see migrations/sql.ts)
 * before its first statement; outside of them there is no way to run SQL, so a query cannot forget its tenant.
 *
 * - `withTenant` sees and writes the rows of one tenant.
 * - `asDaemon`   sees ids and leases of all tenants, no settings and no secrets.
 * - `asAuth`     finds a user, a session or an API token before the tenant is known.
 *
 * Statements are short, and compiling one (`jit`) costs more than it runs. Role, tenant and all settings are transaction-local: they end with COMMIT or ROLLBACK, so a pooled connection carries nothing to the next
 * user, and a transaction pooler (PgBouncer) in between, which refuses them as start-up parameters, does no harm.
 * A connection that is not cleanly outside a transaction after its work is closed instead of going back to the pool.
 *
 * All three reject with a `FaultError` DATABASE_UNAVAILABLE (transient) when the database is the trouble, with `CommitUnknownError`
 * when the connection went during COMMIT, and else with what `work` threw or PostgreSQL answered.
 */
import knexFactory, { type Knex } from 'knex';
import pg from 'pg';
import type { TenantId } from '../domain/ids.ts';
import { connectionSettings } from './connection-settings.ts';
import { sendAlone } from './lone-statement.ts';
import { createPreparedStatements, type DatabaseLink } from './prepared-statements.ts';
import { setUpWithBegin } from './transaction-begin.ts';
import { CommitUnknownError, databaseFault, isConnectionError, unavailable } from './database-faults.ts';

export interface Database {
  /** One statement cannot lock rows of several tenants: what does so on plain PostgreSQL goes tenant by tenant. */
  readonly isCitus: boolean;
  /** @param options.keepsPlans prepared statements are planned once and not for the values of each run */
  withTenant<T>(
    tenant: TenantId,
    work: (trx: Knex.Transaction, link: DatabaseLink) => Promise<T>,
    options?: { readonly keepsPlans: boolean },
  ): Promise<T>;
  /**
   * One statement of a tenant, in a transaction of its own: it is sent together with BEGIN and COMMIT and costs one round trip in place
   * of three. Parsed once for each connection where that can be.
   * @param sql with `:name` for its values; the same name is one value, and must be of one type everywhere
   * @param options.isDurable false where it does no harm when a PostgreSQL that crashes forgets it: then nobody waits for its disk
   * @returns its rows
   * @throws as all do; a connection that is lost leaves the outcome unknown, whenever it is
   */
  statement<Row>(
    tenant: TenantId,
    sql: string,
    values: Readonly<Record<string, unknown>>,
    options?: { readonly isDurable: boolean },
  ): Promise<readonly Row[]>;
  asDaemon<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T>;
  asAuth<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T>;
  /** @throws FaultError DATABASE_UNAVAILABLE */
  ping(): Promise<void>;
  /** Waits for work in hand, then closes all connections. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full`; see `connectionSettings` for `sslmode`. */
  readonly url: string;
  readonly applicationName: string;
  readonly poolMax: number;
  /** Longest single statement; 30 seconds unless given. */
  readonly statementTimeoutMs?: number;
  /** Longest wait for a free connection, a new one included; 10 seconds unless given. */
  readonly checkoutTimeoutMs?: number;
  /** Tables are spread over the nodes of Citus, which must hear of role and tenant; default false. */
  readonly isCitus?: boolean;
  /** Overrides what `sslmode` says. */
  readonly ssl?: boolean | { readonly ca?: string; readonly rejectUnauthorized?: boolean };
}

type PlanCacheMode = 'auto' | 'force_custom_plan' | 'force_generic_plan';
type Role = 'mailstream_app' | 'mailstream_daemon' | 'mailstream_auth';

const STATEMENT_TIMEOUT_MS = 30_000;
const CHECKOUT_TIMEOUT_MS = 10_000;
/** The server ends a statement first; only on a dead link does this one strike. */
const CLIENT_GRACE_MS = 5_000;
/** A process that hangs in the middle of a transaction must not hold its locks for ever. */
const IDLE_IN_TRANSACTION_MS = 60_000;

export function createDatabase(options: DatabaseOptions): Database {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const knex = createKnex(options, statementTimeoutMs);
  setUpWithBegin(knex);
  let closing: Promise<void> | null = null;

  const acquire = async (): Promise<pg.Client> => {
    try {
      return (await knex.client.acquireConnection()) as pg.Client;
    } catch (error) {
      // Whatever keeps us from a connection (network, login, TLS, a pool that is used up) is not the caller's doing.
      throw unavailable('no connection to PostgreSQL could be had in time', error);
    }
  };

  const release = async (connection: pg.Client, failure: unknown): Promise<void> => {
    const clean = connection.getTransactionStatus() === 'I' && !isConnectionError(failure);
    if (!clean) discard(connection, failure);
    await knex.client.releaseConnection(connection);
  };

  const run = async <T>(
    role: Role,
    tenant: string,
    work: (trx: Knex.Transaction, link: DatabaseLink) => Promise<T>,
    keepsPlans = false,
  ): Promise<T> => {
    const connection = await acquire();
    let failure: unknown = null;
    let committing = false;
    try {
      let link: DatabaseLink | null = null;
      const begun = (row: unknown): void => {
        // A pooler tells its clients a number of its own.
        link = { isDirect: (row as { readonly pid: number }).pid === processId(connection) };
      };
      const setUp = { sql: settingsOf(role, tenant, keepsPlans ? 'force_generic_plan' : 'auto'), begun };
      const config = { connection, setUp };
      return await knex.transaction(async (trx) => {
        if (link === null) throw new Error('the transaction is not in its role');
        let hasFailedStatement = false;
        trx.on('query-error', () => {
          hasFailedStatement = true;
        });
        const result = await work(trx, link);
        // PostgreSQL answers COMMIT of an aborted transaction with ROLLBACK and no error: work whose failed statement was
        // caught and forgotten would be lost in silence. This fails then, unless a savepoint took the failure back.
        if (hasFailedStatement) await trx.raw('SELECT 1');
        committing = true;
        return result;
      }, config);
    } catch (error) {
      failure = error;
      if (committing && isConnectionError(error)) throw new CommitUnknownError(error);
      throw databaseFault(error) ?? error;
    } finally {
      await release(connection, failure);
    }
  };

  const prepared = createPreparedStatements();
  /** What is known of connections that have run a statement alone. */
  const links = new WeakMap<pg.Client, DatabaseLink>();

  const runAlone = async (
    tenant: TenantId,
    sql: string,
    values: Readonly<Record<string, unknown>>,
    isDurable: boolean,
  ): Promise<readonly unknown[]> => {
    const connection = await acquire();
    let failure: unknown = null;
    try {
      const link = links.get(connection) ?? null;
      // Planned for each run: a plan that was made while a table was still empty reads all of it when it has grown.
      const settings = settingsOf('mailstream_app', tenant, 'force_custom_plan', isDurable);
      const sent = await sendAlone(connection, settings, prepared.statement(link, sql, values));
      // A pooler tells its clients a number of its own.
      if (link === null) links.set(connection, { isDirect: sent.pid === processId(connection) });
      return sent.rows;
    } catch (error) {
      failure = error;
      if (isConnectionError(error)) throw new CommitUnknownError(error);
      throw databaseFault(error) ?? error;
    } finally {
      await release(connection, failure);
    }
  };

  const settingsOf = (role: Role, tenant: string, plans: PlanCacheMode, isDurable = true): string => {
    // Branded, and so checked; once more where it is written into a statement.
    if (!/^[0-9a-f-]*$/.test(tenant)) throw new TypeError('not a tenant');
    const settings = {
      role,
      'mailstream.tenant': tenant,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      jit: 'off',
      plan_cache_mode: plans,
      ...(isDurable ? {} : { synchronous_commit: 'off' }),
    };
    if (options.isCitus === true) return citusSettings(settings);
    const calls = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', true)`);
    return `SELECT pg_backend_pid() AS pid, ${calls.join(', ')}`;
  };

  return {
    isCitus: options.isCitus ?? false,
    withTenant: (tenant, work, { keepsPlans } = { keepsPlans: false }) =>
      run('mailstream_app', tenant, work, keepsPlans),
    statement: async <Row>(
      tenant: TenantId,
      sql: string,
      values: Readonly<Record<string, unknown>>,
      { isDurable } = { isDurable: true },
    ) => {
      const once = (): Promise<readonly unknown[]> => runAlone(tenant, sql, values, isDurable);
      const rows = await once().catch((error: unknown) => {
        // Nothing has happened: it goes again, not prepared.
        if (prepared.isRefusal(error)) return once();
        throw error;
      });
      return rows as readonly Row[];
    },
    asDaemon: (work) => run('mailstream_daemon', '', work),
    asAuth: (work) => run('mailstream_auth', '', work),
    ping: async () => {
      const connection = await acquire();
      let failure: unknown = null;
      try {
        await connection.query('SELECT 1');
      } catch (error) {
        failure = error;
        throw databaseFault(error) ?? unavailable('PostgreSQL does not answer', error);
      } finally {
        await release(connection, failure);
      }
    },
    close: () => {
      closing ??= knex.destroy();
      return closing;
    },
  };
}

/**
 * Citus passes SET LOCAL on to its nodes, where the rows are and row-level security holds, and knows nothing of `set_config`. On plain
 * PostgreSQL it does the same and takes a little longer. The role comes last: it applies to what is set before as well.
 */
function citusSettings({ role, ...settings }: Readonly<Record<string, string | number>>): string {
  const all = { 'citus.propagate_set_commands': 'local', ...settings };
  const sets = Object.entries(all).map(([name, value]) => `SET LOCAL ${name} = '${value}'`);
  return [...sets, `SET LOCAL ROLE ${role}`, 'SELECT pg_backend_pid() AS pid'].join('; ');
}

function createKnex(options: DatabaseOptions, statementTimeoutMs: number): Knex {
  const checkoutTimeoutMs = options.checkoutTimeoutMs ?? CHECKOUT_TIMEOUT_MS;
  const connection: pg.ClientConfig & { readonly pipeline: boolean } = {
    ...connectionSettings(options.url, options.ssl),
    application_name: options.applicationName,
    query_timeout: statementTimeoutMs + CLIENT_GRACE_MS,
    connectionTimeoutMillis: checkoutTimeoutMs,
    // A query goes out without waiting for the answers to those before it: see lone-statement.ts. Knex waits by itself.
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  };
  return knexFactory({
    client: 'pg',
    // Spares the version query of each new pool; 15 is the oldest we support.
    version: '15.0',
    connection: connection as Knex.PgConnectionConfig,
    acquireConnectionTimeout: checkoutTimeoutMs,
    pool: { min: 0, max: options.poolMax, idleTimeoutMillis: 60_000 },
    log: {
      warn: () => undefined,
      error: () => undefined,
      debug: () => undefined,
      deprecate: () => undefined,
    },
  });
}

function processId(connection: pg.Client): number | null {
  return (connection as pg.Client & { readonly processID: number | null }).processID;
}

/** Makes knex's pool drop the connection, and closes its socket without waiting for a server that may not answer. */
function discard(connection: pg.Client, reason: unknown): void {
  const raw = connection as pg.Client & {
    __knex__disposed?: unknown;
    readonly connection?: { readonly stream?: { destroy(): void } };
  };
  raw.__knex__disposed = reason ?? 'not outside a transaction';
  raw.connection?.stream?.destroy();
}

/** int8 as number: our counters stay far below 2^53. A larger value stays the string it is, rather than become another value. */
const getTypeParser = ((oid: number, format?: 'text' | 'binary') => {
  if (oid !== pg.types.builtins.INT8 || format === 'binary')
    return pg.types.getTypeParser(oid, format as 'text');
  return (text: string) => {
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : text;
  };
}) as typeof pg.types.getTypeParser;
