/** The operator's view: processes and counts over all tenants, mailboxes of the own tenant alone. */
import type { Database } from '@mailstream/shared/db/database';
import { providerId } from '@mailstream/shared/domain/ids';
import type { OperationsStore } from '../ports.ts';
import { providerState, providerStatusText } from '../use-cases/status-text.ts';
import { providerQuery } from './pg-provider-rows.ts';
import { lastSyncOf, toFolders, toLease } from './provider-view.ts';
import { providerAudit, providerFreshness } from './folder-status-view.ts';
import { readHistory } from './pg-history.ts';
import { readInstallation } from './pg-installation.ts';

export function createOperationsStore(database: Database): OperationsStore {
  return {
    async status(tenant) {
      const { instances, totals } = await database.asDaemon(readInstallation);
      const rows = await database.withTenant(tenant, async (trx) =>
        providerQuery(trx, tenant).orderByRaw('lower(p.provider_name), p.id'),
      );
      return {
        instances,
        totals,
        providers: rows.map((row) => {
          const state = providerState({
            isActive: row.is_active,
            pauseReason: row.pause_reason,
            status: row.status,
          });
          const folders = toFolders(row);
          const freshness = providerFreshness(folders);
          return {
            id: row.id,
            providerName: row.provider_name,
            mailbox: row.mailbox,
            state,
            statusText: providerStatusText(state, row.pause_reason, row.error_code, freshness),
            ...freshness,
            audit: providerAudit(row, folders),
            lastSyncAt: lastSyncOf(row, folders),
            lease: toLease(row),
            folders,
          };
        }),
      };
    },

    history: (minutes) => database.asDaemon((trx) => readHistory(trx, minutes)),

    running: (tenant) =>
      database.withTenant(tenant, async (trx) => {
        const rows: { id: string }[] = await trx('email_providers')
          .where({ tenant, is_active: true })
          .whereNull('paused_at')
          .orderBy('id')
          .select('id');
        return rows.map((row) => providerId(row.id));
      }),
  };
}
