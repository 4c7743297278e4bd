/**
 * One run: fetch, parse and store some messages of a folder, in bounded memory, and say what became of each.
 *
 * Attempts are counted before they are made, so that a message that takes its parser or the whole process down is known
 * afterwards. The result is a prefix of the run in its order: a fault half-way keeps what was complete before it, so that even a
 * connection that breaks every few messages makes progress.
 */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Clock } from '@mailstream/shared/domain/time';
import type { MessageKey } from '@mailstream/shared/domain/message';
import { encodeEntry, type EmailReceivedEntry } from '@mailstream/shared/events/email-received';
import { onDisk } from '@mailstream/shared/storage/storage-faults';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { buildPayload } from './core/event-builder.ts';
import { attemptMode, type AttemptMode, type Run } from './core/sync-plan.ts';
import type { FetchBudget } from './fetch-budget.ts';
import type { FolderCursor } from './folder-cursor.ts';
import { fencedFault, isParserKilled, type Steps } from './ingest-steps.ts';
import type { FetchedMessage, ImapSession } from './ports/imap.ts';
import type { FolderRef, Term } from './ports/leases.ts';
import type { Ledger, NewMessage } from './ports/ledger.ts';
import type { MailProcessor, ProcessedMail, RawSource } from './ports/mail.ts';
import type { EventPublisher } from './ports/stream.ts';

export interface IngestDeps {
  readonly ledger: Ledger;
  readonly publisher: EventPublisher;
  readonly processor: MailProcessor;
  readonly budget: FetchBudget;
  readonly clock: Clock;
  readonly log: Logger;
  readonly steps: Steps;
  readonly metrics: { messages(statuses: readonly NewMessage['status'][]): void };
  readonly limits: {
    /** Messages in a batch. */
    readonly maxMessages: number;
    /** Bytes (RFC822.SIZE) in a run. */
    readonly maxRunBytes: number;
    /** Messages of one folder in the parser at the same time. */
    readonly parallelParses: number;
    /** Pause after each run, milliseconds. */
    readonly fetchDelayMs: number;
  };
  /** UIDs below the cursor to read the ledger for when a folder is opened. */
  readonly wideOverlap: number;
  /** Directory for messages too large to hold in memory; emptied at start. */
  readonly spoolDir: string;
  /** Waits, or rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface RunMessage {
  readonly record: NewMessage;
  /** Null for a dead letter. */
  readonly entry: EmailReceivedEntry | null;
}

export interface RunResult {
  /** Complete, in the run's order, without a message missing before the last but those in `missing`. */
  readonly messages: readonly RunMessage[];
  /** Listed, asked for and not delivered: holes. */
  readonly missing: readonly number[];
  /** The message that ended its parser; the run ends before it. Null when none did. */
  readonly killer: number | null;
  /** What ended the run early, to be thrown once the messages are committed; null when nothing did. */
  readonly fault: Error | null;
}

type Outcome =
  | { readonly kind: 'done'; readonly message: RunMessage }
  | { readonly kind: 'missing' }
  | { readonly kind: 'killed' }
  | { readonly kind: 'failed'; readonly error: Error };

export class MessageRun {
  readonly #deps: IngestDeps;
  readonly #folder: FolderRef;
  readonly #term: Term;
  readonly #uidValidity: number;

  constructor(deps: IngestDeps, folder: FolderRef, term: Term, uidValidity: number) {
    this.#deps = deps;
    this.#folder = folder;
    this.#term = term;
    this.#uidValidity = uidValidity;
  }

