/**
 * Brings a database to the newest schema. Forward only.
 *
 * Safe to run by many replicas at once: a session advisory lock lets one through, the others wait and then find
 * nothing to do. knex keeps a lock row of its own that a killed process leaves set; under our lock nobody else can be
 * migrating, so a set lock row is always stale and is cleared first.
 * Needs a direct connection: a transaction pooler would give the lock and the migrations different sessions.
 */
import knexFactory, { type Knex } from 'knex';
import pg from 'pg';
import * as tenantsAndAccounts from './001-tenants-and-accounts.ts';
import * as emailProviders from './002-email-providers.ts';
import * as ledger from './003-ledger.ts';
import * as tickets from './004-tickets.ts';
import * as folderStatus from './005-folder-status.ts';
import * as conversations from './006-conversations.ts';
import * as deadLetters from './007-dead-letters.ts';
import * as outbound from './008-outbound.ts';
import * as rules from './009-rules.ts';
import * as storageReferences from './010-storage-references.ts';
import * as connecting from './011-connecting.ts';
import * as accountsAndHistory from './012-accounts-and-history.ts';
import * as ticketsOfClients from './013-tickets-of-clients.ts';
import * as arrivalTimes from './015-arrival-times.ts';
import * as tenants from './016-tenants.ts';
import * as tenantQuotas from './017-tenant-quotas.ts';
import * as operations from './020-operations.ts';
import * as ledgerIndexes from './021-ledger-indexes.ts';

interface Migration {
  readonly name: string;
  readonly up: (knex: Knex) => Promise<void>;
}

const MIGRATIONS: readonly Migration[] = [
  { name: '001-tenants-and-accounts', up: tenantsAndAccounts.up },
  { name: '002-email-providers', up: emailProviders.up },
  { name: '003-ledger', up: ledger.up },
  { name: '004-tickets', up: tickets.up },
  { name: '005-folder-status', up: folderStatus.up },
  { name: '006-conversations', up: conversations.up },
  { name: '007-dead-letters', up: deadLetters.up },
  { name: '008-outbound', up: outbound.up },
  { name: '009-rules', up: rules.up },
  { name: '010-storage-references', up: storageReferences.up },
  { name: '011-connecting', up: connecting.up },
  { name: '012-accounts-and-history', up: accountsAndHistory.up },
  { name: '013-tickets-of-clients', up: ticketsOfClients.up },
  { name: '015-arrival-times', up: arrivalTimes.up },
  { name: '016-tenants', up: tenants.up },
  { name: '017-tenant-quotas', up: tenantQuotas.up },
  { name: '020-operations', up: operations.up },
  { name: '021-ledger-indexes', up: ledgerIndexes.up },
];

/** Any constant: it only has to be ours. */
const ADVISORY_LOCK = 7263528171n;

const source: Knex.MigrationSource<Migration> = {
  getMigrations: () => Promise.resolve([...MIGRATIONS]),
  getMigrationName: (migration) => migration.name,
  getMigration: (migration) => Promise.resolve({ up: migration.up, down: refuseDown }),
};

function refuseDown(): Promise<never> {
  return Promise.reject(new Error('migrations are forward only: restore a backup instead'));
}

/**
 * @returns names of the migrations this call applied; empty when the schema was already the newest.
 * @throws the database's error; every migration runs in a transaction of its own, so nothing is left half.
 */
export async function migrate(databaseUrl: string): Promise<readonly string[]> {
  const lock = new pg.Client({ connectionString: databaseUrl, application_name: 'mailstream-migrate' });
  // Without a listener a connection cut would end the process; the pending query rejects all the same.
  lock.on('error', () => undefined);
  await lock.connect();
  const knex = knexFactory({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: 2 } });
  try {
    // Held by a transaction, not by the session: behind a transaction pooler a session is anybody's.
    await lock.query('BEGIN');
    await lock.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    await lock.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK.toString()]);
    const config: Knex.MigratorConfig = { migrationSource: source, tableName: 'schema_migrations' };
    await knex.migrate.forceFreeMigrationsLock(config);
    const [, applied] = (await knex.migrate.latest(config)) as [number, string[]];
    return applied;
  } finally {
    await knex.destroy();
    await lock.end();
  }
}
