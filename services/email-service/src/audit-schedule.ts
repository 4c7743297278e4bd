/**
 * When a folder is due for its next audit: on its schedule, and when somebody asks. Owns two timers at most.
 *
 * Requests are numbered. One that comes while an audit runs has a higher number than the audit was begun for, so the folder is due
 * again when that one has ended: no request is lost.
 */
import type { Clock } from '@mailstream/shared/domain/time';

export type AuditReason = 'schedule' | 'request';

export interface DueAudit {
  readonly reason: AuditReason;
  /** The newest request that this audit answers; 0 before the first. */
  readonly version: number;
}

/** After an audit that failed, or without a turn, the next try comes this soon, milliseconds. */
const RETRY_MS = { turn: 1_000, first: 5_000, last: 600_000 };

export class AuditSchedule {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #random: () => number;
  readonly #onDue: () => void;
  #cancelSchedule: (() => void) | null = null;
  #cancelRetry: (() => void) | null = null;
  #isScheduled = false;
  #requested = 0;
  #answered = 0;
  #failures = 0;
  #isPostponed = false;
  #isStopped = false;

  /**
   * @param intervalMs 0 is never
   * @param onDue an audit became due, or due again
   */
  constructor(clock: Clock, intervalMs: number, random: () => number, onDue: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#random = random;
    this.#onDue = onDue;
  }

  /** What is due now, or null. */
  get due(): DueAudit | null {
    if (this.#isPostponed) return null;
    if (this.#requested > this.#answered) return { reason: 'request', version: this.#requested };
    return this.#isScheduled ? { reason: 'schedule', version: this.#answered } : null;
  }

  /** The first audit comes at a random moment of the interval, so that not all folders are audited at once. */
  start(): void {
    if (this.#intervalMs > 0 && this.#cancelSchedule === null)
      this.#armSchedule(this.#random() * this.#intervalMs);
  }

  /**
   * Somebody asks, or asked a former owner of the folder.
   * @param answered the newest request that an audit of this folder has answered
   */
  request(version: number, answered: number): void {
    this.#answered = Math.max(this.#answered, answered);
    if (version <= Math.max(this.#requested, this.#answered)) return;
    this.#requested = version;
    this.#failures = 0;
    this.#resume();
    this.#onDue();
  }

  done(audit: DueAudit): void {
    this.#answered = Math.max(this.#answered, audit.version);
    this.#failures = 0;
    this.#isScheduled = false;
    if (this.due !== null) this.#onDue();
  }

  /** It broke half-way: later, and each time later, so that a folder whose audit cannot work still fetches its mail. */
  failed(): void {
    this.#failures += 1;
    this.#postpone(Math.min(RETRY_MS.first * 2 ** (this.#failures - 1), RETRY_MS.last));
  }

  /** Too many others run. */
  noTurn(): void {
    this.#postpone(RETRY_MS.turn * (1 + this.#random()));
  }

  /** For good: an audit that breaks only after its folder was given up is not tried again. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelSchedule?.();
    this.#cancelSchedule = null;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  #armSchedule(delayMs: number): void {
    this.#cancelSchedule = this.#clock.schedule(delayMs, () => {
      this.#isScheduled = true;
      this.#armSchedule(this.#intervalMs);
      if (this.due !== null) this.#onDue();
    });
  }

  #postpone(delayMs: number): void {
    if (this.#isStopped) return;
    this.#isPostponed = true;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#clock.schedule(delayMs, () => {
      this.#resume();
      if (this.due !== null) this.#onDue();
    });
  }

  #resume(): void {
    this.#isPostponed = false;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }
}
