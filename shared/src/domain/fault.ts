/**
 * Everything that can go wrong with a mailbox, in the only words core and runners know.
 * Adapters turn library errors into a Fault in one table (`imap/imap-faults.ts`); `code` is from the error catalogue.
 */
export type FaultKind =
  /** Network, server restart, timeout: try again with growing delay. */
  | 'transient'
  /** The server asks for a pause: not before `retryAfterMs`. */
  | 'throttled'
  /** Credentials refused. A person must act, or a fresh token helps. */
  | 'auth'
  /** The folder is not there (any more). */
  | 'folderGone'
  /** Settings that cannot work: wrong TLS mode, bad certificate, forbidden address. A person must act. */
  | 'misconfigured'
  /** Another owner holds the lease now: stop at once, write nothing. */
  | 'fenced'
  /** A fault of ours. */
  | 'bug';

export interface Fault {
  readonly kind: FaultKind;
  /** A code of the error catalogue, e.g. `IMAP_AUTH_REJECTED`. */
  readonly code: string;
  /** One sentence for the log and the operator; never holds a secret or message content. */
  readonly detail: string;
  /** Earliest next try, milliseconds from now; only with `throttled`. */
  readonly retryAfterMs?: number;
}
