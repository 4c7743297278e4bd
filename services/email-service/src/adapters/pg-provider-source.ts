/** Settings of a provider and what people see of its health, both under its tenant. */
import type { Database } from '@mailstream/shared/db/database';
import { loadImapProvider } from '@mailstream/shared/db/provider-repository';
import type { HealthStore } from '../ports/folder-status.ts';
import type { ProviderSource } from '../ports/leases.ts';

export function createPgProviderSource(database: Database): ProviderSource {
  return {
    load: (ref) => database.withTenant(ref.tenant, (trx) => loadImapProvider(trx, ref.tenant, ref.id)),
  };
}

/** Status is for people and never read by the protocol; still only the owner of the lease writes it. */
export function createPgHealthStore(database: Database): HealthStore {
  return {
    async report(ref, term, health) {
      await database.withTenant(ref.tenant, async (trx) => {
        const owned = await trx('imap_email_provider_config')
          .where({
            tenant: ref.tenant,
            email_provider_id: ref.id,
            lease_owner: term.owner,
            lease_epoch: term.epoch,
          })
          .update({
            folder_health: JSON.stringify(health.folders),
            ...(health.capabilities === null
              ? {}
              : { server_capabilities: JSON.stringify(health.capabilities) }),
          });
        if (owned === 0) return;
        const isAuthFailure =
          health.errorCode === 'IMAP_AUTH_REJECTED' || health.errorCode === 'OAUTH_REAUTHORIZE';
        await trx('email_providers')
          .where({ tenant: ref.tenant, id: ref.id })
          .update({
            status: health.status,
            error_code: health.errorCode,
            error_message: health.errorMessage,
            error_at: health.errorCode === null ? null : trx.fn.now(),
            ...(health.inSync ? { last_sync_at: trx.fn.now() } : {}),
            ...(health.status === 'connected' ? { auth_failure_count: 0, auth_failure_code: null } : {}),
            ...(isAuthFailure
              ? {
                  auth_failure_count: trx.raw('auth_failure_count + 1'),
                  auth_failure_last_at: trx.fn.now(),
                  auth_failure_code: health.errorCode,
                }
              : {}),
          });
      });
    },
  };
}
