import type { Database } from '@mailstream/shared/db/database';
import type { StoreIdentity } from '../ports/stream.ts';

/**
 * A restore, a failover and a crash all start a server process anew; nothing else changes its start time. A machine that was put
 * back to a snapshot of its memory keeps it: there the counter of transactions, which only grows, went back.
 */
export function createPgIdentity(database: Database): StoreIdentity {
  return {
    read: async () => {
      const rows = await database.asDaemon(async (trx) => {
        const result = await trx.raw<{ rows: Seen[] }>(
          `SELECT pg_postmaster_start_time()::text AS started, pg_snapshot_xmax(pg_current_snapshot())::text AS "nextXid"`,
        );
        return result.rows;
      });
      return JSON.stringify(rows[0] ?? { started: '', nextXid: '0' });
    },
    continues: (before, now) => {
      const [was, is] = [parse(before), parse(now)];
      return was.started === is.started && BigInt(is.nextXid) >= BigInt(was.nextXid);
    },
  };
}

interface Seen {
  readonly started: string;
  readonly nextXid: string;
}

function parse(text: string): Seen {
  return JSON.parse(text) as Seen;
}
