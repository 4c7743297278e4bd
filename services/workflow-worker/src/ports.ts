/**
 * What the worker needs from the world: types only. Adapters implement these, runners use them, core knows none.
 * Unless a method says otherwise it rejects with a `FaultError` (shared/errors) and never with a library's error.
 */
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import type { RuleOutcome } from '@mailstream/shared/rules/evaluate-rules';
import type { Rule } from '@mailstream/shared/rules/rule-schema';
import type { RuleSubject } from '@mailstream/shared/rules/rule-search';
import type { RuleVerdict } from './core/rule-verdict.ts';

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

/** What is known of an entry without its body. */
export interface EntryHeader extends EntryRef {
  /** As the entry says, unchecked; empty where it says none. */
  readonly tenant: string;
}

/** One attempt that failed. */
export interface PastAttempt {
  readonly attempt: number;
  /** ISO 8601. */
  readonly at: string;
  readonly code: string;
  /** One sentence without message content. */
  readonly detail: string;
}

/** What outlives the process about an entry that failed or was taken over. */
export type AttemptStart =
  | { readonly kind: 'begun'; readonly attempts: number; readonly past: readonly PastAttempt[] }
  /** The time of its next attempt has not come. */
  | { readonly kind: 'early'; readonly dueAtMs: number };

/** Why an entry was given up on. */
export interface DeadLetter {
  readonly code: string;
  /** One sentence without message content. */
  readonly detail: string;
  readonly attempts: number;
  readonly past: readonly PastAttempt[];
  /** The database gets the letter without the entry. */
  readonly isUntouchable?: boolean;
}

/** The worker's place in the consumer group. Every consumer has a name of its own, made anew at each start. */
export interface EntrySource {
  /**
   * Makes the group where it is missing, from the first entry of the stream on. In a cluster the nodes of some streams may be away: those
   * are in neither list. Rejects when that is so of all.
   */
  ensureGroups(
    streams: readonly string[],
  ): Promise<{ readonly made: readonly string[]; readonly there: readonly string[] }>;
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
  /** The same of one stream, without waiting and without bodies. */
  readAhead(stream: string, count: number): Promise<readonly EntryHeader[]>;
  /** Ends a `read` that waits, as if its time were over. */
  wake(): Promise<void>;
  /**
   * Takes over up to `count` entries that their consumer has left alone for `minIdleMs`; goes on where the last call ended.
   * `gone` were deleted before they were acknowledged: a loss.
   */
  claimAbandoned(
    stream: string,
    minIdleMs: number,
    count: number,
  ): Promise<{ readonly headers: readonly EntryHeader[]; readonly gone: readonly EntryRef[] }>;
  /** Takes up to `count` entries off the consumer that has the most, beyond what that one is about to handle. */
  share(stream: string, count: number): Promise<readonly EntryHeader[]>;
  /** Bodies of entries of ours; those that are another's by now are left out. `gone` as above. */
  load(
    refs: readonly EntryRef[],
  ): Promise<{ readonly entries: readonly StreamEntry[]; readonly gone: readonly EntryRef[] }>;
  /** Shows that these entries are in good hands, so that nobody takes them over. @returns those that are no longer ours. */
  keep(refs: readonly EntryRef[]): Promise<readonly EntryRef[]>;
  /** The opposite: anyone may take them over at once. */
  handOver(refs: readonly EntryRef[]): Promise<void>;
  /** @param hasRecord whether attempts of it were counted. */
  acknowledge(ref: EntryRef, hasRecord: boolean): Promise<void>;
  /** Copies the entry to the dead letters; a repeated call copies nothing. Does not acknowledge it. */
  copyToDeadLetters(entry: StreamEntry, letter: DeadLetter): Promise<void>;
  /** Counts an attempt that is about to begin, unless the entry is not due. */
  beginAttempt(ref: EntryRef, nowMs: number): Promise<AttemptStart>;
  /** Takes back the count of an attempt that was none. */
  uncountAttempt(ref: EntryRef): Promise<void>;
  /** Keeps when to try again and what was tried, for whoever has the entry then. */
  noteRetry(
    ref: EntryRef,
    retry: {
      readonly attempts: number;
      readonly dueAtMs: number;
      readonly past: readonly PastAttempt[];
    },
  ): Promise<void>;
  /** Appends the fields as a new entry, once for each `replayId`. @returns the entry's id. */
  append(stream: string, replayId: string, fields: readonly string[]): Promise<string>;
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
  /** A rule of the tenant left it out: recorded, and no ticket. */
  | { readonly kind: 'skipped'; readonly ruleId: string }
  /** The gate holds this event: its effect was made before. */
  | { readonly kind: 'duplicate' }
  /** A message that this one answers is recorded but not processed yet: come back later. */
  | { readonly kind: 'parentPending' }
  /** The storage does not give the mail that this report brings back now: come back later. */
  | { readonly kind: 'originalUnreadable' }
  /** The event can have no effect, now or later. */
  | { readonly kind: 'rejected'; readonly code: 'PROVIDER_UNKNOWN'; readonly detail: string };

export interface Inbox {
  /**
   * Makes the effect of one event, its gate row and its ledger row's `processed` or `skipped` in one transaction. Applying an event again gives
   * `duplicate`. Rejects with a transient `FaultError` when the database is the trouble, with the database's own error when the
   * message is.
   * @param options.waitForParents false makes a ticket even when a message it answers is still on its way, or unreadable.
   */
  apply(message: InboundEmail, options: { readonly waitForParents: boolean }): Promise<EffectOutcome>;
  /** @throws FaultError when the database does not answer. */
  ping(): Promise<void>;
}

/** What the rules make of a mail, and which ones were asked. */
export interface RuleJudgement {
  /** Of the tenant's rules; null for a tenant without any. */
  readonly version: string | null;
  readonly verdict: RuleVerdict;
}

export interface MailRules {
  /** By the rules as they were last read here; never rejects, and asks no database. */
  judge(tenant: TenantId, email: EmailData): Promise<RuleJudgement>;
  /** Reads the rules of the tenant again. @throws FaultError when the database does not answer. */
  refresh(tenant: TenantId): Promise<void>;
}

/** Asks rules that may take long, out of everybody else's way. */
export interface RuleThreads {
  /** Rejects when the thread failed, or took longer than any rule may. */
  judge(
    which: { readonly tenant: TenantId; readonly version: string; readonly rules: readonly Rule[] },
    subject: RuleSubject,
  ): Promise<RuleOutcome>;
}

/** As stored: whether it is a rule is still to be seen. */
export interface StoredRule {
  readonly id: string;
  readonly content: unknown;
}

export interface RuleStore {
  /** All of one version, of one moment; `version` is null for a tenant without rules. */
  load(tenant: TenantId): Promise<{ readonly version: string | null; readonly rules: readonly StoredRule[] }>;
}

export type ReturnedHeader =
  /** Begins with the header of the returned mail; bytes as Latin-1. */
  | { readonly kind: 'header'; readonly text: string }
  /** There is nothing to read, or nothing that a later attempt would find. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unreadable' };

export interface ReturnedMails {
  /** For a delivery report that tells only by an attachment which mail it is about; never rejects. */
  headerFor(tenant: TenantId, email: EmailData): Promise<ReturnedHeader>;
}

