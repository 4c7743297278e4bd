/**
 * One entry, from its fields to its settlement: acknowledged, a dead letter, or to come back later.
 *
 * The acknowledgement follows the commit and is repeated until Redis took it: a process that dies in between leaves an entry that the
 * gate drops at its next delivery. An entry is never forgotten: what is not settled here stays pending in Redis.
 */
import { sqlState } from '@mailstream/shared/db/database-faults';
import { backoffMs, type Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { pause } from '@mailstream/shared/runtime/system-clock';
import type { Availability } from './availability.ts';
import { decide, judgeClaimed, PARENT_WAITS, type AttemptResult } from './core/delivery-decision.ts';
import type { DecodedEntry } from './entry-decoder.ts';
import type {
  DeadLetter,
  DeadLetters,
  EntrySource,
  Inbox,
  InboundEmail,
  PastAttempt,
  StreamEntry,
} from './ports.ts';

export interface EntryInHand {
  readonly entry: StreamEntry;
  readonly decoded: DecodedEntry;
}

export interface Visit {
  /** Read for the first time by anyone: needs no count of attempts yet. */
  readonly isFresh: boolean;
  /** No other entry under suspicion is handled at the same time. */
  readonly isAlone: boolean;
  /** How often it came back because a message it answers was not processed. */
  readonly parentWaits: number;
}

export type Settlement =
  | { readonly kind: 'settled' }
  | {
      readonly kind: 'comeBack';
      readonly delayMs: number;
      readonly alone: boolean;
      readonly parentWaits: number;
    }
  /** Left pending because the process stops. */
  | { readonly kind: 'abandoned' };

export interface EntryHandlerOptions {
  readonly source: Pick<
    EntrySource,
    'beginAttempt' | 'uncountAttempt' | 'noteRetry' | 'copyToDeadLetters' | 'acknowledge'
  >;
  readonly inbox: Pick<Inbox, 'apply'>;
  readonly deadLetters: Pick<DeadLetters, 'keep'>;
  readonly database: Availability;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly maxAttempts: number;
  /** Delay after the first failure, milliseconds; it doubles with each. */
  readonly retryBaseMs: number;
  /** Ends waiting for what is away, not the work itself. */
  readonly signal: AbortSignal;
}

export type EntryHandler = (inHand: EntryInHand, visit: Visit) => Promise<Settlement>;

const REDIS_BACKOFF = { baseMs: 100, capMs: 5_000, jitter: 0.5 };
/** In a row, for one entry: an entry that brings the whole database down each time must be found, too. */
const SHARED_OUTAGES_FORGIVEN = 20;
/** SQLSTATE of a statement that took longer than `statement_timeout`. */
const QUERY_CANCELED = '57014';
const ABANDONED: Settlement = { kind: 'abandoned' };
const SETTLED: Settlement = { kind: 'settled' };

/** Thrown inside only: the process stops while Redis is away. */
class StoppedError extends Error {}

export function createEntryHandler(options: EntryHandlerOptions): EntryHandler {
  const { source, inbox, deadLetters, database, metrics, clock, log, signal } = options;
  const { maxAttempts, retryBaseMs } = options;

  /** Until Redis took it: everything that is done with this is safe to repeat. */
  const untilTaken = async <T>(command: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await command();
      } catch (error) {
        if (signal.aborted) throw new StoppedError();
        const delayMs = backoffMs(REDIS_BACKOFF, attempt, Math.random());
        const isOurs = error instanceof FaultError && error.fault.kind === 'bug';
        log[isOurs ? 'error' : 'debug']('redis did not take a command', { error, attempt, delayMs });
        await pause(clock, delayMs, signal);
      }
    }
  };

  const attempt = async (message: InboundEmail, visit: Visit): Promise<AttemptResult> => {
    try {
      const outcome = await inbox.apply(message, { waitForParents: visit.parentWaits < PARENT_WAITS });
      if (outcome.kind === 'parentPending' || outcome.kind === 'originalUnreadable') return outcome;
      if (outcome.kind === 'rejected') return { ...outcome, kind: 'refused' };
      return { kind: 'done', effect: outcome.kind };
    } catch (error) {
      // A statement that ran out of its time may be this message's, or its tenant's, own doing: the others do not wait for it.
      if (sqlState(error) === QUERY_CANCELED)
        return { kind: 'failed', code: QUERY_CANCELED, detail: 'the database did not answer in time' };
      if (error instanceof FaultError && error.fault.kind === 'transient') return { kind: 'unavailable' };
      log.warn('entry could not be processed', { eventId: message.eventId, tenantId: message.tenant, error });
      return { kind: 'failed', ...nameOf(error) };
    }
  };

  /** Until the database took it, or the process stops. */
  const untilKept = async (
    entry: StreamEntry,
    decoded: DecodedEntry,
    letter: DeadLetter,
  ): Promise<'kept' | 'processed'> => {
    const identity = decoded.kind === 'email' ? decoded.message : decoded.identity;
    for (;;) {
      try {
        return await deadLetters.keep(entry, identity, letter);
      } catch (error) {
        if (!(error instanceof FaultError && error.fault.kind === 'transient')) {
          // The letter itself must not be lost to a database that refuses it: the stream of dead letters has it.
          log.error('dead letter could not be kept in the database', { entryId: entry.id, error });
          return 'kept';
        }
        await database.recovered();
        if (signal.aborted) throw new StoppedError();
      }
    }
  };

  /**
   * Database, stream of dead letters, acknowledgement: each step may be repeated, so a process that dies in between leaves an entry
   * whose next holder does the rest.
   */
  const bury = async (
    { entry, decoded }: EntryInHand,
    letter: DeadLetter,
    began: number,
  ): Promise<Settlement> => {
    const identity = decoded.kind === 'email' ? decoded.message : decoded.identity;
    if ((await untilKept(entry, decoded, letter)) === 'processed')
      return acknowledge(entry, { effect: 'duplicate', hasRecord: true, began });
    await untilTaken(() => source.copyToDeadLetters(entry, letter));
    await untilTaken(() => source.acknowledge(entry, true));
    metrics.deadLetters.inc({ code: letter.code });
    metrics.entries.inc({ result: 'dead_letter' });
    log.error('entry became a dead letter', {
      stream: entry.stream,
      entryId: entry.id,
      eventId: identity?.eventId,
      tenantId: identity?.tenant,
      code: letter.code,
      detail: letter.detail,
      attempt: letter.attempts,
    });
    return SETTLED;
  };

  const acknowledge = async (
    entry: StreamEntry,
    { effect, hasRecord, began }: { effect: string; hasRecord: boolean; began: number },
  ): Promise<Settlement> => {
    metrics.entries.inc({ result: effect });
    if (effect !== 'duplicate') metrics.entryDelaySeconds.observe(ageSeconds(entry.id, clock.now()));
    await untilTaken(() => source.acknowledge(entry, hasRecord));
    metrics.entrySeconds.observe({ result: effect }, (clock.monotonicMs() - began) / 1000);
    return SETTLED;
  };

  /** Kept in Redis before anything is forgotten here: whoever has the entry next waits as long, and knows what was tried. */
  const retryLater = async (
    entry: StreamEntry,
    retry: { readonly attempts: number; readonly delayMs: number; readonly past: readonly PastAttempt[] },
    parentWaits: number,
  ): Promise<Settlement> => {
    const dueAtMs = clock.now().getTime() + retry.delayMs;
    await untilTaken(() => source.noteRetry(entry, { ...retry, dueAtMs }));
    metrics.entries.inc({ result: 'retried' });
    return { kind: 'comeBack', delayMs: retry.delayMs, alone: true, parentWaits };
  };

  const handle = async (inHand: EntryInHand, visit: Visit): Promise<Settlement> => {
    const began = clock.monotonicMs();
    const { entry, decoded } = inHand;
    const { parentWaits } = visit;
    if (decoded.kind === 'invalid')
      return bury(inHand, { code: decoded.code, detail: decoded.detail, attempts: 1, past: [] }, began);

    let sharedOutages = 0;
    for (let unavailableInRow = 0; ;) {
      // Counted before the attempt, so that one which ends the process is counted too.
      const start = visit.isFresh
        ? ({ kind: 'begun', attempts: 1, past: [] } as const)
        : await untilTaken(() => source.beginAttempt(entry, clock.now().getTime()));
      if (start.kind === 'early') {
        const delayMs = Math.max(0, start.dueAtMs - clock.now().getTime());
        return { kind: 'comeBack', delayMs, alone: true, parentWaits };
      }
      const { attempts, past } = start;
      const uncount = async (): Promise<void> => {
        if (!visit.isFresh) await untilTaken(() => source.uncountAttempt(entry));
      };
      const verdict = judgeClaimed(attempts - past.length, attempts, maxAttempts);
      if (verdict === 'killer')
        return bury(
          inHand,
          {
            code: 'WORKER_KILLED',
            detail: 'attempts ended with their process',
            attempts: attempts - 1,
            past,
            // To write it down was tried before, and ended the process as well.
            isUntouchable: attempts > maxAttempts + 1,
          },
          began,
        );
      if (verdict === 'suspect' && !visit.isAlone) {
        await uncount();
        return { kind: 'comeBack', delayMs: 0, alone: true, parentWaits };
      }

      const result = await attempt(decoded.message, visit);
      const history = { attempts, maxAttempts, retryBaseMs, unavailableInRow, ...visit };
      const decision = decide(result, history, Math.random());
      const failed = (): readonly PastAttempt[] => [
        ...past,
        { attempt: attempts, at: clock.now().toISOString(), ...failureOf(result) },
      ];
      switch (decision.kind) {
        case 'acknowledge':
          return acknowledge(entry, {
            effect: result.kind === 'done' ? result.effect : 'duplicate',
            hasRecord: !visit.isFresh,
            began,
          });
        case 'deadLetter':
          return bury(inHand, { ...decision, attempts, past: failed() }, began);
        case 'comeBack': {
          if (decision.countsAsAttempt)
            return retryLater(entry, { attempts, delayMs: decision.delayMs, past: failed() }, parentWaits);
          metrics.entries.inc({
            result: result.kind === 'originalUnreadable' ? 'original_unreadable' : 'parent_pending',
          });
          await uncount();
          return {
            kind: 'comeBack',
            delayMs: decision.delayMs,
            alone: false,
            parentWaits: parentWaits + 1,
          };
        }
        case 'isolate':
          await uncount();
          return { kind: 'comeBack', delayMs: 0, alone: true, parentWaits };
        case 'hold': {
          await uncount();
          const isShared = (await database.failed()) > 1;
          if (signal.aborted) return ABANDONED;
          // What others suffered as well is not held against this one, unless it happens whenever it is handled.
          if (isShared && sharedOutages < SHARED_OUTAGES_FORGIVEN) sharedOutages += 1;
          else unavailableInRow += 1;
        }
      }
    }
  };

  return async (inHand, visit) => {
    try {
      return await handle(inHand, visit);
    } catch (error) {
      if (error instanceof StoppedError) return ABANDONED;
      throw error;
    }
  };
}

function failureOf(result: AttemptResult): { readonly code: string; readonly detail: string } {
  switch (result.kind) {
    case 'failed':
    case 'refused':
      return { code: result.code, detail: result.detail };
    default:
      return { code: 'DATABASE_UNAVAILABLE', detail: 'the database connection ended' };
  }
}

/** For the ledger and the dead letter: no message of a foreign error, it could quote the mail. */
function nameOf(error: unknown): { readonly code: string; readonly detail: string } {
  if (!(error instanceof Error))
    return { code: 'UNKNOWN', detail: 'a value that is not an error was thrown' };
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[\w.-]{1,60}$/.test(code)
    ? { code, detail: `${error.name} ${code}` }
    : { code: error.name, detail: error.name };
}

/** An entry's id begins with the time of its append, milliseconds since 1970 by the Redis server's clock. */
function ageSeconds(entryId: string, now: Date): number {
  return Math.max(0, (now.getTime() - Number.parseInt(entryId, 10)) / 1000) || 0;
}
