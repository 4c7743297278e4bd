/**
 * One pass over one folder: list exact UIDs, then for each run of them fetch, parse, store, commit, publish, mark
 * (DESIGN section 5). IDLE, EXISTS and counts are hints; only listed UIDs count, and every one of them ends as
 * received, confirmed gone, a hole to ask for again, or a dead letter.
 */
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import type { ImapProvider } from '@mailstream/shared/domain/provider';
import { FaultError, toFault } from '@mailstream/shared/errors/fault-error';
import { listFrom, planRuns, selectNew, type Run, type Selection } from './core/sync-plan.ts';
import { FolderFreshness } from './core/folder-freshness.ts';
import { AttemptsToForgive } from './attempts-to-forgive.ts';
import { auditFolder, type FolderAuditDeps } from './folder-audit.ts';
import type { FolderCursor } from './folder-cursor.ts';
import { readCursor, storeState, type FolderOpening } from './folder-opening.ts';
import type { FetchPlace } from './fetch-places.ts';
import { FolderPublication } from './folder-publication.ts';
import { resyncFolder } from './folder-resync.ts';
import { settleAcquaintances } from './folder-revalidation.ts';
import { changedFault, fencedFault, type Steps } from './ingest-steps.ts';
import { FolderRuns } from './folder-runs.ts';
import { type FetchedRun, type IngestDeps, MessageRun, type RunResult } from './message-run.ts';
import type { AuditCounts, ResyncCounts, ResyncRequest } from './ports/folder-status.ts';
import type { ImapSession } from './ports/imap.ts';
import type { FolderRef, Term } from './ports/leases.ts';

/**
 * What is worked off before the folder is listed again: so many batches, and of a long list a good part. Else the lists of a backlog
 * would cost more than its mails: 100,000 UIDs take half a second.
 */
const BATCHES_IN_PASS = 10;
const SHARE_IN_PASS = 1 / 4;

export interface PassOptions {
  /** How far below the cursor to look again. */
  readonly overlap: number;
  readonly signal: AbortSignal;
  /** True once the run in hand should be the last one. */
  readonly shouldStop: () => boolean;
}

export interface PassResult {
  readonly more: boolean;
  /** Messages that reached the ledger in this pass. */
  readonly received: number;
}

export class FolderIngest {
  readonly freshness: FolderFreshness;
  readonly #deps: IngestDeps;
  readonly #provider: ImapProvider;
  readonly #folder: FolderRef;
  readonly #term: Term;
  readonly #publication: FolderPublication;
  #cursor: FolderCursor | null = null;
  #mustReload = false;
  readonly #attempts: AttemptsToForgive;
  /** What audits that broke half-way had found missing. */
  #lost: Set<number> | null = null;

  constructor(deps: IngestDeps, provider: ImapProvider, folder: FolderRef, term: Term) {
    this.#deps = deps;
    this.#provider = provider;
    this.#folder = folder;
    this.#term = term;
    this.#attempts = new AttemptsToForgive(deps.ledger, folder);
    this.#publication = new FolderPublication(deps, folder, term);
    this.freshness = new FolderFreshness(deps.clock.monotonicMs());
  }

