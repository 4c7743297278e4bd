/** Stores that tell the pages of a tenant when they have changed what is shown there. What the stores do is not touched. */
import type { ChangeTeller } from '@mailstream/shared/db/change-teller';
import type { FolderStatusStore, HealthStore } from './ports/folder-status.ts';
import type { Ledger } from './ports/ledger.ts';

type Tell = ChangeTeller['tell'];

export function tellingLedger(ledger: Ledger, tell: Tell): Ledger {
  return {
    ...ledger,
    async recordBatch(folder, term, batch) {
      const result = await ledger.recordBatch(folder, term, batch);
      if (result.kind === 'stored' && batch.messages.length > 0) tell(folder.tenant, 'messages');
      return result;
    },
    async deadLetter(folder, term, row, reason) {
      const result = await ledger.deadLetter(folder, term, row, reason);
      if (result.kind === 'stored') tell(folder.tenant, 'messages');
      return result;
    },
    async markPublished(folder, rows) {
      await ledger.markPublished(folder, rows);
      if (rows.length > 0) tell(folder.tenant, 'messages');
    },
  };
}

export function tellingHealth(health: HealthStore, tell: Tell): HealthStore {
  return {
    async report(provider, term, state) {
      await health.report(provider, term, state);
      tell(provider.tenant, 'providers');
    },
  };
}

export function tellingStatus(status: FolderStatusStore, tell: Tell): FolderStatusStore {
  return {
    ...status,
    async recordAudit(folder, term, audit) {
      await status.recordAudit(folder, term, audit);
      tell(folder.tenant, 'providers');
    },
  };
}
