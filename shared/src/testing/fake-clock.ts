import type { Clock } from '../domain/time.ts';

/** A clock that stands still until told: `advance` runs what has become due, in order. */
export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #startedAt: number;
  #timers: { readonly at: number; readonly action: () => void }[] = [];

  constructor(startedAt: Date = new Date('2024-01-01T00:00:00Z')) {
    this.#startedAt = startedAt.getTime();
  }

  /** Timers that are armed: 0 when nothing was left behind. */
  get pending(): number {
    return this.#timers.length;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  now(): Date {
    return new Date(this.#startedAt + this.#nowMs);
  }

  schedule(delayMs: number, action: () => void): () => void {
    const timer = { at: this.#nowMs + Math.max(delayMs, 0), action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time on; a timer that is armed by one that fires runs too, if it falls within. */
  advance(ms: number): void {
    const until = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.at);
      next.action();
    }
    this.#nowMs = until;
  }
}