  /** Milliseconds until something of ours is due again without any hint of the server; null when nothing is. */
  get nextDueMs(): number | null {
    const due = [
      this.#cursor?.nextHoleDueMs(this.#deps.clock.monotonicMs()) ?? null,
      this.#publication.recheckInMs,
    ].filter((ms) => ms !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  /**
   * Opens the folder, reads or makes its cursor.
   * @throws FaultError of the session; IMAP_UIDS_NOT_STICKY; `fenced`.
   */
  async open(session: ImapSession, signal: AbortSignal): Promise<void> {
    const opened = await session.open(this.#folder.folder);
    signal.throwIfAborted();
    if (opened.uidNotSticky) {
      const detail = 'the server announced UIDNOTSTICKY';
      throw new FaultError({ kind: 'misconfigured', code: 'IMAP_UIDS_NOT_STICKY', detail });
    }
    this.#mustReload = false;
    this.#cursor = await readCursor(this.#opening(), session, opened, signal);
  }

  /** @throws FaultError of any port; the folder is then as the last commit left it. */
  async pass(session: ImapSession, options: PassOptions): Promise<PassResult> {
    const { signal } = options;
    const { steps, limits, clock } = this.#deps;
    // EXAMINE anew: what was told at the last one says nothing about a database that was restored since.
    if (this.#mustReload) await this.open(session, signal);
    const cursor = this.#cursor;
    if (cursor === null)
      throw new FaultError({ kind: 'bug', code: 'INTERNAL', detail: 'a pass before the folder was opened' });
    await this.#recoverIfNeeded(signal);

    const askedMs = clock.monotonicMs();
    const listed = await session.listUids(listFrom(cursor.state, options.overlap), cursor.holes);
    steps('listed');
    this.freshness.progressed(clock.monotonicMs());
    if (cursor.holes.length > 0) cursor.confirmGone(new Set(listed), session, clock.monotonicMs());
    const unsettled = new Set(listed.filter((uid) => !cursor.isSettled(uid)));
    try {
      const selection = selectNew(
        listed,
        (uid) => cursor.isSettled(uid),
        Math.max(BATCHES_IN_PASS * limits.maxMessages, Math.floor(listed.length * SHARE_IN_PASS)),
        (uid) => cursor.isReady(uid, clock.monotonicMs()),
      );
      return selection.uids.length === 0
        ? { more: false, received: 0 }
        : await this.#workOff(session, options, cursor, selection, unsettled);
    } finally {
      const left = [...unsettled];
      this.freshness.listed(askedMs, left, left.filter((uid) => cursor.isHole(uid)).length);
    }
  }

  /** @param unsettled what is committed is taken out of it */
  async #workOff(
    session: ImapSession,
    options: PassOptions,
    cursor: FolderCursor,
    selection: Selection,
    unsettled: Set<number>,
  ): Promise<PassResult> {
    const { signal } = options;
    const { uidValidity } = cursor.state;
    const runs = new FolderRuns({
      isAlone: () => this.#deps.traffic.isAlone(this.#folder.tenant),
      fetch: (run, uncounted) => this.#fetch(session, run, cursor, signal, uncounted),
      settle: (result, unended) => this.#settle(session, result, cursor, signal, { unended, unsettled }),
      giveBack: (unended) => this.#attempts.giveBack(uidValidity, unended),
    });
    let isAllBegun = false;
    try {
      isAllBegun = await this.#begin(session, options, cursor, selection.uids, runs);
    } finally {
      await runs.drained();
    }
    return { more: selection.more || !isAllBegun || runs.isCutShort, received: runs.received };
  }

  /** @returns false when some of them are left for another pass */
  async #begin(
    session: ImapSession,
    { signal, shouldStop }: PassOptions,
    cursor: FolderCursor,
    uids: readonly number[],
    runs: FolderRuns,
  ): Promise<boolean> {
    const { limits, pause } = this.#deps;
    for (let next = 0; next < uids.length;) {
      if (limits.room() <= runs.inFlight) await runs.drained();
      const count = Math.min(limits.maxMessages, Math.max(1, limits.room() - runs.inFlight));
      const some = uids.slice(next, next + count);
      for (const run of await this.#cut(session, some, cursor)) {
        if (shouldStop() || runs.isCutShort) return false;
        signal.throwIfAborted();
        await runs.add(run);
        if (limits.fetchDelayMs > 0) await pause(limits.fetchDelayMs, signal);
      }
      next += some.length;
    }
    return true;
  }

  /** @param uncounted is emptied where no attempt was counted */
  async #fetch(
    session: ImapSession,
    run: Run,
    cursor: FolderCursor,
    signal: AbortSignal,
    uncounted: Set<number>,
  ): Promise<FetchedRun> {
    const steps: Steps = (step) => {
      this.freshness.progressed(this.#deps.clock.monotonicMs());
      this.#deps.steps(step);
    };
    const { uidValidity } = cursor.state;
    const work = new MessageRun({ ...this.#deps, steps }, this.#folder, this.#term, uidValidity);
    const place = await this.#place(signal, uncounted);
    this.#deps.traffic.came(this.#folder.tenant);
    try {
      return await work.fetch(session, run, cursor, signal, place);
    } catch (error) {
      place.end();
      if (toFault(error).kind === 'fenced') uncounted.clear();
      throw error;
    }
  }

  /** @param uncounted is emptied when there is no place: then no attempt was counted */
  async #place(signal: AbortSignal, uncounted: Set<number>): Promise<FetchPlace> {
    const { places, clock } = this.#deps;
    try {
      return await places.take(this.#provider.endpoint.host, signal, () =>
        this.freshness.progressed(clock.monotonicMs()),
      );
    } catch (error) {
      uncounted.clear();
      throw error;
    }
  }

  /**
   * Makes a run durable, commits it and publishes it.
   * @param left UIDs that are taken out as soon as they are committed: of attempts to take back, and of the pass
   * @throws FaultError of storage, ledger or stream; `fenced`. REDIS_UNAVAILABLE where the outcome is unknown.
   */
  async #settle(
    session: ImapSession,
    result: RunResult,
    cursor: FolderCursor,
    signal: AbortSignal,
    left: { readonly unended: Set<number>; readonly unsettled: Set<number> },
  ): Promise<void> {
    if (result.needsBarrier) await this.#deps.processor.barrier();
    this.#deps.steps('stored');
    const rows = await this.#record(session, result, cursor, signal);
    for (const { record } of result.messages) {
      left.unended.delete(record.uid);
      left.unsettled.delete(record.uid);
    }
    for (const uid of result.missing) left.unended.delete(uid);
    this.freshness.progressed(this.#deps.clock.monotonicMs());
    await rows?.publish();
  }

  /**
   * Compares the whole folder with the ledger and fetches what is missing (see folder-audit.ts).
   * @returns null when it could not be brought to its end: stopped, or the folder has to be opened anew.
   * @throws FaultError as `pass` does
   */
  async audit(session: ImapSession, options: PassOptions): Promise<AuditCounts | null> {
    const cursor = this.#cursor;
    if (cursor === null || this.#mustReload) return null;
    // On the same slow schedule the ledger is compared with the stream: what a person asked to replay goes out at once.
    this.#publication.doubt();
    await this.#recoverIfNeeded(options.signal);
    const lost = (this.#lost ??= new Set());
    const counts = await auditFolder(this.#auditDeps(session, cursor, options), session, cursor, lost);
    if (lost.size === 0) this.#lost = null;
    return counts;
  }

  /**
   * Fetches or counts older mail (see folder-resync.ts).
   * @returns null when it could not be brought to its end: stopped, or the folder has to be opened anew.
   * @throws FaultError as `pass` does
   */
  async resync(
    session: ImapSession,
    options: PassOptions,
    request: ResyncRequest,
  ): Promise<ResyncCounts | null> {
    if (this.#mustReload) await this.open(session, options.signal);
    const cursor = this.#cursor;
    // EXAMINE anew: the starting point is found from what is there now.
    const opened = await session.open(this.#folder.folder);
    if (cursor === null || opened.uidValidity !== cursor.state.uidValidity) {
      this.#mustReload = true;
      return null;
    }
    const deps = {
      ...this.#auditDeps(session, cursor, options),
      now: () => this.#deps.clock.now(),
      lowerBaseline: async (state: FolderState) => {
        options.signal.throwIfAborted();
        cursor.committed(await storeState(this.#opening(), state, cursor.expected), []);
        this.#deps.log.info('baseline lowered', { ...this.#fields(), count: state.baselineUid });
      },
    };
    return await resyncFolder(deps, session, cursor, { opened, ...request });
  }

  #opening(): FolderOpening {
    return {
      ...{ deps: this.#deps, folder: this.#folder, term: this.#term, startFrom: this.#provider.startFrom },
      beforeAttemptsAreRead: () => this.#attempts.forgive(),
      onBlank: () => this.#publication.beginsBlank(),
      onNewUidValidity: () => {
        this.freshness.forget();
        this.#lost?.clear();
      },
    };
  }

  #auditDeps(session: ImapSession, cursor: FolderCursor, options: PassOptions): FolderAuditDeps {
    const { ledger, log, clock, limits } = this.#deps;
    return {
      ...{ ledger, log, folder: this.#folder, maxMessages: Math.min(limits.maxMessages, limits.room()) },
      monotonicMs: () => clock.monotonicMs(),
      pass: () => this.pass(session, options),
      isOver: () => options.shouldStop() || options.signal.aborted || this.#cursor !== cursor,
    };
  }

  /** Something went wrong on the way to the stream: recover before the next publish. */
  doubt(): void {
    this.#publication.doubt();
  }

  /** A store may have lost data: read the cursor again and compare ledger and stream, at the next pass. */
  distrustStores(): void {
    this.#mustReload = true;
    this.#publication.distrust();
  }

  async #recoverIfNeeded(signal: AbortSignal): Promise<void> {
    if (!this.#publication.isRecovered) await this.#publication.recover(signal);
  }

  async #cut(session: ImapSession, uids: readonly number[], cursor: FolderCursor): Promise<readonly Run[]> {
    const suspect = (uid: number): boolean => cursor.suspects.has(uid);
    const { maxMessages, maxRunBytes } = this.#deps.limits;
    // One message is the common case where latency counts: it is fetched at once, its size found out on the way.
    if (uids.length === 1) return [{ uids, alone: uids.some(suspect) }];
    const sizes = new Map([...(await session.sizes(uids))].map(([uid, about]) => [uid, about.size] as const));
    return planRuns(uids, sizes, { maxMessages, maxRunBytes }, suspect);
  }

  /** Commits what became of a run. @returns how to publish it, or null when there was nothing to commit. */
  async #record(
    session: ImapSession,
    result: RunResult,
    cursor: FolderCursor,
    signal: AbortSignal,
  ): Promise<{ publish(): Promise<void> } | null> {
    const { ledger, clock, steps, metrics, log } = this.#deps;
    if (result.messages.length === 0 && result.missing.length === 0) return null;
    for (const uid of result.missing) cursor.addHole(uid, session, clock.monotonicMs());
    if (cursor.isOverfull) {
      throw new FaultError({
        kind: 'transient',
        code: 'IMAP_PROTOCOL',
        detail: 'the server lists messages that it does not deliver',
      });
    }
    const messages = await settleAcquaintances(ledger, this.#folder, cursor.state, result.messages);
    const done = messages.map((message) => message.record.uid);
    const finished = new Set(done);
    const lastUid = [...done, ...result.missing].reduce(
      (highest, uid) => Math.max(highest, uid),
      cursor.state.lastUid,
    );
    const state: FolderState = {
      ...cursor.state,
      lastUid,
      holes: cursor.holes.filter((uid) => !finished.has(uid)),
      lastSeenAt: clock.now().toISOString(),
    };
    signal.throwIfAborted();
    const stored = await ledger.recordBatch(this.#folder, this.#term, {
      expected: cursor.expected,
      state,
      messages: messages.map((message) => message.record),
      finished: [...done, ...result.missing],
    });
    if (stored.kind === 'fenced') throw fencedFault();
    if (stored.kind === 'changed') throw changedFault();
    steps('committed');
    const lastSeq = stored.rows.at(-1)?.publishSeq ?? stored.previousSeq;
    cursor.committed({ ...state, publishSeq: lastSeq }, done);
    metrics.messages(messages.map((message) => message.record.status));
    log.debug('run committed', { ...this.#fields(), count: done.length });

    const entries = new Map(messages.map((message) => [message.record.uid, message.entry] as const));
    const rows = stored.rows.flatMap((row) => {
      const entry = entries.get(row.uid);
      return entry === undefined || entry === null ? [] : [{ ...row, uidValidity: state.uidValidity, entry }];
    });
    return { publish: () => this.#publication.publish(rows, stored.previousSeq, signal) };
  }

  #fields(): { readonly tenantId: string; readonly providerId: string; readonly folder: string } {
    return { tenantId: this.#folder.tenant, providerId: this.#folder.id, folder: this.#folder.folder };
  }
}
