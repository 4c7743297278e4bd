/**
 * Publishes a folder's ledger rows in `publish_seq` order, and recovers when the chain is broken (DESIGN section 5, step 6).
 *
 * Two states: `recovered` (the chain holds, new rows are appended right after their commit) and not. It falls back to not
 * recovered at every unknown outcome: a publish that failed, a gap, a new term, a lost connection to PostgreSQL. Recovery reads
 * the watermark, lets `publish_seq` go on from the larger of both, and publishes what is not marked, from storage, in order.
 *
 * What a worker had in hand when PostgreSQL lost commits may be applied no more, and be acknowledged a moment after we looked: a
 * recovery that follows such a loss is repeated until every one of those entries is settled.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import { FaultError, toFault } from '@mailstream/shared/errors/fault-error';
import { eventId, type EmailReceivedEntry } from '@mailstream/shared/events/email-received';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { receivedMail } from './received-mail.ts';
import type { FolderRef, Term } from './ports/leases.ts';
import type { Ledger, LedgerRow } from './ports/ledger.ts';
import type { MailProcessor, ProcessedMail } from './ports/mail.ts';
import type { EventPublisher, SequencedEntry } from './ports/stream.ts';
import { fencedFault, isParserKilled, type Steps } from './ingest-steps.ts';

/** Rows read from the ledger at a time while recovering. */
const RECOVERY_PAGE = 50;
/** Rows compared with the stream at a time. */
const RECONCILE_PAGE = 500;
/** What is outstanding in a folder of which nothing was ever recorded. */
const NOTHING = { publishSeq: 0, isUnpublished: false, isUnprocessed: false };
/** How long a worker may take to be done with what it has in hand before it is looked at again, milliseconds. */
const RECHECK_MS = 30_000;

export interface PublishableRow {
  readonly uidValidity: number;
  readonly uid: number;
  readonly publishSeq: number;
  readonly entry: EmailReceivedEntry;
}

export interface PublicationDeps {
  readonly ledger: Ledger;
  readonly publisher: EventPublisher;
  readonly processor: MailProcessor;
  readonly clock: Clock;
  readonly log: Logger;
  readonly steps: Steps;
}

export class FolderPublication {
  readonly #deps: PublicationDeps;
  readonly #folder: FolderRef;
  readonly #term: Term;
  #isRecovered = false;
  /** No message was ever recorded of the folder, and nothing is in doubt since that was read. */
  #isBlank = false;
  /** Grows at each doubt: one that comes while a recovery runs is not answered by that recovery. */
  #doubts = 0;
  /** Events whose effect may be lost although a worker still has them in hand; at the begin of a term that can be any. */
  #uncertain: ReadonlySet<string> | 'any' = 'any';
  #recheckAtMs: number | null = null;

  constructor(deps: PublicationDeps, folder: FolderRef, term: Term) {
    this.#deps = deps;
    this.#folder = folder;
    this.#term = term;
  }

  /** False while anything is in doubt, or entries have to be looked at again. */
  get isRecovered(): boolean {
    return this.#isRecovered && this.recheckInMs !== 0;
  }

