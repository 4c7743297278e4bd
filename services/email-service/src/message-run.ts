/**
 * One run: fetch, parse and store some messages of a folder, in bounded memory, and say what became of each.
 *
 * Attempts are counted before anything is parsed, so that a message that takes its parser or the whole process down is known
 * afterwards. The result is a prefix of the run in its order: a fault half-way keeps what was complete before it, so that even a
 * connection that breaks every few messages makes progress.
 */
import { rm } from 'node:fs/promises';
import type { Clock } from '@mailstream/shared/domain/time';
import type { MessageKey } from '@mailstream/shared/domain/message';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { receivedMail } from './received-mail.ts';
import { attemptMode, type AttemptMode, type Run } from './core/sync-plan.ts';
import type { FetchBudget, FetchShare } from './fetch-budget.ts';
import type { FetchPlace, FetchPlaces } from './fetch-places.ts';
import type { FolderCursor } from './folder-cursor.ts';
import { fencedFault, isParserKilled, type Steps } from './ingest-steps.ts';
import type { FetchedMessage, ImapSession } from './ports/imap.ts';
import { givenUp, recordOf, type RunMessage } from './message-record.ts';
import { spoolHead, spoolRest } from './message-spool.ts';
import type { TenantTraffic } from './tenant-traffic.ts';
import type { FolderRef, Term } from './ports/leases.ts';
import type { Ledger, NewMessage } from './ports/ledger.ts';
import type { EventContext, MailProcessor, RawSource } from './ports/mail.ts';
import type { EventPublisher } from './ports/stream.ts';