export interface StreamDirectory {
  /** All streams that may have entries now. */
  streams(): Promise<readonly string[]>;
}

/** Where people see what was given up on, and from where it is tried again. */
export interface DeadLetters {
  /**
   * Keeps the letter and notes it in the ledger, in one transaction; the same entry again changes nothing. An event that was dead
   * before and failed again is the same letter, open again.
   * @returns 'processed' when the event has its effect already: then there is no letter.
   */
  keep(
    entry: StreamEntry,
    identity: { readonly tenant: TenantId; readonly eventId: string } | null,
    letter: DeadLetter,
  ): Promise<'kept' | 'processed'>;
  /** Letters that somebody asked to replay, oldest first. */
  requested(limit: number): Promise<readonly RequestedReplay[]>;
  /** The entry is on the stream again, under this id. */
  replayed(replay: RequestedReplay, entryId: string): Promise<void>;
  /** Letters that nobody has dealt with, over all tenants. */
  countOpen(): Promise<number>;
}

export interface RequestedReplay {
  readonly tenant: TenantId;
  readonly eventId: string;
  /** Made anew for each request. */
  readonly replayId: string;
  readonly stream: string;
  readonly fields: readonly string[];
}

/** New dead letters of all tenants, counted. `since` and `until` are the database's own timestamps, not to be computed with. */
export interface LetterAlert {
  readonly since: string;
  readonly until: string;
  readonly codes: readonly { readonly code: string; readonly count: number }[];
}

export interface LetterAlerts {
  /** Null when nothing is due, or another worker is at it; for `claimMs` no other worker gets it. */
  claim(window: {
    readonly everyMs: number;
    /** What is younger is left for the next time. */
    readonly lagMs: number;
    readonly claimMs: number;
  }): Promise<LetterAlert | null>;
  /** Everything up to `until` was told. */
  told(until: string): Promise<void>;
}