  /** Milliseconds until entries have to be looked at again; null when none have. */
  get recheckInMs(): number | null {
    if (this.#recheckAtMs === null) return null;
    return Math.max(0, this.#recheckAtMs - this.#deps.clock.monotonicMs());
  }

  /** To be called by whoever has just read that no message of this folder is recorded: recovery need not ask again (issue 7). */
  beginsBlank(): void {
    this.#isBlank = true;
  }

  /** Whatever was known about the stream is in doubt: recover before the next publish. */
  doubt(): void {
    this.#isRecovered = false;
    this.#isBlank = false;
    this.#doubts += 1;
  }

  /** A store may have lost what it had confirmed, effects of the worker among it. */
  distrust(): void {
    this.doubt();
    this.#uncertain = 'any';
  }

  /**
   * Publishes rows just committed. A gap starts recovery at once, which includes these rows.
   * @param previousSeq the folder's `publish_seq` before the first row
   * @throws FaultError REDIS_UNAVAILABLE when an outcome is unknown; `fenced` when the lease is gone.
   */
  async publish(rows: readonly PublishableRow[], previousSeq: number, signal: AbortSignal): Promise<void> {
    this.#isBlank = false;
    if ((await this.#append(rows, previousSeq)) === 'gap') await this.recover(signal);
  }

  /** @throws FaultError as `publish`, and PARSER_KILLED or STORAGE_UNAVAILABLE when a stored message cannot be read. */
  async recover(signal: AbortSignal): Promise<void> {
    const { ledger, publisher, log } = this.#deps;
    // A gap found while recovering means that Redis lost data meanwhile: begin again, but not for ever.
    for (let round = 0; round < 5; round += 1) {
      signal.throwIfAborted();
      const doubts = this.#doubts;
      const inHand = new Set<string>();
      const mark = await publisher.watermark(this.#folder);
      const { publishSeq, isUnpublished, isUnprocessed } = this.#isBlank
        ? NOTHING
        : await ledger.outstanding(this.#folder);
      // After PostgreSQL lost commits the stored sequence may lie below the watermark: go on above both.
      if (publishSeq !== null && publishSeq < mark) await this.#raiseSequence(mark);
      const isPublished = !isUnpublished || (await this.#publishUnmarked(mark, signal));
      // What was just published is not processed either.
      const isAnyOpen = isUnpublished || isUnprocessed;
      if (isPublished && (!isAnyOpen || (await this.#reconcile(inHand, signal)))) {
        if (this.#doubts === doubts) this.#recovered(inHand);
        return;
      }
      log.warn('publication has a gap again while recovering', {
        folder: this.#folder.folder,
        count: round + 1,
      });
    }
    throw new FaultError({
      kind: 'transient',
      code: 'REDIS_UNAVAILABLE',
      detail: 'the stream keeps losing entries',
    });
  }

  #recovered(inHand: ReadonlySet<string>): void {
    const before = this.#uncertain;
    this.#isRecovered = true;
    this.#isBlank = false;
    // What came into a worker's hands later was applied, or will be, after the loss.
    this.#uncertain = before === 'any' ? inHand : new Set([...inHand].filter((id) => before.has(id)));
    this.#recheckAtMs = this.#uncertain.size > 0 ? this.#deps.clock.monotonicMs() + RECHECK_MS : null;
  }

  async #raiseSequence(mark: number): Promise<void> {
    const stored = await this.#deps.ledger.raiseSequence(this.#folder, this.#term, mark);
    if (stored.kind === 'fenced') throw fencedFault();
  }

  /**
   * Rows that are published and not processed, but have no entry that still waits for the worker, are published again under new
   * sequence numbers (DESIGN section 5, reconciliation): Redis lost the entry, or PostgreSQL lost the effect.
   * @param inHand is told the events that a worker has.
   * @returns false when a gap showed up meanwhile.
   */
  async #reconcile(inHand: Set<string>, signal: AbortSignal): Promise<boolean> {
    const { ledger, publisher, log } = this.#deps;
    for (let after = 0; ;) {
      signal.throwIfAborted();
      const rows = await ledger.unprocessed(this.#folder, after, RECONCILE_PAGE);
      const last = rows.at(-1);
      if (last === undefined) return true;
      after = last.publishSeq;
      const { gone, inHand: held } = await publisher.whereabouts(
        this.#folder,
        rows.map((row) => ({ eventId: eventId(row), entryId: row.entryId, publishedAt: row.publishedAt })),
      );
      for (const id of held) inHand.add(id);
      if (gone.size === 0) {
        if (rows.length < RECONCILE_PAGE) return true;
        continue;
      }
      const lost = rows.filter((row) => gone.has(eventId(row)));
      const requeued = await ledger.requeue(this.#folder, this.#term, lost);
      if (requeued.kind === 'fenced') throw fencedFault();
      // None: the worker was just about to be done with them.
      if (requeued.count === 0) continue;
      log.warn('events were lost and are published again', {
        folder: this.#folder.folder,
        count: requeued.count,
      });
      if (!(await this.#publishUnmarked(await publisher.watermark(this.#folder), signal))) return false;
      // Those just published have higher numbers than any page that is still to come would end with: begin anew.
      after = 0;
    }
  }

  async #publishUnmarked(mark: number, signal: AbortSignal): Promise<boolean> {
    let previousSeq = mark;
    let after = 0;
    for (;;) {
      const rows = await this.#deps.ledger.unpublished(this.#folder, after, RECOVERY_PAGE);
      if (rows.length === 0) return true;
      for (const row of rows) {
        signal.throwIfAborted();
        after = row.publishSeq;
        const entry = await this.#entryFromStorage(row, signal);
        if (entry === null) {
          await this.#giveUp(row);
          continue;
        }
        if ((await this.#append([{ ...row, entry }], previousSeq)) === 'gap') return false;
        previousSeq = row.publishSeq;
      }
      this.#deps.log.info('published again from the ledger', {
        folder: this.#folder.folder,
        count: rows.length,
      });
      if (rows.length < RECOVERY_PAGE) return true;
    }
  }

  /** Null when the raw form is no longer there: then nobody can publish it. */
  async #entryFromStorage(row: LedgerRow, signal: AbortSignal): Promise<EmailReceivedEntry | null> {
    const { processor, clock } = this.#deps;
    const { raw } = row;
    if (raw === null) return null;
    const read = (mode: 'full' | 'headersOnly'): Promise<ProcessedMail> =>
      processor.processStored(row, raw, mode, signal);
    try {
      const processed = await read(row.reason === null ? 'full' : 'headersOnly').catch((error: unknown) => {
        if (!isParserKilled(error)) throw error;
        return read('headersOnly');
      });
      const about = {
        internalDate: row.internalDate ?? clock.now(),
        threadId: null,
        occurredAt: clock.now(),
      };
      return receivedMail(row, processed, about).entry;
    } catch (error) {
      if (error instanceof FaultError && error.fault.code === 'NOT_FOUND') return null;
      throw error;
    }
  }

  /** One message without its raw form must not hold up the folder for ever; it stays visible. */
  async #giveUp(row: LedgerRow): Promise<void> {
    const { ledger, log } = this.#deps;
    log.error('the raw form of a message is gone from storage', {
      folder: row.folder,
      uid: row.uid,
      code: 'RAW_MISSING',
    });
    const stored = await ledger.deadLetter(this.#folder, this.#term, row, 'RAW_MISSING');
    if (stored.kind === 'fenced') throw fencedFault();
  }

  /** Appends and marks; stops at the first gap. */
  async #append(rows: readonly PublishableRow[], previousSeq: number): Promise<'done' | 'gap'> {
    const { ledger, publisher, steps } = this.#deps;
    const entries: SequencedEntry[] = [];
    let previous = previousSeq;
    for (const row of rows) {
      entries.push({ publishSeq: row.publishSeq, previousSeq: previous, entry: row.entry });
      previous = row.publishSeq;
    }
    let outcomes;
    try {
      outcomes = await publisher.publish(this.#folder, entries);
    } catch (error) {
      this.doubt();
      throw error;
    }
    steps('published');
    const marked = [];
    let result: 'done' | 'gap' = 'done';
    for (const [index, outcome] of outcomes.entries()) {
      const row = rows[index];
      if (row === undefined) break;
      if (outcome.kind === 'gap') {
        this.doubt();
        result = 'gap';
        break;
      }
      const entryId = outcome.kind === 'appended' ? outcome.entryId : null;
      marked.push({ uidValidity: row.uidValidity, uid: row.uid, publishSeq: row.publishSeq, entryId });
    }
    try {
      await ledger.markPublished(this.#folder, marked);
    } catch (error) {
      // They are in the stream; only the mark is missing, and recovery sets it.
      this.doubt();
      throw error instanceof FaultError ? error : new FaultError(toFault(error), error);
    }
    steps('marked');
    return result;
  }
}
