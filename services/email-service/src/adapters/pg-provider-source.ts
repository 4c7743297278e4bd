/** Settings of a provider and what people see of its health, both under its tenant. */
import type { Database } from '@mailstream/shared/db/database';
import { BEGINNING_PACE_MS, gatherPerTenant } from '@mailstream/shared/db/gather';
import { SELECT_IMAP_PROVIDERS, toImapProvider } from '@mailstream/shared/db/provider-repository';
import { providerId } from '@mailstream/shared/domain/ids';
import type { HealthStore } from '../ports/folder-status.ts';
import type { ProviderRef, ProviderSource, Term } from '../ports/leases.ts';
import { gatherUnlocked, type AtLock } from './gather-unlocked.ts';

const GATHERED = { maxItems: 500, everyMs: BEGINNING_PACE_MS };
/** What people read need not be there within milliseconds, unless it is the only news. */
const REPORTS = { maxItems: 500, everyMs: 200 };

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
const reportHealth = (atLock: AtLock): string => `
WITH owned AS (
  SELECT c.email_provider_id AS id, said.folders, said.capabilities, said.status, said.error_code, said.error_message,
         said.in_sync, said.status = 'connected' AS is_connected, said.is_auth_failure
    FROM jsonb_to_recordset(CAST(:reports AS jsonb)) AS said (
         id uuid, owner uuid, epoch bigint, folders jsonb, capabilities jsonb, status text, error_code text, error_message text,
         in_sync boolean, is_auth_failure boolean)
    JOIN imap_email_provider_config c ON c.tenant = :tenant AND c.email_provider_id = said.id
    JOIN email_providers p ON p.tenant = :tenant AND p.id = said.id
   WHERE c.lease_owner IS NOT DISTINCT FROM said.owner AND c.lease_epoch = said.epoch
     FOR NO KEY UPDATE OF c, p ${atLock}
), configs AS (
  UPDATE imap_email_provider_config c
     SET folder_health = o.folders, server_capabilities = coalesce(o.capabilities, server_capabilities)
    FROM owned o WHERE c.tenant = :tenant AND c.email_provider_id = o.id
)
UPDATE email_providers p
   SET status = o.status, error_code = o.error_code, error_message = o.error_message,
       error_at = CASE WHEN o.error_code IS NULL THEN NULL ELSE now() END,
       last_sync_at = CASE WHEN o.in_sync THEN now() ELSE p.last_sync_at END,
       auth_failure_count = CASE WHEN o.is_auth_failure THEN p.auth_failure_count + 1
                                 WHEN o.is_connected THEN 0 ELSE p.auth_failure_count END,
       auth_failure_last_at = CASE WHEN o.is_auth_failure THEN now() ELSE p.auth_failure_last_at END,
       auth_failure_code = CASE WHEN o.is_auth_failure THEN o.error_code
                                WHEN o.is_connected THEN NULL ELSE p.auth_failure_code END
  FROM owned o WHERE p.tenant = :tenant AND p.id = o.id
RETURNING p.id`;

interface Report extends ProviderRef {
  readonly term: Term;
  readonly health: Parameters<HealthStore['report']>[2];
}

/** Status is for people and never read by the protocol; still only the owner of the lease writes it. */
export function createPgHealthStore(database: Database): HealthStore {
  const report = gatherUnlocked<Report, true>(async (tenant, reports, atLock) => {
    const said = reports.map(({ id, term, health }) => ({
      ...{ id, owner: term.owner, epoch: term.epoch },
      folders: health.folders,
      capabilities: health.capabilities,
      status: health.status,
      error_code: health.errorCode,
      error_message: health.errorMessage,
      in_sync: health.inSync,
      is_auth_failure: health.errorCode === 'IMAP_AUTH_REJECTED' || health.errorCode === 'OAUTH_REAUTHORIZE',
    }));
    const values = { tenant, reports: JSON.stringify(said) };
    // The next change says it again.
    const rows = await database.statement<{ id: string }>(tenant, reportHealth(atLock), values, {
      isDurable: false,
    });
    return new Map(rows.map(({ id }) => [providerId(id), true]));
  }, REPORTS);
  return {
    async report(ref, term, health) {
      await report({ tenant: ref.tenant, id: ref.id, term, health });
    },
  };
}
