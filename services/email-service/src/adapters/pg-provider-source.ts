/** Settings of a provider and what people see of its health, both under its tenant. */
import type { Database } from '@mailstream/shared/db/database';
import { BEGINNING_PACE_MS, gatherPerTenant } from '@mailstream/shared/db/gather';
import { SELECT_IMAP_PROVIDERS, toImapProvider } from '@mailstream/shared/db/provider-repository';
import type { HealthStore } from '../ports/folder-status.ts';
import type { ProviderRef, ProviderSource } from '../ports/leases.ts';

const GATHERED = { maxItems: 500, everyMs: BEGINNING_PACE_MS };

export function createPgProviderSource(database: Database): ProviderSource {
  const rowOf = gatherPerTenant<ProviderRef, { readonly id: string } | null>(async (tenant, refs) => {
    const ids = refs.map(({ id }) => id);
    const rows = await database.statement<{ id: string }>(tenant, SELECT_IMAP_PROVIDERS, { tenant, ids });
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? null);
  }, GATHERED);
  return {
    async load(ref) {
      const row = await rowOf(ref);
      return row === null ? null : toImapProvider(row);
    },
  };
}

/** What is not known (capabilities), or not so (a sync, a connection, a refused login), leaves its columns as they are. */
const REPORT_HEALTH = `
WITH owned AS (
  UPDATE imap_email_provider_config
     SET folder_health = CAST(:folders AS jsonb), server_capabilities = coalesce(CAST(:capabilities AS jsonb), server_capabilities)
   WHERE tenant = :tenant AND email_provider_id = :id AND lease_owner = :owner AND lease_epoch = :epoch
RETURNING tenant, email_provider_id
)
UPDATE email_providers p
   SET status = :status, error_code = CAST(:errorCode AS text), error_message = :errorMessage,
       error_at = CASE WHEN CAST(:errorCode AS text) IS NULL THEN NULL ELSE now() END,
       last_sync_at = CASE WHEN CAST(:inSync AS boolean) THEN now() ELSE last_sync_at END,
       auth_failure_count = CASE WHEN CAST(:isAuthFailure AS boolean) THEN auth_failure_count + 1
                                 WHEN CAST(:isConnected AS boolean) THEN 0 ELSE auth_failure_count END,
       auth_failure_last_at = CASE WHEN CAST(:isAuthFailure AS boolean) THEN now() ELSE auth_failure_last_at END,
       auth_failure_code = CASE WHEN CAST(:isAuthFailure AS boolean) THEN CAST(:errorCode AS text)
                                WHEN CAST(:isConnected AS boolean) THEN NULL ELSE auth_failure_code END
  FROM owned WHERE p.tenant = owned.tenant AND p.id = owned.email_provider_id AND p.tenant = :tenant`;

/** Status is for people and never read by the protocol; still only the owner of the lease writes it. */
export function createPgHealthStore(database: Database): HealthStore {
  return {
    async report(ref, term, health) {
      const values = {
        ...{ tenant: ref.tenant, id: ref.id, owner: term.owner, epoch: term.epoch },
        folders: JSON.stringify(health.folders),
        capabilities: health.capabilities === null ? null : JSON.stringify(health.capabilities),
        status: health.status,
        errorCode: health.errorCode,
        errorMessage: health.errorMessage,
        inSync: health.inSync,
        isConnected: health.status === 'connected',
        isAuthFailure: health.errorCode === 'IMAP_AUTH_REJECTED' || health.errorCode === 'OAUTH_REAUTHORIZE',
      };
      // The next change says it again.
      await database.statement(ref.tenant, REPORT_HEALTH, values, { isDurable: false });
    },
  };
}
