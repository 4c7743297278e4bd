/** Who owns which provider, and which instances there are. Types only. Rejects with a `FaultError` only. */
import type { InstanceId, ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { ImapProvider } from '@mailstream/shared/domain/provider';

export interface Term {
  readonly owner: InstanceId;
  /** Grows at every acquisition. */
  readonly epoch: number;
}

export interface ProviderRef {
  readonly tenant: TenantId;
  readonly id: ProviderId;
}

export interface FolderRef extends ProviderRef {
  readonly folder: string;
}

/** One row of the daemon's cross-tenant view: no settings, no secrets. */
export interface DiscoveredProvider extends ProviderRef {
  readonly configVersion: number;
  readonly pokeVersion: number;
  /** Grows with each audit and each resync that somebody asks for. */
  readonly auditVersion: number;
  /** Number of folders: the weight in the fair share. */
  readonly weight: number;
  readonly leaseOwner: InstanceId | null;
  /** By the database's clock. */
  readonly leaseExpired: boolean;
}

export interface FleetView {
  /** Active, not paused providers whose lease nobody holds: given back, or run out. */
  readonly free: readonly ProviderRef[];
  /** Instances that run, the asking one included. */
  readonly instances: number;
  /** Becomes another one when a provider came, went, was paused or resumed, changed or poked. */
  readonly fingerprint: string;
}

/** Of the leases that were to be renewed. Those in neither list are no longer ours under that epoch. */
export interface Renewal {
  readonly renewed: readonly ProviderRef[];
  /** Ours still, but somebody is changing the row at this moment: not renewed, try again soon. */
  readonly busy: readonly ProviderRef[];
}

export interface LeaseStore {
  /** Active, not paused providers of all tenants; or only one, when asked for one. */
  discover(only?: ProviderRef): Promise<readonly DiscoveredProvider[]>;
  /** What an instance has to know each second, in one statement however many providers there are. */
  look(owner: InstanceId, deadAfterMs: number): Promise<FleetView>;
  /** Conditional, by the database's clock, `lease_epoch + 1`; null when another holds a lease that runs. */
  acquire(provider: ProviderRef, owner: InstanceId, ttlMs: number): Promise<Term | null>;
  /** One statement for all. Waits for no lock: one row that somebody else works on must not cost the others their lease. */
  renew(
    leases: readonly (ProviderRef & { readonly epoch: number })[],
    owner: InstanceId,
    ttlMs: number,
  ): Promise<Renewal>;
  /** Gives back exactly this term and tells the others; does nothing when it is no longer ours. */
  release(provider: ProviderRef, term: Term): Promise<void>;
}

/** What an instance says of itself, for operators and for shares. */
export interface InstanceReport {
  readonly state: 'running' | 'draining';
  readonly leases: number;
  readonly listeners: number;
  /** How fresh its folders are, as sums. */
  readonly data: {
    readonly folders: number;
    readonly stale: number;
    readonly unseen: number;
    readonly oldestMs: number;
  };
  /** Code of what is full while nothing is fetched, else null. */
  readonly heldBy: string | null;
}

/** Processes that are alive (`service_instances`). */
export interface InstanceRegistry {
  /** Writes this instance's row by the database's clock, and removes those that have been silent for `deadAfterMs`. */
  beat(report: InstanceReport, deadAfterMs: number): Promise<void>;
  /** Removes this instance's row: the others need not wait for it. */
  leave(): Promise<void>;
}

/** Reads a provider's settings under its tenant. */
export interface ProviderSource {
  /** Null when it was deleted. */
  load(provider: ProviderRef): Promise<ImapProvider | null>;
}
