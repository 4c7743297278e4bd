/** Limits of tenants in PostgreSQL: what is counted, and the check that goes with a change of mailboxes. */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import {
  addApiCalls,
  loadQuota,
  mailboxUse,
  messagesToday,
  storedBytes,
} from '@mailstream/shared/db/tenant-quotas';
import type { TenantId } from '@mailstream/shared/domain/ids';
import { ApiError, fieldError } from '../api-error.ts';
import type { QuotaStore } from '../ports/quotas.ts';

export function createQuotaStore(database: Database): QuotaStore {
  return {
    addApiCalls: (tenant, calls) =>
      database.withTenant(tenant, async (trx) => ({
        today: await addApiCalls(trx, tenant, calls),
        limit: (await loadQuota(trx, tenant)).apiCallsPerDay,
      })),
    describe: (tenant) =>
      database.withTenant(tenant, async (trx) => ({
        limits: await loadQuota(trx, tenant),
        used: {
          ...(await mailboxUse(trx, tenant)),
          messagesPerDay: await messagesToday(trx, tenant, null),
          storageBytes: await storedBytes(trx, tenant),
          apiCallsPerDay: await addApiCalls(trx, tenant, 0),
        },
      })),
  };
}

/**
 * Part of the transaction that adds mailboxes or folders. Those who add at the same moment wait for each other; a tenant that is over
 * a limit already, because it was lowered, keeps what it has.
 * @throws ApiError QUOTA_MAILBOXES, QUOTA_FOLDERS
 */
export async function refuseOverQuota(
  trx: Knex.Transaction,
  tenant: TenantId,
  more: { readonly mailboxes: number; readonly folders: number },
): Promise<void> {
  if (more.mailboxes <= 0 && more.folders <= 0) return;
  const { mailboxes, folders } = await loadQuota(trx, tenant);
  if (mailboxes === null && folders === null) return;
  await trx.raw('SELECT pg_advisory_xact_lock(hashtextextended(?, 0))', [`mailstream quota ${tenant}`]);
  const used = await mailboxUse(trx, tenant);
  if (mailboxes !== null && more.mailboxes > 0 && used.mailboxes + more.mailboxes > mailboxes)
    throw new ApiError('QUOTA_MAILBOXES');
  if (folders !== null && more.folders > 0 && used.folders + more.folders > folders)
    throw new ApiError('QUOTA_FOLDERS', { fields: [fieldError('imap.folderFilters', 'QUOTA_FOLDERS')] });
}

/** Without a choice the inbox is watched. */
export function foldersOf({ folderFilters }: { readonly folderFilters: readonly string[] }): number {
  return Math.max(1, folderFilters.length);
}
