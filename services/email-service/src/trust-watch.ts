/**
 * One timer for the trust in all terms of an instance: it comes when the first of them could be over. Renewals move the times of
 * ten thousand terms every few seconds; they make no timers (issue 7).
 *
 *     arm ──▶ waiting ──▶ look: tells each term whose time has come ──▶ waiting for the first of the others
 *
 * What always holds: while any term has a time, the timer comes at the earliest of those that were armed, or before it.
 */
import type { Clock } from '@mailstream/shared/domain/time';

export interface TrustedTerm {
  /** When to look at it, monotonic milliseconds; null when there is nothing to look at. */
  readonly trustAtMs: number | null;
  lookAtTrust(nowMs: number): void;
}

export class TrustWatch {
  readonly #clock: Clock;
  readonly #terms: () => Iterable<TrustedTerm>;
  #dueMs = Infinity;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, terms: () => Iterable<TrustedTerm>) {
    this.#clock = clock;
    this.#terms = terms;
  }

  /** A term is to be looked at then, monotonic milliseconds. */
  arm(atMs: number): void {
    if (atMs >= this.#dueMs) return;
    this.#dueMs = atMs;
    this.#cancel?.();
    this.#cancel = this.#clock.schedule(Math.max(0, atMs - this.#clock.monotonicMs()), () => this.#look());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#dueMs = Infinity;
  }

  #look(): void {
    this.stop();
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Infinity;
    for (const term of this.#terms()) {
      const { trustAtMs } = term;
      if (trustAtMs === null) continue;
      if (trustAtMs <= nowMs) term.lookAtTrust(nowMs);
      else nextMs = Math.min(nextMs, trustAtMs);
    }
    if (nextMs < Infinity) this.arm(nextMs);
  }
}
