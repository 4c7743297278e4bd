/** The copy in Redis and how full it is, and what tells that a store lost data. Types only. Rejects with a `FaultError` only. */
import type { EmailReceivedEntry } from '@mailstream/shared/events/email-received';
import type { FolderRef } from './leases.ts';

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
  /** Writes something of no meaning to each server of these streams: REDIS_FULL when there is no memory for it. */
  probe(streams: readonly string[]): Promise<void>;
  /** Used memory as a share of the limit, on the fullest server of these streams; null without a limit, or where nobody may ask. */
  memoryRatio(streams: readonly string[]): Promise<number | null>;
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

/** What became of events that were published before; those that still wait for a worker are in neither set. */
export interface Whereabouts {
  /** Not in the stream, or passed by the worker's group and not pending. */
  readonly gone: ReadonlySet<string>;
  /** Pending: a worker has it, and may have applied it already. */
  readonly inHand: ReadonlySet<string>;
}

export interface EventPublisher {
  /** The folder's watermark: `publish_seq` of its last entry; 0 when Redis knows none. */
  watermark(folder: FolderRef): Promise<number>;
  /** Looks for the entries of events published before. Those with an unknown id are looked for from `publishedAt` on. */
  whereabouts(
    folder: FolderRef,
    events: readonly {
      readonly eventId: string;
      readonly entryId: string | null;
      readonly publishedAt: Date;
    }[],
  ): Promise<Whereabouts>;
  /** Appends in order, pipelined; one outcome per entry, in the same order. Rejects when the outcome of any is unknown. */
  publish(folder: FolderRef, entries: readonly SequencedEntry[]): Promise<readonly PublishOutcome[]>;
}
