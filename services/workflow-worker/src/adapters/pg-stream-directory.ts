/** Which streams there are: one, or one for each tenant that has a mailbox. */
import type { Database } from '@mailstream/shared/db/database';
import { streamName } from '@mailstream/shared/events/email-received';
import type { StreamDirectory } from '../ports.ts';

export function createPgStreamDirectory(database: Database, byTenant: boolean): StreamDirectory {
  // The global one always: entries from before the switch are still in it.
  const global = streamName('', false);
  if (!byTenant) return { streams: () => Promise.resolve([global]) };
  // A stream seen once stays: a tenant that removed its last mailbox may still have entries.
  const seen = new Set([global]);
  return {
    streams: async () => {
      const tenants = await database.asDaemon(async (trx) =>
        trx('email_providers').distinct().pluck('tenant'),
      );
      for (const tenant of tenants as readonly string[]) seen.add(streamName(tenant, true));
      return [...seen];
    },
  };
}
