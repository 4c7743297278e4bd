/** What jobs need from the world: types only. Unless a method says otherwise it rejects with a `FaultError`. */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { JobDescription, JobName } from '@mailstream/shared/domain/jobs';

export interface DueJob {
  readonly name: string;
  readonly schedule: string;
  readonly timeZone: string;
  /** The database's own timestamp, not to be computed with; null where the next tick is not known yet. */
  readonly tick: string | null;
  /** The database's clock. */
  readonly now: Date;
}

export interface ClaimedRun {
  readonly id: string;
  readonly claimId: string;
  readonly job: string;
  /** This one included. */
  readonly attempts: number;
}

/** What a run did, as counts. */
export type JobResult = Readonly<Record<string, number>>;

export interface JobStore {
  /** Adds the jobs that have no row. */
  ensure(jobs: readonly JobDescription[]): Promise<void>;
  /** Jobs whose tick has come, or that have none. */
  due(): Promise<readonly DueJob[]>;
  /**
   * Moves a job on to its next tick, and makes a run for the one that came: both or neither, and for one tick once.
   * @param next null where there is none any more
   */
  advance(job: DueJob, next: Date | null): Promise<void>;
  /** Runs without a job in Redis, as far as the database knows. */
  unqueued(relayAgainMs: number): Promise<readonly string[]>;
  relayed(ids: readonly string[]): Promise<void>;
  /** Null when it is over, somebody else's, or another run of the same job is under way (it counts as skipped then). */
  claim(id: string, claimId: string, leaseMs: number): Promise<ClaimedRun | null>;
  /** @returns false when it is no longer ours. */
  keep(run: ClaimedRun, leaseMs: number): Promise<boolean>;
  finish(
    run: ClaimedRun,
    outcome:
      | { readonly kind: 'done'; readonly result: JobResult }
      | { readonly kind: 'failed'; readonly code: string; readonly detail: string },
  ): Promise<void>;
}

export interface JobQueue {
  /** The same run twice is one. */
  add(ids: readonly string[]): Promise<void>;
}

/** Throws to fail; is run again by the next tick. */
export type Job = (signal: AbortSignal) => Promise<JobResult>;
export type Jobs = Readonly<Partial<Record<JobName, Job>>>;

/** Who refers to what is in the storage. */
export interface StorageReferences {
  /** All tenants there are, in ascending order. */
  tenants(): Promise<readonly TenantId[]>;
  /** Of one moment. */
  of(
    tenant: TenantId,
    keys: readonly string[],
  ): Promise<{
    /** Those of the keys that something refers to. */
    readonly referenced: ReadonlySet<string>;
    /** When the oldest message came that has no effect yet: what it refers to only its entry on the stream tells. Null without one. */
    readonly oldestPendingAt: Date | null;
  }>;
}

/** How far a job is that does its work in portions. */
export interface JobPositions {
  /** Null before the first portion. */
  read(job: JobName): Promise<string | null>;
  save(job: JobName, position: string | null): Promise<void>;
}
