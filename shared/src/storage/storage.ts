/**
 * Where raw messages, attachments and long bodies live. Content-addressed: a key names its content for ever, so writing a key
 * again is never a change, and two replicas that store the same message do not disturb each other.
 */
import type { Readable } from 'node:stream';
import type { TenantId } from '../domain/ids.ts';

export interface StorageSpace {
  /** For a process that is not root; 0 also when there are no inodes left. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Bytes in memory, or a stream of them that is read once. */
export type StorageSource = Uint8Array | AsyncIterable<Uint8Array>;

export interface NewObject {
  readonly key: string;
  readonly bytes: Uint8Array;
}

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
  /**
   * `put` for objects in memory, which share what it costs to make them durable: they are after a `barrier` that begins when this has
   * resolved, in any thread of the process. On rejection some may be there.
   */
  putAll(objects: readonly NewObject[]): Promise<void>;
  /** Resolves when everything that `putAll` has written would survive a power cut. */
  barrier(): Promise<void>;
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

export interface StoredObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** When it was written, or set aside, by the storage's clock. */
  readonly storedAt: Date;
}

/** In its place, or set aside. */
export type StorageArea = 'stored' | 'aside';

export interface ListedObjects {
  readonly objects: readonly StoredObject[];
  /** Where the next page begins; null after the last. */
  readonly after: string | null;
}

/**
 * Removal in two steps, because a look at who refers to an object and its removal are never one: between them somebody may `put` the
 * same content, find it there, and refer to it.
 *
 *     in its place ──setAside──▶ aside ──removeAside──▶ gone
 *          ▲                       │
 *          └──────restore──────────┘
 *
 * What is aside is still found by `read` and `exists`, and not by `put`, which writes it anew. So whoever saw it in its place saw it
 * before it was set aside, and refers to it soon after that or never: who looks again long afterwards knows for certain. No step
 * needs a lock, and after a crash in the middle of any the object is still found.
 */
export interface RemovableStorage extends Storage {
  /** One tenant's objects, in an order that stays the same; keys that are none of ours are left out. */
  list(page: {
    readonly area: StorageArea;
    readonly tenant: TenantId;
    /** As the page before said; null for the first. */
    readonly after: string | null;
    /** At most 1,000. */
    readonly limit: number;
  }): Promise<ListedObjects>;
  /** Nothing happens where nothing is under the key; the same of the two below. */
  setAside(key: string): Promise<void>;
  /** Back to its place; the same content that was written there meanwhile is replaced. */
  restore(key: string): Promise<void>;
  /** For ever, out of what is aside; what is in its place stays. */
  removeAside(key: string): Promise<void>;
}
