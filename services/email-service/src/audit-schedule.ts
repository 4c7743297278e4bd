/** When a folder is due for its next audit. Owns one timer. */
import type { Clock } from '@mailstream/shared/domain/time';

export class AuditSchedule {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #onDue: () => void;
  #cancelTimer: (() => void) | null = null;
  #isDue = false;

  /** @param intervalMs 0 is never */
  constructor(clock: Clock, intervalMs: number, onDue: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#onDue = onDue;
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  /** The first audit comes at a random moment of the interval, so that not all folders are audited at once. */
  start(random: number): void {
    if (this.#intervalMs > 0 && this.#cancelTimer === null) this.#arm(random * this.#intervalMs);
  }

  done(): void {
    this.#isDue = false;
  }

  stop(): void {
    this.#cancelTimer?.();
  }

  #arm(delayMs: number): void {
    this.#cancelTimer = this.#clock.schedule(delayMs, () => {
      this.#isDue = true;
      this.#arm(this.#intervalMs);
      this.#onDue();
    });
  }
}