export interface IngestDeps {
  readonly ledger: Ledger;
  readonly publisher: EventPublisher;
  readonly processor: MailProcessor;
  readonly places: FetchPlaces;
  readonly traffic: TenantTraffic;
  readonly budget: FetchBudget;
  readonly clock: Clock;
  readonly log: Logger;
  readonly steps: Steps;
  readonly metrics: { messages(statuses: readonly NewMessage['status'][]): void };
  readonly limits: {
    /** Messages in a batch. */
    readonly maxMessages: number;
    /** Messages that may be taken in now before something is full, at least 1; what is on its way to the stream is not counted yet. */
    readonly room: () => number;
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

/** How long a large message waits for V8's collector after each piece: it needs some 50 ms while all processors are busy. */
const PAUSE_MS = 10;
const MOST_PAUSES = 10;

export interface RunResult {
  /** Complete, in the run's order, without a message missing before the last but those in `missing`. */
  readonly messages: readonly RunMessage[];
  /** Listed, asked for and not delivered: holes. */
  readonly missing: readonly number[];
  /** The message that ended its parser; the run ends before it. Null when none did. */
  readonly killer: number | null;
  /** What ended the run early, to be thrown once the messages are committed; null when nothing did. */
  readonly fault: Error | null;
  /** Raw forms that become durable only with a barrier, which has to be passed before the commit. */
  readonly needsBarrier: boolean;
}

/** A run of which everything has come that will. */
export interface FetchedRun {
  /** Its fetch ended early: nothing more will come over this connection. */
  readonly isBroken: boolean;
  /** Ends with its last parse. @throws FaultError of the ledger; faults of the session come in the result */
  readonly parsed: Promise<RunResult>;
}

type Outcome =
  | { readonly kind: 'done'; readonly message: RunMessage }
  | { readonly kind: 'missing' }
  | { readonly kind: 'killed' }
  | { readonly kind: 'failed'; readonly error: Error };

interface Collecting {
  readonly outcomes: Map<number, Outcome>;
  /** Nothing is parsed before it is true. Never rejects. */
  readonly isCounted: Promise<boolean>;
  readonly signal: AbortSignal;
  readonly place: FetchPlace;
  readonly share: FetchShare;
}

/**
 * One that is too large to hold: its beginning is in a file, and nowhere else. It is alone in its run where its server says its size;
 * one that understates sizes gives a run of hundreds.
 */
interface SpooledHead {
  readonly message: FetchedMessage & { readonly head: null };
  readonly headBytes: number;
  readonly path: string;
}

/** A message that came whole. */
interface Fetched {
  readonly message: FetchedMessage;
  readonly bytes: Uint8Array;
}

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

  /**
   * Resolves when all of it was fetched; what came is parsed meanwhile and after that.
   * @param place is told what takes the time, and ended with the last parse
   * @throws FaultError `fenced`, or of the ledger
   */
  async fetch(
    session: ImapSession,
    run: Run,
    cursor: FolderCursor,
    signal: AbortSignal,
    place: FetchPlace,
  ): Promise<FetchedRun> {
    const counting = this.#deps.ledger.countAttempts(this.#folder, this.#term, this.#uidValidity, run.uids);
    const isCounted = counting.then(
      ({ kind }) => kind === 'counted',
      () => false,
    );
    const [first] = run.uids;
    const mode =
      first === undefined ? 'full' : attemptMode(cursor.suspects.get(first) ?? { kills: 0, crashes: 0 });
    // One message comes meanwhile, and waits to be parsed: there latency counts. Many are not fetched for nothing, again and again,
    // while the database takes no writes.
    if ((run.uids.length > 1 || mode !== 'full') && !(await isCounted)) throw await notCounted(counting);
    if (mode === 'giveUp' && first !== undefined) {
      place.end();
      const result = { missing: [], killer: null, fault: null, needsBarrier: false };
      return { isBroken: false, parsed: Promise.resolve({ ...result, messages: [givenUp(first)] }) };
    }
    const outcomes = new Map<number, Outcome>();
    const share = this.#deps.budget.begin();
    const collecting = { outcomes, isCounted, signal, place, share };
    const { fault, needsBarrier, ended } = await this.#collect(session, run, mode, collecting).catch(
      (error: unknown) => {
        share.end();
        throw error;
      },
    );
    if (!(await isCounted)) {
      share.end();
      throw await notCounted(counting);
    }
    const parsed = ended
      .finally(() => {
        share.end();
        place.end();
      })
      .then(async () => ({ ...(await this.#assemble(run, outcomes, fault, cursor)), needsBarrier }));
    // Whoever waits for it hears of its fault; until then it is nobody's.
    parsed.catch(() => undefined);
    return { isBroken: fault !== null, parsed };
  }

  /**
   * Fills `outcomes`, all of them when `ended` is over; none where the attempts could not be counted.
   * `fault` is what ended it early, or null.
   */
  async #collect(
    session: ImapSession,
    run: Run,
    mode: AttemptMode,
    { outcomes, isCounted, signal, place, share }: Collecting,
  ): Promise<Pick<RunResult, 'fault' | 'needsBarrier'> & { readonly ended: Promise<unknown> }> {
    const { limits } = this.#deps;
    const working = new Set<Promise<void>>();
    const large: SpooledHead[] = [];
    const pieceBytes = share.pieceBytes();
    let group: Fetched[] = [];
    let groupBytes = 0;
    let hasGroups = false;
    let fault: Error | null = null;
    const begin = async (work: () => Promise<void>): Promise<void> => {
      place.works();
      if (!(await isCounted)) return;
      while (working.size >= limits.parallelParses) await Promise.race(working);
      const running = work();
      working.add(running);
      void running.finally(() => working.delete(running));
      place.waits();
    };
    const beginGroup = async (): Promise<void> => {
      const ready = group;
      group = [];
      groupBytes = 0;
      const [first] = ready;
      if (first === undefined) return;
      // One that waits for a barrier anyway need not wait for its own bytes.
      hasGroups ||= ready.length > 1;
      if (hasGroups) await begin(() => this.#processGroup(ready, outcomes, signal));
      else await begin(() => this.#processAlone(first, mode, outcomes, signal));
    };
    try {
      for await (const message of session.fetch(run.uids, pieceBytes, signal)) {
        this.#deps.steps('fetched');
        place.waits();
        if (message.head === null) outcomes.set(message.uid, { kind: 'missing' });
        else if (message.maybeMore) {
          large.push(await this.#spooled(message, message.head));
          await this.#collected(signal, place);
        } else {
          group.push({ message, bytes: message.head });
          groupBytes += message.head.length;
          if (groupBytes >= share.groupBytes() || mode !== 'full') await beginGroup();
        }
      }
      await beginGroup();
      for (const head of large) {
        if (!(await isCounted)) break;
        const source = await this.#rest(session, head, { signal, place, share });
        await this.#process(head.message, source, mode, outcomes, signal);
      }
    } catch (error) {
      fault = toError(error);
      // What came before the fault is worth having.
      await beginGroup();
    }
    place.works();
    await Promise.all(large.map(({ path }) => rm(path, { force: true })));
    return { fault, needsBarrier: hasGroups, ended: Promise.all(working) };
  }

  /** Never rejects: the outcomes say what happened. */
  async #processGroup(
    group: readonly Fetched[],
    outcomes: Map<number, Outcome>,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, processor, steps } = this.#deps;
    const done = await processor.processAll(
      group.map(({ message, bytes }) => ({
        key: this.#key(message.uid),
        bytes,
        context: contextOf(message, clock.now()),
      })),
      signal,
    );
    for (const [index, { message }] of group.entries()) {
      const outcome = done[index];
      if (outcome?.kind === 'received') {
        steps('parsed');
        outcomes.set(message.uid, {
          kind: 'done',
          message: recordOf(message, outcome.mail, 'full', clock.now()),
        });
      } else outcomes.set(message.uid, failureOf(outcome?.error));
    }
  }

  async #processAlone(
    { message, bytes }: Fetched,
    mode: AttemptMode,
    outcomes: Map<number, Outcome>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#process(message, { kind: 'bytes', bytes }, mode, outcomes, signal);
  }

  /** Never rejects: the outcome says what happened. */
  async #process(
    message: FetchedMessage,
    source: RawSource,
    mode: AttemptMode,
    outcomes: Map<number, Outcome>,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, processor, steps } = this.#deps;
    try {
      const processed = await processor.process(
        this.#key(message.uid),
        source,
        mode === 'full' ? 'full' : 'headersOnly',
        signal,
      );
      steps('parsed');
      const mail = receivedMail(this.#key(message.uid), processed, contextOf(message, clock.now()));
      outcomes.set(message.uid, { kind: 'done', message: recordOf(message, mail, mode, clock.now()) });
    } catch (error) {
      outcomes.set(message.uid, failureOf(error));
    }
  }

  async #assemble(
    run: Run,
    outcomes: ReadonlyMap<number, Outcome>,
    fault: Error | null,
    cursor: FolderCursor,
  ): Promise<Omit<RunResult, 'needsBarrier'>> {
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

  async #spooled(message: FetchedMessage, head: Uint8Array): Promise<SpooledHead> {
    const path = await spoolHead(this.#deps.spoolDir, head);
    return { message: { ...message, head: null }, headBytes: head.length, path };
  }

  /** Waits while V8 has too much to collect, but not for long: it may all be needed still. @throws when the signal aborts */
  async #collected(signal: AbortSignal, place: FetchPlace): Promise<void> {
    const { budget, pause } = this.#deps;
    place.works();
    for (let pauses = 0; pauses < MOST_PAUSES && budget.isUncollected(); pauses += 1)
      await pause(PAUSE_MS, signal);
    place.waits();
  }

  async #rest(
    session: ImapSession,
    { message, headBytes, path }: SpooledHead,
    { signal, place, share }: Pick<Collecting, 'signal' | 'place' | 'share'>,
  ): Promise<RawSource> {
    place.waits();
    try {
      const rest = session.fetchRest(message.uid, headBytes, () => share.pieceBytes(), signal);
      const added = await spoolRest(path, rest, async () => {
        this.#deps.steps('piece');
        await this.#collected(signal, place);
      });
      return { kind: 'file', path, size: headBytes + added };
    } finally {
      place.works();
    }
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

/** Why attempts were not counted. */
async function notCounted(counting: ReturnType<Ledger['countAttempts']>): Promise<Error> {
  return await counting.then(fencedFault, toError);
}

function contextOf(message: FetchedMessage, now: Date): EventContext {
  return { internalDate: message.internalDate ?? now, threadId: message.threadId, occurredAt: now };
}

function failureOf(error: unknown): Outcome {
  return isParserKilled(error) ? { kind: 'killed' } : { kind: 'failed', error: toError(error) };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a value that is not an Error was thrown');
}
