/** How a message becomes what an event holds: hashed, stored, parsed. Types only. Rejects with a `FaultError` only. */
import type { MessageKey } from '@mailstream/shared/domain/message';
import type { EmailReceivedEntry } from '@mailstream/shared/events/email-received';
import type { EmailAddress, IngressSkipReason } from '@mailstream/shared/events/email-received-schema';

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
  /** Only of a processor that was made to tell. */
  readonly timings?: ProcessTimings;
}

/** Milliseconds since 1970. Reading and storing overlap. */
export interface ProcessTimings {
  readonly startMs: number;
  readonly endMs: number;
  /** From the first byte that went to the storage until the last was durable; null where nothing was stored. */
  readonly storeStartMs: number | null;
  readonly storeEndMs: number | null;
}

/** What an event says besides the content of its message. */
export interface EventContext {
  /** INTERNALDATE; where the server gave none or nonsense, `occurredAt` takes its place. */
  readonly internalDate: Date;
  /** X-GM-THRID or THREADID (RFC 8474) where the server has it. */
  readonly threadId: string | null;
  /** When the event is made. */
  readonly occurredAt: Date;
}

/** What the ledger and the stream hold of one message. */
export interface ReceivedMail {
  readonly raw: RawRef;
  readonly messageId: string | null;
  readonly sender: string | null;
  readonly subject: string;
  readonly parseError: string | null;
  readonly entry: EmailReceivedEntry;
  /** Only of a processor that was made to tell. */
  readonly timings?: ProcessTimings;
}

/** A message in memory, with what its event says besides its content. */
export interface MailInMemory {
  readonly key: MessageKey;
  /** The processor takes ownership. */
  readonly bytes: Uint8Array;
  readonly context: EventContext;
}

export type MailOutcome =
  | { readonly kind: 'received'; readonly mail: ReceivedMail }
  | { readonly kind: 'failed'; readonly error: Error };

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
  /**
   * Small messages of one folder together, which costs less than one by one. They are durable after a `barrier` that begins later.
   * Each outcome is as `process` would have it: where the worker has to be ended, each message is tried alone.
   */
  processAll(mails: readonly MailInMemory[], signal: AbortSignal): Promise<readonly MailOutcome[]>;
  /** Resolves when what `processAll` has stored would survive a power cut. @throws FaultError STORAGE_UNAVAILABLE */
  barrier(): Promise<void>;
  /** Parses again what is already stored, for publishing from the ledger. */
  processStored(
    key: MessageKey,
    raw: RawRef,
    mode: 'full' | 'headersOnly',
    signal: AbortSignal,
  ): Promise<ProcessedMail>;
}
