import type { Database } from '@mailstream/shared/db/database';
import { loadQuotas, messagesToday, storedBytes } from '@mailstream/shared/db/tenant-quotas';
import type { QuotaStore } from '../ports/quotas.ts';

export function createPgQuotas(database: Database): QuotaStore {
  return {
    async limited(tenants) {
      const quotas = await database.asDaemon((trx) => loadQuotas(trx, tenants));
      return new Map(
        [...quotas].filter(
          ([, { messagesPerDay, storageBytes }]) => messagesPerDay !== null || storageBytes !== null,
        ),
      );
    },
    use: (tenant, { messagesPerDay, storageBytes }) =>
      database.withTenant(tenant, async (trx) => ({
        messagesToday: messagesPerDay === null ? 0 : await messagesToday(trx, tenant, messagesPerDay),
        storedBytes: storageBytes === null ? 0 : await storedBytes(trx, tenant),
      })),
  };
}
