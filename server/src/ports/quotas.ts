/** Limits of tenants. Types only. */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { QuotaKind, TenantQuota } from '@mailstream/shared/domain/quota';

export interface QuotaStore {
  /** Adds calls of the API to those of today; `today` is the sum over all servers. */
  addApiCalls(
    tenant: TenantId,
    calls: number,
  ): Promise<{ readonly limit: number | null; readonly today: number }>;
  describe(
    tenant: TenantId,
  ): Promise<{ readonly limits: TenantQuota; readonly used: Readonly<Record<QuotaKind, number>> }>;
}
