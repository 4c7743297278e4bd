/** Freshness and audits of folders in PostgreSQL: the table `folder_status`, which only the holder of the lease writes. */
import type { Database } from '@mailstream/shared/db/database';
import { BEGINNING_PACE_MS, gatherPerTenant } from '@mailstream/shared/db/gather';
import { perTenant } from '@mailstream/shared/db/per-tenant';
import type { StartFrom } from '@mailstream/shared/domain/provider';
import type { FolderStatusStore } from '../ports/folder-status.ts';
import type { ProviderRef } from '../ports/leases.ts';

/** What came in an earlier attempt, before its listener was stopped, was known to the last one: so the ledger is asked. */
const RECORD_RESYNC = `
  WITH came AS (
    SELECT count(m.uid) AS count
      FROM folder_resyncs q
      JOIN inbound_messages m ON m.tenant = q.tenant AND m.provider_id = q.provider_id AND m.folder = q.folder
       AND m.uid_validity = :uidValidity AND m.uid > :fromUid AND m.uid <= :toUid AND m.received_at >= q.requested_at
       AND m.status <> 'skipped'
     WHERE q.tenant = :tenant AND q.provider_id = :provider AND q.folder = :folder AND NOT q.is_dry_run
  )
  UPDATE folder_resyncs r
     SET answered_version = :version, answered_at = now(), answered_dry_run = :isDryRun, listed = :listed, missing = :missing,
         came = (SELECT count FROM came),
         known = CASE WHEN CAST(:isDryRun AS boolean) THEN CAST(:known AS bigint) ELSE greatest(CAST(:listed AS bigint) - CAST(:missing AS bigint) - (SELECT count FROM came), 0) END
    FROM imap_email_provider_config c
   WHERE r.tenant = :tenant AND r.provider_id = :provider AND r.folder = :folder AND r.version >= :version
     AND c.tenant = r.tenant AND c.email_provider_id = r.provider_id AND c.lease_owner = :owner AND c.lease_epoch = :epoch`;

const SELECT_REQUESTS = `
SELECT c.email_provider_id AS id, c.audit_version AS audit,
       (SELECT coalesce(json_agg(json_build_array(s.folder, s.audit_version)), '[]')
          FROM folder_status s WHERE s.tenant = :tenant AND s.provider_id = c.email_provider_id) AS answered,
       (SELECT coalesce(json_agg(json_build_object('folder', r.folder, 'version', r.version, 'isDryRun', r.is_dry_run,
                                                   'startFrom', r.start_from)), '[]')
          FROM folder_resyncs r
         WHERE r.tenant = :tenant AND r.provider_id = c.email_provider_id AND r.answered_version < r.version) AS resyncs
  FROM imap_email_provider_config c WHERE c.tenant = :tenant AND c.email_provider_id = ANY (CAST(:ids AS uuid[]))`;

const GATHERED = { maxItems: 500, everyMs: BEGINNING_PACE_MS };

interface RequestsRow {
  readonly id: string;
  readonly audit: number;
  readonly answered: readonly (readonly [folder: string, version: number])[];
  readonly resyncs: readonly {
    readonly folder: string;
    readonly version: number;
    readonly isDryRun: boolean;
    readonly startFrom: StartFrom;
  }[];
}

/**
 * @param database for audits, under the tenant
 * @param stamps for the stamp of all folders at once: a pool of its own, so that it does not wait behind ingest
 */
