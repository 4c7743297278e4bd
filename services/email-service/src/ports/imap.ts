/** What the daemon needs of a mail server. Types only. Unless a method says otherwise it rejects with a `FaultError`, never with a library's error. */
import type { Fault } from '@mailstream/shared/domain/fault';
import type { ImapProvider } from '@mailstream/shared/domain/provider';
import type { WatchStop } from './watch-stop.ts';

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
  /** The bytes from `offset` on, in chunks of at most `chunkBytes()`, which is asked for each; ends when the server has no more. */
  fetchRest(
    uid: number,
    offset: number,
    chunkBytes: () => number,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  /**
   * Waits until the server hints at a change (`changed`), `deadlineMs` passes (`elapsed`) or it is told to stop (`stopped`).
   * Uses IDLE where the server has it, ending and issuing it anew every `renewMs` (RFC 2177); else polls with NOOP every `pollMs`.
   * With `ignoresHints` only time and `stop` end it: for who may not fetch anyway. The hints are kept for the next watch.
   */
  watch(options: {
    readonly useIdle: boolean;
    readonly ignoresHints: boolean;
    readonly renewMs: number;
    readonly pollMs: number;
    readonly deadlineMs: number;
    readonly stop: WatchStop;
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
