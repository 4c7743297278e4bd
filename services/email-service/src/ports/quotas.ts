/** What the daemon needs to know of tenants' limits. Types only. Rejects with a `FaultError` only. */
import type { TenantId } from '@mailstream/shared/domain/ids';

/** Null is no limit. */
export interface IngestLimitsOfTenant {
  readonly messagesPerDay: number | null;
  readonly storageBytes: number | null;
}

export interface IngestUse {
  readonly messagesToday: number;
  readonly storedBytes: number;
}

export interface QuotaStore {
  /** Of these tenants, those with a limit on what is fetched. */
  limited(tenants: readonly TenantId[]): Promise<ReadonlyMap<TenantId, IngestLimitsOfTenant>>;
  /** Over all instances; counted no further than it takes to see that a limit is reached. */
  use(tenant: TenantId, limits: IngestLimitsOfTenant): Promise<IngestUse>;
}
