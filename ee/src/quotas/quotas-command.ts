/**
 * Shows and sets the limits of one tenant:
 *
 *     main.js <tenant>                                     limits, and what is used of them
 *     main.js <tenant> --mailboxes=20 --folders=none       sets these, leaves the others
 *
 * A running daemon sees a change within five seconds. Every change is in the tenant's audit log.
 */
import { randomUUID } from 'node:crypto';
import type { Database } from '@mailstream/shared/db/database';
import { sqlState } from '@mailstream/shared/db/database-faults';
import {
  addApiCalls,
  loadQuota,
  mailboxUse,
  messagesToday,
  saveQuota,
  storedBytes,
} from '@mailstream/shared/db/tenant-quotas';
import { tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import { QUOTA_KINDS, type QuotaKind, type TenantQuota } from '@mailstream/shared/domain/quota';

const OPTIONS: Readonly<Record<string, QuotaKind>> = {
  mailboxes: 'mailboxes',
  folders: 'folders',
  'messages-per-day': 'messagesPerDay',
  'storage-bytes': 'storageBytes',
  'api-calls-per-day': 'apiCallsPerDay',
};

export const USAGE = `Usage: main.js <tenant> [${Object.keys(OPTIONS)
  .map((name) => `--${name}=N|none`)
  .join('] [')}]`;

export type QuotasRequest =
  | { readonly kind: 'request'; readonly tenant: TenantId; readonly change: Partial<TenantQuota> }
  | { readonly kind: 'problem'; readonly text: string };

export function parseQuotasRequest(args: readonly string[]): QuotasRequest {
  const change: Partial<Record<QuotaKind, number | null>> = {};
  const tenants: string[] = [];
  for (const arg of args) {
    const [, name, value] = /^--([a-z-]+)=(.*)$/.exec(arg) ?? [];
    if (name === undefined || value === undefined) {
      tenants.push(arg);
      continue;
    }
    const kind = OPTIONS[name];
    if (kind === undefined) return problem(`--${name} is no limit`);
    if (value !== 'none' && !/^\d{1,15}$/.test(value))
      return problem(`--${name} must be a whole number, or none for no limit`);
    change[kind] = value === 'none' ? null : Number(value);
  }
  const [tenant = ''] = tenants;
  if (tenants.length !== 1) return problem('one tenant is wanted');
  try {
    return { kind: 'request', tenant: tenantId(tenant), change };
  } catch {
    return problem(`"${tenant}" is not the id of a tenant (a UUID)`);
  }
}

function problem(text: string): QuotasRequest {
  return { kind: 'problem', text: `${text}.\n${USAGE}` };
}

/** @returns lines to print. @throws Error with a sentence for a tenant that is not there */
export async function runQuotas(
  database: Pick<Database, 'withTenant' | 'asDaemon'>,
  { tenant, change }: Extract<QuotasRequest, { kind: 'request' }>,
): Promise<readonly string[]> {
  if (Object.keys(change).length > 0) await set(database, tenant, change);
  return await database.withTenant(tenant, async (trx) => {
    const limits = await loadQuota(trx, tenant);
    const used: Record<QuotaKind, number> = {
      ...(await mailboxUse(trx, tenant)),
      messagesPerDay: await messagesToday(trx, tenant, null),
      storageBytes: await storedBytes(trx, tenant),
      apiCallsPerDay: await addApiCalls(trx, tenant, 0),
    };
    return QUOTA_KINDS.map((kind) => `${kind}: ${used[kind]} of ${limits[kind] ?? 'no limit'}`);
  });
}

async function set(
  database: Pick<Database, 'withTenant' | 'asDaemon'>,
  tenant: TenantId,
  change: Partial<TenantQuota>,
): Promise<void> {
  const before = await database.withTenant(tenant, (trx) => loadQuota(trx, tenant));
  try {
    await database.asDaemon((trx) => saveQuota(trx, tenant, change));
  } catch (error) {
    if (sqlState(error) === '23503') throw new Error(`There is no tenant ${tenant}.`, { cause: error });
    throw error;
  }
  await database.withTenant(tenant, async (trx) => {
    await trx('audit_log').insert({
      ...{ tenant, id: randomUUID(), actor_type: 'system', actor_id: null, action: 'quota.changed' },
      ...{ subject_type: 'tenant', subject_id: tenant },
      before: JSON.stringify(before),
      after: JSON.stringify({ ...before, ...change }),
    });
  });
}