export function createPgFolderStatus(database: Database, stamps: Database): FolderStatusStore {
  const requestsOf = gatherPerTenant<ProviderRef, RequestsRow | null>(async (tenant, providers) => {
    const ids = providers.map(({ id }) => id);
    const rows = await database.statement<RequestsRow>(tenant, SELECT_REQUESTS, { tenant, ids });
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? null);
  }, GATHERED);
  return {
    async requests(provider) {
      const row = await requestsOf(provider);
      return {
        audit: Number(row?.audit ?? 0),
        answeredAudits: new Map(row?.answered),
        resyncs: new Map(row?.resyncs.map(({ folder, ...request }) => [folder, request])),
      };
    },

    async recordResync(folder, term, request, counts) {
      await database.statement(folder.tenant, RECORD_RESYNC, {
        ...{ tenant: folder.tenant, provider: folder.id, folder: folder.folder },
        ...{ owner: term.owner, epoch: term.epoch },
        ...{ version: request.version, isDryRun: request.isDryRun },
        ...counts,
      });
    },

    async recordAudit(folder, term, audit) {
      await database.statement(
        folder.tenant,
        `INSERT INTO folder_status AS s (tenant, provider_id, folder, audit_version, audit_reason, audited_at, audit_duration_ms,
                                           audit_uid_validity, audit_checked, audit_missing, audit_found, audit_waiting, audit_unpublished)
           SELECT c.tenant, c.email_provider_id, :folder, :version, :reason, now(), :durationMs,
                  :uidValidity, :checked, :missing, :found, :waiting,
                  (SELECT count(*) FROM inbound_messages m
                    WHERE m.tenant = :tenant AND m.provider_id = :provider AND m.folder = :folder AND m.status = 'received')
             FROM imap_email_provider_config c
            WHERE c.tenant = :tenant AND c.email_provider_id = :provider AND c.lease_owner = :owner AND c.lease_epoch = :epoch
               ON CONFLICT (tenant, provider_id, folder) DO UPDATE
              SET audit_version = greatest(s.audit_version, excluded.audit_version), audit_reason = excluded.audit_reason,
                  audited_at = excluded.audited_at, audit_duration_ms = excluded.audit_duration_ms,
                  audit_uid_validity = excluded.audit_uid_validity, audit_checked = excluded.audit_checked,
                  audit_missing = excluded.audit_missing, audit_found = excluded.audit_found,
                  audit_waiting = excluded.audit_waiting, audit_unpublished = excluded.audit_unpublished`,
        {
          tenant: folder.tenant,
          provider: folder.id,
          folder: folder.folder,
          owner: term.owner,
          epoch: term.epoch,
          version: audit.version,
          reason: audit.reason,
          durationMs: audit.durationMs,
          uidValidity: audit.uidValidity,
          checked: audit.checked,
          missing: audit.missing,
          found: audit.found,
          waiting: audit.waiting,
        },
      );
    },

    async stamp(owner, limitMs, folders) {
      const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
      await stamps.asDaemon((trx) =>
        perTenant(stamps.isCitus, folders, async (some, tenant) => {
          await trx.raw(
            // Ages, not times: the database's clock is the one that all processes share.
            `INSERT INTO folder_status AS s (tenant, provider_id, folder, proven_at, stale_at, unseen, oldest_unseen_at, newest_unseen_at)
           SELECT v.tenant, v.provider_id, v.folder, now() - make_interval(secs => v.proven),
                  now() - make_interval(secs => v.proven) + make_interval(secs => :limitSeconds), v.unseen,
                  now() - make_interval(secs => v.oldest), now() - make_interval(secs => v.newest)
             FROM unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[]), CAST(:folders AS text[]), CAST(:epochs AS bigint[]),
                         CAST(:proven AS float8[]), CAST(:unseen AS bigint[]), CAST(:oldest AS float8[]), CAST(:newest AS float8[]))
                  AS v (tenant, provider_id, folder, epoch, proven, unseen, oldest, newest)
             JOIN imap_email_provider_config c ON c.tenant = v.tenant AND c.email_provider_id = v.provider_id
              -- Not by the owner's index: see pg-lease-store.ts.
              AND c.lease_owner IS NOT DISTINCT FROM :owner AND c.lease_epoch = v.epoch ${tenant === null ? '' : 'AND c.tenant = :tenant'}
            -- In one order everywhere: an instance that was just replaced may still be stamping.
            ORDER BY 1, 2, 3
               ON CONFLICT (tenant, provider_id, folder) DO UPDATE
              SET proven_at = greatest(s.proven_at, excluded.proven_at), stale_at = greatest(s.stale_at, excluded.stale_at), unseen = excluded.unseen,
                  oldest_unseen_at = excluded.oldest_unseen_at, newest_unseen_at = excluded.newest_unseen_at`,
            {
              owner,
              ...(tenant === null ? {} : { tenant }),
              limitSeconds: limitMs / 1000,
              tenants: some.map((folder) => folder.tenant),
              ids: some.map(({ id }) => id),
              folders: some.map(({ folder }) => folder),
              epochs: some.map(({ epoch }) => epoch),
              proven: some.map(({ provenAgeMs }) => seconds(provenAgeMs)),
              unseen: some.map(({ unseen }) => unseen),
              oldest: some.map(({ oldestUnseenAgeMs }) => seconds(oldestUnseenAgeMs)),
              newest: some.map(({ newestUnseenAgeMs }) => seconds(newestUnseenAgeMs)),
            },
          );
          return [];
        }),
      );
    },
  };
}
