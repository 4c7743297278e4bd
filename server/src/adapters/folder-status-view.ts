/** Freshness and audits of folders as the API shows them. Ages are by the database's clock, so that a dead daemon shows too. */
import { z } from 'zod';
import type { FolderAudit, FolderStatus, Provider, ProviderAudit } from '../contracts/providers.ts';
import { folderResyncSchema, type FolderResync } from '../contracts/resync.ts';
import { isoOrNull } from './page-cursor.ts';

/** The columns below, and when the mailbox was connected. */
export interface FolderStatusRow {
  /** By folder. */
  readonly folder_status: unknown;
  /** By folder. */
  readonly folder_resyncs: unknown;
  readonly audit_version: number;
  readonly audit_requested_at: Date | null;
  readonly audit_requested_by: string | null;
  readonly created_at: Date;
}

/** Of `email_providers as p` and `imap_email_provider_config as c`. */
export const FOLDER_STATUS_COLUMNS = `
  c.audit_version, c.audit_requested_at,
  coalesce((SELECT coalesce(nullif(u.display_name, ''), u.email) FROM users u
             WHERE u.tenant = p.tenant AND u.id::text = c.audit_requested_by_id AND c.audit_requested_by_type = 'user'),
           (SELECT t.name FROM api_tokens t
             WHERE t.tenant = p.tenant AND t.id::text = c.audit_requested_by_id AND c.audit_requested_by_type = 'api_token'))
    AS audit_requested_by,
  (SELECT coalesce(jsonb_object_agg(s.folder, jsonb_build_object(
            'provenAt', s.proven_at, 'dataAgeSeconds', extract(epoch FROM now() - s.proven_at),
            'isStale', coalesce(s.stale_at < now(), false),
            'unseen', s.unseen,
            'oldestUnseenSeconds', extract(epoch FROM now() - s.oldest_unseen_at),
            'newestUnseenSeconds', extract(epoch FROM now() - s.newest_unseen_at),
            'auditVersion', s.audit_version,
            'audit', CASE WHEN s.audited_at IS NULL THEN NULL ELSE jsonb_build_object(
              'at', s.audited_at, 'reason', s.audit_reason, 'durationMs', s.audit_duration_ms,
              'uidValidity', s.audit_uid_validity, 'checked', s.audit_checked, 'missing', s.audit_missing,
              'found', s.audit_found, 'waiting', s.audit_waiting, 'unpublished', s.audit_unpublished) END)), '{}')
     FROM folder_status s WHERE s.tenant = p.tenant AND s.provider_id = p.id) AS folder_status,
  (SELECT coalesce(jsonb_object_agg(r.folder, jsonb_build_object(
            'version', r.version, 'requestedAt', r.requested_at, 'isDryRun', r.is_dry_run, 'startFrom', r.start_from,
            'isPending', r.answered_version < r.version,
            'result', CASE WHEN r.answered_version < r.version THEN NULL ELSE jsonb_build_object(
              'at', r.answered_at, 'listed', r.listed, 'known', r.known, 'missing', r.missing,
              'fetched', CASE WHEN r.answered_dry_run THEN r.listed - r.known ELSE r.came END) END)), '{}')
     FROM folder_resyncs r WHERE r.tenant = p.tenant AND r.provider_id = p.id) AS folder_resyncs`;

const time = z.string().transform((text) => new Date(text).toISOString());
const seconds = z.number().transform((value) => Math.max(0, Math.round(value)));

const statusSchema = z.object({
  provenAt: time.nullable(),
  dataAgeSeconds: seconds.nullable(),
  isStale: z.boolean(),
  unseen: z.number(),
  oldestUnseenSeconds: seconds.nullable(),
  newestUnseenSeconds: seconds.nullable(),
  auditVersion: z.number(),
  audit: z
    .object({
      at: time,
      reason: z.enum(['schedule', 'request']),
      durationMs: z.number(),
      uidValidity: z.number(),
      checked: z.number(),
      missing: z.number(),
      found: z.number(),
      waiting: z.number(),
      unpublished: z.number(),
    })
    .nullable(),
});

const UNKNOWN: z.infer<typeof statusSchema> = {
  provenAt: null,
  dataAgeSeconds: null,
  isStale: false,
  unseen: 0,
  oldestUnseenSeconds: null,
  newestUnseenSeconds: null,
  auditVersion: 0,
  audit: null,
};

const resyncSchema = folderResyncSchema.extend({
  requestedAt: time,
  result: folderResyncSchema.shape.result.unwrap().extend({ at: time }).nullable(),
});

/** What became of the last request for older mail of a folder. */
export function folderResync(row: FolderStatusRow, name: string): FolderResync | null {
  const all = z.record(z.string(), z.unknown()).catch({}).parse(row.folder_resyncs);
  return resyncSchema
    .nullable()
    .catch(null)
    .parse(all[name] ?? null);
}

/** A mailbox whose folders were never proven complete is given this long after it was connected, milliseconds. */
const FIRST_PROOF_MS = 900_000;

type Freshness = Pick<
  FolderStatus,
  | 'provenAt'
  | 'dataAgeSeconds'
  | 'isStale'
  | 'unseen'
  | 'oldestUnseenSeconds'
  | 'newestUnseenSeconds'
  | 'isAuditPending'
> & { readonly audit: FolderAudit | null };

/** @param isRunning watched, switched on and not paused: nobody expects news of the others */
export function folderStatus(row: FolderStatusRow, name: string, isRunning: boolean): Freshness {
  const all = z.record(z.string(), z.unknown()).catch({}).parse(row.folder_status);
  const { auditVersion, ...status } = statusSchema.catch(UNKNOWN).parse(all[name]);
  const neverProven = status.provenAt === null && Date.now() - row.created_at.getTime() > FIRST_PROOF_MS;
  return {
    ...status,
    isStale: isRunning && (status.isStale || neverProven),
    isAuditPending: isRunning && auditVersion < row.audit_version,
  };
}

export function providerFreshness(
  folders: readonly FolderStatus[],
): Pick<Provider, 'isStale' | 'dataAgeSeconds'> {
  const ages = folders.filter(({ isWatched }) => isWatched).map(({ dataAgeSeconds }) => dataAgeSeconds);
  const known = ages.filter((age) => age !== null);
  return {
    isStale: folders.some(({ isStale }) => isStale),
    dataAgeSeconds: known.length < ages.length || known.length === 0 ? null : Math.max(...known),
  };
}

export function providerAudit(row: FolderStatusRow, folders: readonly FolderStatus[]): ProviderAudit | null {
  const watched = folders.filter(({ isWatched }) => isWatched);
  const audits = watched.flatMap(({ audit }) => audit ?? []);
  const requestedAt = isoOrNull(row.audit_requested_at);
  if (audits.length === 0 && requestedAt === null) return null;
  const sum = (of: (audit: FolderAudit) => number): number =>
    audits.reduce((total, audit) => total + of(audit), 0);
  const oldest = audits.map(({ at }) => at).sort()[0] ?? null;
  return {
    at: audits.length < watched.length ? null : oldest,
    checked: sum(({ checked }) => checked),
    missing: sum(({ missing }) => missing),
    found: sum(({ found }) => found),
    isPending: watched.some(({ isAuditPending }) => isAuditPending),
    requestedAt,
    requestedBy: row.audit_requested_by,
  };
}
