/* oxlint-disable max-lines -- types only: one page of contracts that is read as a whole. */
/**
 * What the daemon needs from the world: types only. Adapters implement these, runners use them, core knows none.
 * Unless a method says otherwise it rejects with a `FaultError` (shared/errors) and never with a library's error.
 */
import type { Fault } from '@mailstream/shared/domain/fault';
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import type { InstanceId, ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { MessageKey } from '@mailstream/shared/domain/message';
import type { ImapProvider } from '@mailstream/shared/domain/provider';
import type {
  EmailAddress,
  EmailReceivedEntry,
  IngressSkipReason,
} from '@mailstream/shared/events/email-received';

// --- IMAP -----------------------------------------------------------------------------------------------------

/** What EXAMINE told (RFC 9051 section 6.3.3). */
export interface OpenedFolder {
  /** The folder's name as the server has it, decoded to Unicode. */
  readonly path: string;
  readonly uidValidity: number;
  /** A prediction only: UIDs at or above it will be given to later arrivals. 0 when the server did not say. */
  readonly uidNext: number;
  readonly exists: number;
  /** [UIDNOTSTICKY] (RFC 4315 section 3): UIDs mean nothing across sessions. */
  readonly uidNotSticky: boolean;
}

export interface FetchedMessage {
  readonly uid: number;
  /** RFC822.SIZE: an estimate on some servers, never compared with the bytes received. */
  readonly announcedSize: number;
  readonly internalDate: Date | null;
  /** EMAILID or X-GM-MSGID where offered. */
  readonly emailId: string | null;
  readonly threadId: string | null;
  /** The first bytes, at most the `firstBytes` asked for; null when the server said OK but sent no body. */
  readonly head: Uint8Array | null;
  /** True when `head` holds exactly `firstBytes`: there may be more, to be read with `fetchRest`. */
  readonly maybeMore: boolean;
}

/**
 * One connection with one folder open, read-only. Nothing here sets a flag: EXAMINE and BODY.PEEK only.
 * Every method has a deadline over the whole command (not per byte) and rejects when it passes; the session is dead then.
 */
export interface ImapSession {
  readonly capabilities: readonly string[];
  /** Settles once, when the connection is gone for whatever reason; the fault says why (null after `logout`). */
  readonly closed: Promise<Fault | null>;
  open(folder: string): Promise<OpenedFolder>;
  /**
   * UIDs of the open folder in `[from, ∞)`, and those of `exact` that still exist; sorted ascending, no doubles, nothing
   * below the range (the `n:*` trap, RFC 9051 section 6.4.9).
   */
  listUids(from: number, exact: readonly number[]): Promise<readonly number[]>;
  /** UIDs whose INTERNALDATE is on or after `day` (ISO date), sorted. */
  listUidsSince(day: string): Promise<readonly number[]>;
  /** RFC822.SIZE and INTERNALDATE of these UIDs, without bodies; UIDs the server leaves out are missing in the map. */
  sizes(
    uids: readonly number[],
  ): Promise<ReadonlyMap<number, { readonly size: number; readonly internalDate: Date | null }>>;
  /**
   * Fetches exactly these UIDs with BODY.PEEK[]<0.firstBytes>. Yields each UID at most once and none that was not asked for;
   * one that is not yielded proves nothing (RFC 9051 section 7.5.2; throttling, partial replies).
   * Stops reading from the socket while the consumer is busy.
   */
  fetch(uids: readonly number[], firstBytes: number, signal: AbortSignal): AsyncIterable<FetchedMessage>;
  /** The bytes from `offset` on, in chunks of at most `chunkBytes`; ends when the server has no more. */
  fetchRest(uid: number, offset: number, chunkBytes: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Waits until the server hints at a change (`changed`), `deadlineMs` passes (`elapsed`) or `signal` aborts (`stopped`).
   * Uses IDLE where the server has it, ending and issuing it anew every `renewMs` (RFC 2177); else polls with NOOP every `pollMs`.
   * With `ignoresHints` only time and the signal end it: for who may not fetch anyway. The hints are kept for the next watch.
   */
  watch(options: {
    readonly useIdle: boolean;
    readonly ignoresHints: boolean;
    readonly renewMs: number;
    readonly pollMs: number;
    readonly deadlineMs: number;
    readonly signal: AbortSignal;
  }): Promise<'changed' | 'elapsed' | 'stopped'>;
  /** LOGOUT, then close; never rejects, and gives up waiting soon. */
  logout(): Promise<void>;
  /** Closes the socket now. */
  destroy(): void;
}

export interface ImapConnector {
  /** Connects, secures and logs in. Resolves the address anew, through the egress guard, at each call. */
  connect(provider: ImapProvider, signal: AbortSignal): Promise<ImapSession>;
}

// --- Messages -------------------------------------------------------------------------------------------------

export interface IngestLimits {
  readonly maxAttachmentBytes: number;
  readonly maxTotalAttachmentBytes: number;
  readonly maxAttachmentCount: number;
  readonly maxRawMimeBytes: number;
}

export interface StoredAttachment {
  /** Stable within the message: its MIME part number. */
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  readonly contentId: string | null;
  readonly isInline: boolean;
  readonly sha256: string;
  readonly storageKey: string;
}

/** The parsed form, bounded in size: bodies and lists may already be cut, their whole text is in storage then. */
export interface ParsedMail {
  readonly messageId: string | null;
  readonly from: EmailAddress | null;
  readonly to: readonly EmailAddress[];
  readonly cc: readonly EmailAddress[];
  readonly bcc: readonly EmailAddress[];
  readonly replyTo: readonly EmailAddress[];
  readonly subject: string;
  /** ISO 8601, null where absent or unreadable. */
  readonly date: string | null;
  readonly inReplyTo: string | null;
  readonly references: readonly string[];
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly text: string;
  readonly html: string | null;
  readonly textStorageKey: string | null;
  readonly htmlStorageKey: string | null;
  readonly attachments: readonly StoredAttachment[];
  readonly skipReasons: readonly IngressSkipReason[];
  /** Why the structure could not be read whole; the headers above are what could be. */
  readonly parseError: string | null;
}

export interface RawRef {
  readonly storageKey: string;
  /** Hex. */
  readonly sha256: string;
  readonly size: number;
}

/** The raw bytes, as they came: in memory, or spooled to a file when large. The processor takes ownership of either. */
export type RawSource =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string; readonly size: number };

export interface ProcessedMail {
  readonly raw: RawRef;
  readonly mail: ParsedMail;
}

/**
 * Hashes, stores and parses one message in a worker that can be killed. Everything is durable in storage when it resolves.
 * A message that cannot be parsed resolves with `parseError`. Rejects with code `PARSER_KILLED` when the worker died or had to
 * be ended (time, memory): the caller counts attempts; with `STORAGE_UNAVAILABLE` when the bytes could not be stored.
 */
export interface MailProcessor {
  process(
    key: MessageKey,
    source: RawSource,
    /** `headersOnly`: for a message over the raw cap, or one that killed its parser before. */
    mode: 'full' | 'headersOnly',
    signal: AbortSignal,
  ): Promise<ProcessedMail>;
  /** Parses again what is already stored, for publishing from the ledger. */
  processStored(
    key: MessageKey,
    raw: RawRef,
    mode: 'full' | 'headersOnly',
    signal: AbortSignal,
  ): Promise<ProcessedMail>;
}

// --- Ownership ------------------------------------------------------------------------------------------------

export interface Term {
  readonly owner: InstanceId;
  /** Grows at every acquisition. */
  readonly epoch: number;
}

export interface ProviderRef {
  readonly tenant: TenantId;
  readonly id: ProviderId;
}

/** One row of the daemon's cross-tenant view: no settings, no secrets. */
export interface DiscoveredProvider extends ProviderRef {
  readonly configVersion: number;
  readonly pokeVersion: number;
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

// --- Ledger ---------------------------------------------------------------------------------------------------

export interface FolderRef extends ProviderRef {
  readonly folder: string;
}

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

export interface Ledger {
  /** The folder's state in the row, null before the first connect. */
  folderState(folder: FolderRef): Promise<FolderState | null>;
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
  /** UIDs with attempts that did not end; usually empty. */
  unendedAttempts(
    folder: FolderRef,
    uidValidity: number,
  ): Promise<ReadonlyMap<number, { readonly kills: number; readonly crashes: number }>>;
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

/** Reads a provider's settings under its tenant. */
export interface ProviderSource {
  /** Null when it was deleted. */
  load(provider: ProviderRef): Promise<ImapProvider | null>;
}

// --- Audit and freshness --------------------------------------------------------------------------------------

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

// --- Stream ---------------------------------------------------------------------------------------------------

export interface SequencedEntry {
  readonly publishSeq: number;
  /** The `publish_seq` sent before this one: the watermark must have reached it. */
  readonly previousSeq: number;
  readonly entry: EmailReceivedEntry;
}

export type PublishOutcome =
  | { readonly kind: 'appended'; readonly entryId: string }
  /** At or below the watermark: it is in the stream already. */
  | { readonly kind: 'duplicate' }
  /** An entry before it is missing: recover the folder. */
  | { readonly kind: 'gap'; readonly watermark: number };

export interface StreamFill {
  /** Entries, acknowledged ones included. */
  readonly length: number;
  /** Of them, those that the slowest consumer group has not acknowledged; all where there is no group. */
  readonly backlog: number;
  readonly slowestGroup: string | null;
}

/** How full the streams and their server are. Every method rejects with a FaultError of Redis. */
export interface StreamGauge {
  /** Writes something of no meaning beside this stream: REDIS_FULL when there is no memory for it. */
  probe(stream: string): Promise<void>;
  /** Used memory as a share of the limit; null without a limit, or where nobody may ask. */
  memoryRatio(): Promise<number | null>;
  /** Streams that are not there yet are empty. */
  measure(streams: readonly string[]): Promise<ReadonlyMap<string, StreamFill>>;
  /**
   * Removes what every group, among them the worker's, acknowledged, but for the last hour of it. Harmless at any time and however
   * often it is called. Resolves with the number of entries removed.
   */
  trim(stream: string): Promise<number>;
}

/** What tells that a store is not the one it was. */
export interface StoreIdentity {
  /** Changes when the server was restarted, restored or replaced. Rejects while it cannot be reached. */
  read(): Promise<string>;
  /** True when `now` can follow `before` without a loss of data. */
  continues(before: string, now: string): boolean;
}

export interface EventPublisher {
  /** The folder's watermark: `publish_seq` of its last entry; 0 when Redis knows none. */
  watermark(folder: FolderRef): Promise<number>;
  /**
   * Of events published before, those without an entry that still waits for the worker: not in the stream, or passed by its group
   * and not pending. Entries with an unknown id are looked for from `publishedAt` on.
   */
  findGone(
    folder: FolderRef,
    events: readonly {
      readonly eventId: string;
      readonly entryId: string | null;
      readonly publishedAt: Date;
    }[],
  ): Promise<ReadonlySet<string>>;
  /** Appends in order, pipelined; one outcome per entry, in the same order. Rejects when the outcome of any is unknown. */
  publish(folder: FolderRef, entries: readonly SequencedEntry[]): Promise<readonly PublishOutcome[]>;
}
