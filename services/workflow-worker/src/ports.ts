/**
 * What the worker needs from the world: types only. Adapters implement these, runners use them, core knows none.
 * Unless a method says otherwise it rejects with a `FaultError` (shared/errors) and never with a library's error.
 */
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { EmailData } from '@mailstream/shared/events/email-received';

/** One entry of a stream as Redis holds it. */
export interface StreamEntry {
  readonly stream: string;
  /** Redis entry id, `<milliseconds>-<sequence>`: increasing within its stream. */
  readonly id: string;
  /** Names and values in turn; kept as it came, because a dead letter must show what was there. */
  readonly fields: readonly string[];
}

export interface EntryRef {
  readonly stream: string;
  readonly id: string;
}

export interface DeadLetter {
  readonly code: string;
  /** One sentence without message content. */
  readonly detail: string;
  readonly attempts: number;
}

export interface ClaimedEntries {
  readonly entries: readonly StreamEntry[];
  /** Pending entries that were no longer in the stream: trimmed before they were acknowledged, which is a loss. */
  readonly deletedIds: readonly string[];
}

/** The worker's place in the consumer group. Every consumer has a name of its own, made anew at each start. */
export interface EntrySource {
  /** Makes the group where it is missing, from the first entry of the stream on. @returns streams whose group was made. */
  ensureGroups(streams: readonly string[]): Promise<readonly string[]>;
  /**
   * Entries that no consumer has got yet, at most `count` per stream; waits up to its block time when there are none.
   * `groupMissing` when Redis knows the group (or the stream) no longer.
   */
  read(
    streams: readonly string[],
    count: number,
  ): Promise<
    { readonly kind: 'entries'; readonly entries: readonly StreamEntry[] } | { readonly kind: 'groupMissing' }
  >;
  /** Ends a `read` that waits, as if its time were over. */
  wake(): Promise<void>;
  /** Takes over up to `count` entries that their consumer has left alone for `minIdleMs`. */
  claimAbandoned(stream: string, minIdleMs: number, count: number): Promise<ClaimedEntries>;
  /** Reads entries again that are ours already; those that are gone or another's are left out. */
  reread(refs: readonly EntryRef[]): Promise<readonly StreamEntry[]>;
  /** Shows that these entries are in good hands, so that nobody takes them over. */
  keep(refs: readonly EntryRef[]): Promise<void>;
  /** The opposite: anyone may take them over at once. */
  handOver(refs: readonly EntryRef[]): Promise<void>;
  acknowledge(ref: EntryRef): Promise<void>;
  /** Copies the entry to the dead letters and acknowledges it, in one step; does nothing when it is no longer pending. */
  deadLetter(entry: StreamEntry, letter: DeadLetter): Promise<void>;
  /** Adds `by` to the count of attempts at this entry, which outlives this process; returns the new count. */
  countAttempt(ref: EntryRef, by: 1 | -1): Promise<number>;
  /** Removes consumers that have nothing pending and have not been seen for `minIdleMs`. */
  removeDeadConsumers(stream: string, minIdleMs: number): Promise<void>;
  /** Of all streams together: entries no worker has read yet, and entries read but not acknowledged. */
  backlog(streams: readonly string[]): Promise<{ readonly unread: number; readonly pending: number }>;
  /** @throws FaultError when Redis does not answer. */
  ping(): Promise<void>;
  /** Removes this consumer where it has nothing pending. */
  leave(streams: readonly string[]): Promise<void>;
}

/** A decoded entry whose parts agree with each other. */
export interface InboundEmail {
  readonly eventId: string;
  readonly tenant: TenantId;
  readonly providerId: ProviderId;
  readonly email: EmailData;
}

export type EffectOutcome =
  | { readonly kind: 'ticket'; readonly ticketId: string; readonly number: number }
  | { readonly kind: 'comment'; readonly ticketId: string }
  /** The gate holds this event: its effect was made before. */
  | { readonly kind: 'duplicate' }
  /** A message that this one answers is recorded but not processed yet: come back later. */
  | { readonly kind: 'parentPending' }
  /** The event can have no effect, now or later. */
  | { readonly kind: 'rejected'; readonly code: 'PROVIDER_UNKNOWN'; readonly detail: string };

export interface Inbox {
  /**
   * Makes the effect of one event, its gate row and its ledger row's `processed` in one transaction. Applying an event again gives
   * `duplicate`. Rejects with a transient `FaultError` when the database is the trouble, with the database's own error when the
   * message is.
   * @param options.waitForParents false makes a ticket even when a message it answers is still on its way.
   */
  apply(message: InboundEmail, options: { readonly waitForParents: boolean }): Promise<EffectOutcome>;
  /** Notes in the ledger that this event was given up on; nothing when it has no row or was processed. */
  markDeadLetter(tenant: TenantId, eventId: string, reason: string): Promise<void>;
  /** @throws FaultError when the database does not answer. */
  ping(): Promise<void>;
}

export interface StreamDirectory {
  /** All streams that may have entries now. */
  streams(): Promise<readonly string[]>;
}
