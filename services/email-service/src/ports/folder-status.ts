/** What people see of folders: health, audits, age of the data. Types only. Rejects with a `FaultError` only. */
import type { InstanceId } from '@mailstream/shared/domain/ids';
import type { StartFrom } from '@mailstream/shared/domain/provider';
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

/** Older mail that somebody wants fetched as well, or (dry run) counted. */
export interface ResyncRequest {
  readonly version: number;
  readonly isDryRun: boolean;
  readonly startFrom: StartFrom;
}

export interface ResyncCounts {
  readonly uidValidity: number;
  /** The messages it was about: above `fromUid`, up to `toUid`. */
  readonly fromUid: number;
  readonly toUid: number;
  /** Of those, what the server showed. */
  readonly listed: number;
  /** Of those, what was in the ledger before. */
  readonly known: number;
  /** Of those, what the server still shows and the ledger does not have after they were asked for; of a dry run 0. */
  readonly missing: number;
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

/** What people asked of a provider's folders. */
export interface FolderRequests {
  /** The newest audit that somebody asked for; 0 before the first. */
  readonly audit: number;
  /** The newest audit that each folder has answered; 0 before its first. */
  readonly answeredAudits: ReadonlyMap<string, number>;
  /** Those that no listener has answered, by folder. */
  readonly resyncs: ReadonlyMap<string, ResyncRequest>;
}

export interface FolderStatusStore {
  requests(provider: ProviderRef): Promise<FolderRequests>;
  /** Only while the term holds. The messages that came are counted in the ledger, over all attempts at this request. */
  recordResync(folder: FolderRef, term: Term, request: ResyncRequest, counts: ResyncCounts): Promise<void>;
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
