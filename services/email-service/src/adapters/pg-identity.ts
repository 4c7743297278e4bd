import type { Database } from '@mailstream/shared/db/database';
import type { StoreIdentity } from '../ports.ts';

/** A restore, a failover and a crash all start a server process anew; nothing else changes its start time. */
export function createPgIdentity(database: Database): StoreIdentity {
  return {
    read: async () => {
      const rows = await database.asDaemon(async (trx) => {
        const result = await trx.raw<{ rows: { started: string }[] }>(
          'SELECT pg_postmaster_start_time()::text AS started',
        );
        return result.rows;
      });
      return rows[0]?.started ?? '';
    },
    continues: (before, now) => before === now,
  };
}
