/**
 * Where raw messages, attachments and long bodies live. Content-addressed: a key names its content for ever, so writing a key
 * again is never a change, and two replicas that store the same message do not disturb each other.
 */
import type { Readable } from 'node:stream';

export interface StorageSpace {
  /** For a process that is not root; 0 also when there are no inodes left. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Bytes in memory, or a stream of them that is read once. */
export type StorageSource = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Every method rejects with a `FaultError`: code `STORAGE_FULL` when there is no room, `STORAGE_UNAVAILABLE` (both of kind
 * `transient`) when the storage cannot be reached, written or read, and with `TypeError` for a key that is not one. An error of the source given to `put` comes through unchanged.
 */
export interface Storage {
  /**
   * Resolves when the bytes would survive a power cut. A key that is there already is left alone, and a source that is a
   * stream is closed unread. On rejection nothing is visible under the key.
   */
  put(key: string, source: StorageSource): Promise<void>;
  /** @throws FaultError `NOT_FOUND` (kind `bug`) when there is nothing under the key. */
  read(key: string): Promise<Readable>;
  exists(key: string): Promise<boolean>;
  /** Proves that the storage can be written now; also removes what killed processes left behind. For readiness. */
  check(): Promise<void>;
  /** Room left, to stop before there is none; null where nobody can tell (object storage). */
  space(): Promise<StorageSpace | null>;
  /** Gives back connections. The storage must not be used after it. */
  close(): Promise<void>;
}