  /** @throws FaultError `fenced`, or of the ledger; faults of the session come in the result. */
  async execute(
    session: ImapSession,
    run: Run,
    cursor: FolderCursor,
    signal: AbortSignal,
  ): Promise<RunResult> {
    const counted = await this.#deps.ledger.countAttempts(
      this.#folder,
      this.#term,
      this.#uidValidity,
      run.uids,
    );
    if (counted.kind === 'fenced') throw fencedFault();
    const [first] = run.uids;
    const mode =
      first === undefined ? 'full' : attemptMode(cursor.suspects.get(first) ?? { kills: 0, crashes: 0 });
    if (mode === 'giveUp' && first !== undefined) {
      return { messages: [this.#givenUp(first)], missing: [], killer: null, fault: null };
    }
    const outcomes = new Map<number, Outcome>();
    const fault = await this.#deps.budget.during(() => this.#collect(session, run, mode, outcomes, signal));
    this.#deps.steps('stored');
    return this.#assemble(run, outcomes, fault, cursor);
  }

  /** Fills `outcomes`; returns what ended it early, or null. Never leaves work behind. */
  async #collect(
    session: ImapSession,
    run: Run,
    mode: AttemptMode,
    outcomes: Map<number, Outcome>,
    signal: AbortSignal,
  ): Promise<Error | null> {
    const working = new Set<Promise<void>>();
    const large: { readonly message: FetchedMessage; readonly path: string }[] = [];
    const pieceBytes = this.#deps.budget.pieceBytes();
    let fault: Error | null = null;
    try {
      for await (const message of session.fetch(run.uids, pieceBytes, signal)) {
        this.#deps.steps('fetched');
        if (message.head === null) outcomes.set(message.uid, { kind: 'missing' });
        else if (message.maybeMore) large.push({ message, path: await this.#spoolHead(message.head) });
        else {
          while (working.size >= this.#deps.limits.parallelParses) await Promise.race(working);
          const work = this.#process(message, { kind: 'bytes', bytes: message.head }, mode, outcomes, signal);
          working.add(work);
          void work.finally(() => working.delete(work));
        }
      }
      for (const { message, path } of large) {
        const source = await this.#spoolRest(session, message, path, signal);
        await this.#process(message, source, mode, outcomes, signal);
      }
    } catch (error) {
      fault = toError(error);
    }
    await Promise.all(working);
    await Promise.all(large.map(({ path }) => rm(path, { force: true })));
    return fault;
  }

  /** Never rejects: the outcome says what happened. */
  async #process(
    message: FetchedMessage,
    source: RawSource,
    mode: AttemptMode,
    outcomes: Map<number, Outcome>,
    signal: AbortSignal,
  ): Promise<void> {
    const { processor, steps } = this.#deps;
    try {
      const processed = await processor.process(
        this.#key(message.uid),
        source,
        mode === 'full' ? 'full' : 'headersOnly',
        signal,
      );
      steps('parsed');
      outcomes.set(message.uid, { kind: 'done', message: this.#record(message, processed, mode) });
    } catch (error) {
      outcomes.set(
        message.uid,
        isParserKilled(error) ? { kind: 'killed' } : { kind: 'failed', error: toError(error) },
      );
    }
  }

  #record(message: FetchedMessage, processed: ProcessedMail, mode: AttemptMode): RunMessage {
    const { clock } = this.#deps;
    const { mail, raw } = processed;
    const key = this.#key(message.uid);
    const internalDate = message.internalDate ?? clock.now();
    const isDead = mode !== 'full';
    const record: NewMessage = {
      uid: message.uid,
      messageId: mail.messageId,
      contentHash: raw.sha256,
      size: raw.size,
      internalDate,
      emailId: message.emailId,
      sender: mail.from?.email ?? null,
      subject: mail.subject,
      storageKey: raw.storageKey,
      status: isDead ? 'dead_letter' : 'received',
      reason: isDead ? 'PARSER_KILLED' : mail.parseError === null ? null : `parse: ${mail.parseError}`,
    };
    if (isDead) return { record, entry: null };
    const about = { internalDate, threadId: message.threadId, occurredAt: clock.now() };
    return { record, entry: encodeEntry(key, buildPayload(key, processed, about)) };
  }

  #givenUp(uid: number): RunMessage {
    const unknown = {
      messageId: null,
      contentHash: null,
      size: 0,
      internalDate: null,
      emailId: null,
      sender: null,
    };
    const record: NewMessage = {
      uid,
      ...unknown,
      subject: null,
      storageKey: null,
      status: 'dead_letter',
      reason: 'PARSER_KILLED',
    };
    return { record, entry: null };
  }

  async #assemble(
    run: Run,
    outcomes: ReadonlyMap<number, Outcome>,
    fault: Error | null,
    cursor: FolderCursor,
  ): Promise<RunResult> {
    const messages: RunMessage[] = [];
    const missing: number[] = [];
    for (const uid of run.uids) {
      const outcome = outcomes.get(uid) ?? (fault === null ? { kind: 'missing' as const } : null);
      if (outcome === null) return { messages, missing, killer: null, fault };
      if (outcome.kind === 'done') messages.push(outcome.message);
      else if (outcome.kind === 'missing') missing.push(uid);
      else if (outcome.kind === 'failed') return { messages, missing, killer: null, fault: outcome.error };
      else {
        const before = cursor.suspects.get(uid) ?? { kills: 0, crashes: 0 };
        cursor.suspects.set(uid, { ...before, kills: before.kills + 1 });
        await this.#deps.ledger.countKill(this.#folder, this.#uidValidity, uid);
        this.#deps.log.warn('a message ended its parser', {
          folder: this.#folder.folder,
          code: 'PARSER_KILLED',
          count: before.kills + 1,
        });
        return { messages, missing, killer: uid, fault };
      }
    }
    return { messages, missing, killer: null, fault };
  }

  async #spoolHead(head: Uint8Array): Promise<string> {
    const path = join(this.#deps.spoolDir, `${randomUUID()}.eml`);
    const file = await onDisk(open(path, 'wx', 0o600));
    try {
      await onDisk(file.writeFile(head));
      return path;
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
  }

  async #spoolRest(
    session: ImapSession,
    message: FetchedMessage,
    path: string,
    signal: AbortSignal,
  ): Promise<RawSource> {
    let size = message.head?.length ?? 0;
    const file = await onDisk(open(path, 'a'));
    try {
      for await (const chunk of session.fetchRest(
        message.uid,
        size,
        this.#deps.budget.pieceBytes(),
        signal,
      )) {
        await onDisk(file.writeFile(chunk));
        this.#deps.steps('piece');
        size += chunk.length;
      }
    } finally {
      await file.close();
    }
    return { kind: 'file', path, size };
  }

  #key(uid: number): MessageKey {
    return {
      tenant: this.#folder.tenant,
      providerId: this.#folder.id,
      folder: this.#folder.folder,
      uidValidity: this.#uidValidity,
      uid,
    };
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a value that is not an Error was thrown');
}
