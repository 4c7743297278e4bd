/**
 * One entry, from its fields to its settlement: acknowledged, a dead letter, or to come back later.
 *
 * The acknowledgement follows the commit and is repeated until Redis took it: a process that dies in between leaves an entry that the
 * gate drops at its next delivery. An entry is never forgotten: what is not settled here stays pending in Redis.
 */
import { backoffMs, type Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { pause } from '@mailstream/shared/runtime/system-clock';
import type { Availability } from './availability.ts';
import { decide, judgeClaimed, PARENT_WAITS, type AttemptResult } from './core/delivery-decision.ts';
import { decode, type DecodedEntry } from './entry-decoder.ts';
import type { EntrySource, Inbox, InboundEmail, StreamEntry } from './ports.ts';

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
  readonly source: EntrySource;
  readonly inbox: Inbox;
  readonly database: Availability;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly maxAttempts: number;
  /** Ends waiting for what is away, not the work itself. */
  readonly signal: AbortSignal;
}

export type EntryHandler = (entry: StreamEntry, visit: Visit) => Promise<Settlement>;

const REDIS_BACKOFF = { baseMs: 100, capMs: 5_000, jitter: 0.5 };
const ABANDONED: Settlement = { kind: 'abandoned' };
const SETTLED: Settlement = { kind: 'settled' };

/** Thrown inside only: the process stops while Redis is away. */
class StoppedError extends Error {}

export function createEntryHandler(options: EntryHandlerOptions): EntryHandler {
  const { source, inbox, database, metrics, clock, log, maxAttempts, signal } = options;

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
      if (outcome.kind === 'parentPending') return outcome;
      if (outcome.kind === 'rejected') return { ...outcome, kind: 'refused' };
      return { kind: 'done', effect: outcome.kind };
    } catch (error) {
      if (error instanceof FaultError && error.fault.kind === 'transient') return { kind: 'unavailable' };
      log.warn('entry could not be processed', { eventId: message.eventId, tenantId: message.tenant, error });
      return { kind: 'failed', detail: nameOf(error) };
    }
  };

  const bury = async (
    entry: StreamEntry,
    decoded: DecodedEntry,
    letter: { readonly code: string; readonly detail: string; readonly attempts: number },
  ): Promise<Settlement> => {
    const identity = decoded.kind === 'email' ? decoded.message : decoded.identity;
    // The ledger first: it is what people see, and a repeated letter is one letter.
    for (let isNoted = identity === null; !isNoted && identity !== null;) {
      try {
        await inbox.markDeadLetter(identity.tenant, identity.eventId, `${letter.code}: ${letter.detail}`);
        isNoted = true;
      } catch (error) {
        if (!(error instanceof FaultError && error.fault.kind === 'transient')) {
          // The letter itself must not be lost to a ledger that refuses the note.
          log.error('dead letter could not be noted in the ledger', { eventId: identity.eventId, error });
          break;
        }
        await database.recovered();
        if (signal.aborted) return ABANDONED;
      }
    }
    await untilTaken(() => source.deadLetter(entry, letter));
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

  const acknowledge = async (entry: StreamEntry, effect: string, began: number): Promise<Settlement> => {
    metrics.entries.inc({ result: effect });
    if (effect !== 'duplicate') metrics.entryDelaySeconds.observe(ageSeconds(entry.id, clock.now()));
    await untilTaken(() => source.acknowledge(entry));
    metrics.entrySeconds.observe({ result: effect }, (clock.monotonicMs() - began) / 1000);
    return SETTLED;
  };

  const handle = async (entry: StreamEntry, visit: Visit): Promise<Settlement> => {
    const began = clock.monotonicMs();
    const decoded = decode(entry);
    if (decoded.kind === 'invalid') return bury(entry, decoded, { ...decoded, attempts: 1 });

    for (let unavailableInRow = 0; ; unavailableInRow += 1) {
      // Counted before the attempt, so that one which ends the process is counted too.
      const attempts = visit.isFresh ? 1 : await untilTaken(() => source.countAttempt(entry, 1));
      const uncount = async (): Promise<void> => {
        if (!visit.isFresh) await untilTaken(() => source.countAttempt(entry, -1));
      };
      const verdict = judgeClaimed(attempts, maxAttempts);
      if (verdict === 'killer')
        return bury(entry, decoded, {
          code: 'WORKER_KILLED',
          detail: 'each attempt ended with its process',
          attempts: attempts - 1,
        });
      if (verdict === 'suspect' && !visit.isAlone) {
        await uncount();
        return { kind: 'comeBack', delayMs: 0, alone: true, parentWaits: visit.parentWaits };
      }

      const result = await attempt(decoded.message, visit);
      const decision = decide(result, { attempts, maxAttempts, unavailableInRow }, Math.random());
      switch (decision.kind) {
        case 'acknowledge':
          return acknowledge(entry, result.kind === 'done' ? result.effect : 'duplicate', began);
        case 'deadLetter':
          return bury(entry, decoded, { ...decision, attempts });
        case 'comeBack': {
          metrics.entries.inc({ result: decision.countsAsAttempt ? 'retried' : 'parent_pending' });
          if (!decision.countsAsAttempt) await uncount();
          else if (visit.isFresh) await untilTaken(() => source.countAttempt(entry, 1));
          const { delayMs, countsAsAttempt: alone } = decision;
          return { kind: 'comeBack', delayMs, alone, parentWaits: visit.parentWaits + (alone ? 0 : 1) };
        }
        case 'hold':
          await uncount();
          await database.recovered();
          if (signal.aborted) return ABANDONED;
      }
    }
  };

  return async (entry, visit) => {
    try {
      return await handle(entry, visit);
    } catch (error) {
      if (error instanceof StoppedError) return ABANDONED;
      throw error;
    }
  };
}

/** For the ledger and the dead letter: no message of a foreign error, it could quote the mail. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'a value that is not an error was thrown';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[\w.-]{1,60}$/.test(code) ? `${error.name} ${code}` : error.name;
}

/** An entry's id begins with the time of its append, milliseconds since 1970 by the Redis server's clock. */
function ageSeconds(entryId: string, now: Date): number {
  return Math.max(0, (now.getTime() - Number.parseInt(entryId, 10)) / 1000) || 0;
}
