/** What people see of folders: health, audits, age of the data. Types only. Rejects with a `FaultError` only. */
import type { InstanceId } from '@mailstream/shared/domain/ids';
import type { FolderRef, ProviderRef, Term } from './leases.ts';

/** One comparison of a whole folder with the ledger; see folder-audit.ts. */
export interface AuditCounts {
  readonly uidValidity: number;
  /** Messages between baseline and cursor that the server showed. */
  readonly checked: number;
  /** Of them, those that the server shows and the ledger does not have, after they were asked for. */
  readonly missing: number;
  /** Those that the ledger did not have and has now: fetched and published by the audit. */
  readonly found: number;
  /** Above the cursor: not looked at yet, and no loss. */
  readonly waiting: number;
}

export interface FolderAudit extends AuditCounts {
  readonly reason: 'schedule' | 'request';
  /** The newest request that it answers. */
  readonly version: number;
  readonly durationMs: number;
}

/** What one folder has proven, as ages: each side has its own clock. */
export interface FolderStamp extends FolderRef {
  readonly epoch: number;
  /** Null before the first proof of this term. */
  readonly provenAgeMs: number | null;
  readonly unseen: number;
  readonly oldestUnseenAgeMs: number | null;
  readonly newestUnseenAgeMs: number | null;
}

export interface FolderStatusStore {
  /** The newest audit that somebody asked for, and the newest that each folder has answered; 0 before the first. */
  auditRequests(
    provider: ProviderRef,
  ): Promise<{ readonly requested: number; readonly answered: ReadonlyMap<string, number> }>;
  /** Only while the term holds: a former owner says nothing. */
  recordAudit(folder: FolderRef, term: Term, audit: FolderAudit): Promise<void>;
  /**
   * All folders of an instance in one statement; those whose lease is not the owner's any more are left out.
   * @param limitMs how old a proof may get
   */
  stamp(owner: InstanceId, limitMs: number, folders: readonly FolderStamp[]): Promise<void>;
}

export interface FolderHealth {
  /** `connecting`, `watching`, `syncing`, `waiting` (will retry by itself) or `parked` (a person must act, or an hour passes). */
  readonly state: 'connecting' | 'syncing' | 'watching' | 'waiting' | 'parked';
  /** Code of the error catalogue, with `waiting` and `parked`. */
  readonly code: string | null;
  /** ISO 8601. */
  readonly since: string;
}

export interface HealthStore {
  /** Writes what people see of a provider: status and error derived from its folders. Only while the term holds. */
  report(
    provider: ProviderRef,
    term: Term,
    health: {
      readonly status: 'connected' | 'disconnected' | 'error';
      readonly errorCode: string | null;
      readonly errorMessage: string | null;
      readonly folders: Readonly<Record<string, FolderHealth>>;
      readonly capabilities: readonly string[] | null;
      readonly inSync: boolean;
    },
  ): Promise<void>;
}
