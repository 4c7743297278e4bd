/** The record of every message and of how far each folder was read: the truth. Types only. Rejects with a `FaultError` only. */
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import type { MessageKey } from '@mailstream/shared/domain/message';
import type { FolderRef, Term } from './leases.ts';
import type { RawRef } from './mail.ts';

export interface NewMessage {
  readonly uid: number;
  readonly messageId: string | null;
  readonly contentHash: string | null;
  readonly size: number;
  readonly internalDate: Date | null;
  readonly emailId: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
  readonly storageKey: string | null;
  readonly status: 'received' | 'dead_letter' | 'skipped';
  /** Why, for a dead letter or skip; `parse:<text>` for one that was read in headers only. */
  readonly reason: string | null;
}

export interface LedgerRow extends MessageKey {
  readonly publishSeq: number;
  readonly internalDate: Date | null;
  readonly emailId: string | null;
  readonly reason: string | null;
  readonly raw: RawRef | null;
}

export type Fenced = { readonly kind: 'fenced' };
/** The row holds another cursor than expected: nothing was written, read it again. */
export type Changed = { readonly kind: 'changed' };
/** Enough of a folder's state to know it by. */
export type CursorPosition = Pick<FolderState, 'uidValidity' | 'lastUid'>;

/** UIDs of this UIDVALIDITY at or above `from`. */
export interface FolderPart {
  readonly uidValidity: number;
  readonly from: number;
}

export interface FolderReading {
  readonly state: FolderState | null;
  /** Nothing was ever recorded of the folder, under any UIDVALIDITY: no message, no attempt. Whatever part is wanted of it is empty. */
  readonly isBlank: boolean;
  /** As `knownUids` gives them. */
  readonly known: readonly number[];
  /** UIDs with attempts that did not end; usually empty. */
  readonly unended: ReadonlyMap<number, { readonly kills: number; readonly crashes: number }>;
}

export interface Ledger {
  /**
   * Sets a folder's state where it has none (baseline) or replaces it (UIDVALIDITY change); its `publishSeq` never goes back.
   * Fenced, and `changed` when the row does not hold `expected` any more: a write that was given up may still have landed.
   * @param expected what was read; null where the folder had no state
   */
  putFolderState(
    folder: FolderRef,
    term: Term,
    state: FolderState,
    expected: CursorPosition | null,
  ): Promise<{ readonly kind: 'stored' } | Changed | Fenced>;
  /** Lets `publish_seq` go on above `atLeast`; does nothing where it is there already. Fenced. */
  raiseSequence(
    folder: FolderRef,
    term: Term,
    atLeast: number,
  ): Promise<{ readonly kind: 'stored' } | Fenced>;
  /** UIDs of this UIDVALIDITY at or above `from` that have a row; sorted, the lowest `limit` of them. */
  knownUids(folder: FolderRef, uidValidity: number, from: number, limit?: number): Promise<readonly number[]>;
  /**
   * What is known of a folder, in as few questions as can be: a fleet that moves opens hundreds at a time.
   * @param wanted which part of it is wanted, by the state in the row; null when nothing but the state is
   */
  readFolder(
    folder: FolderRef,
    wanted: (state: FolderState | null) => FolderPart | null,
  ): Promise<FolderReading>;
  /** Counts one attempt for each UID before it is made. Fenced. */
  countAttempts(
    folder: FolderRef,
    term: Term,
    uidValidity: number,
    uids: readonly number[],
  ): Promise<{ readonly kind: 'counted' } | Fenced>;
  /** Notes that the attempt just counted ended its parser. Not fenced: it is true whoever owns the folder. */
  countKill(folder: FolderRef, uidValidity: number, uid: number): Promise<void>;
  /**
   * Takes back the last attempt of each: it came to nothing, but neither its parser nor its process died of the message. Not
   * fenced, never below the kills.
   */
  forgiveAttempts(folder: FolderRef, uidValidity: number, uids: readonly number[]): Promise<void>;
  /**
   * One transaction: ledger rows, `publish_seq` for those with status `received` (the others get 0), `folder_state`, attempts
   * removed. Rows that exist already are left alone and not returned. `previousSeq` is the folder's `publish_seq` before.
   */
  recordBatch(
    folder: FolderRef,
    term: Term,
    batch: {
      /** What the row must still hold: the database may have lost commits that we remember. */
      readonly expected: CursorPosition;
      /** The cursor to store; its `publishSeq` and `lastSeenAt` are set by the statement. */
      readonly state: FolderState;
      readonly messages: readonly NewMessage[];
      /** UIDs whose attempt ended in this process, well or as a hole: their counts are removed. */
      readonly finished: readonly number[];
    },
  ): Promise<
    | {
        readonly kind: 'stored';
        readonly previousSeq: number;
        /** The new rows to publish, in `publish_seq` order. */
        readonly rows: readonly { readonly uid: number; readonly publishSeq: number }[];
      }
    | Changed
    | Fenced
  >;
  /**
   * How many messages of the same content the folder had under other UIDVALIDITYs, minus those already matched under this one; by SHA-256 of the raw bytes and by EMAILID.
   */
  unmatchedContent(
    folder: FolderRef,
    uidValidity: number,
    content: { readonly hashes: readonly string[]; readonly emailIds: readonly string[] },
  ): Promise<{
    readonly byHash: ReadonlyMap<string, number>;
    readonly byEmailId: ReadonlyMap<string, number>;
  }>;
  /**
   * Whether any row is not marked published, and any published one not processed. At the begin of a term one question, in place of
   * one for each.
   */
  outstanding(folder: FolderRef): Promise<{
    /** The number of the newest row; null before the first connect. */
    readonly publishSeq: number | null;
    readonly isUnpublished: boolean;
    readonly isUnprocessed: boolean;
  }>;
  /** Rows not yet marked published, in `publish_seq` order, after `afterSeq`, at most `limit`. */
  unpublished(folder: FolderRef, afterSeq: number, limit: number): Promise<readonly LedgerRow[]>;
  /** Rows published and not processed, in `publish_seq` order, after `afterSeq`, at most `limit`. */
  unprocessed(
    folder: FolderRef,
    afterSeq: number,
    limit: number,
  ): Promise<
    readonly (MessageKey & {
      readonly publishSeq: number;
      readonly entryId: string | null;
      readonly publishedAt: Date;
    })[]
  >;
  /**
   * Gives rows that are published, not processed and still have that `publish_seq` new ones, to be published again. Fenced.
   * The others are left alone: somebody processed them meanwhile.
   */
  requeue(
    folder: FolderRef,
    term: Term,
    rows: readonly { readonly uidValidity: number; readonly uid: number; readonly publishSeq: number }[],
  ): Promise<{ readonly kind: 'stored'; readonly count: number } | Fenced>;
  /** Gives up a row that cannot be published, for people to see. Fenced. */
  deadLetter(
    folder: FolderRef,
    term: Term,
    row: { readonly uidValidity: number; readonly uid: number },
    reason: string,
  ): Promise<{ readonly kind: 'stored' } | Fenced>;
  /** Marks rows published where they still have that `publish_seq`; an unknown entry id is null. Not fenced: harmless when stale. */
  markPublished(
    folder: FolderRef,
    rows: readonly {
      readonly uidValidity: number;
      readonly uid: number;
      readonly publishSeq: number;
      readonly entryId: string | null;
    }[],
  ): Promise<void>;
}
