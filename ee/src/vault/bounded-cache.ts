import type { Clock } from '@mailstream/shared/domain/time';

/**
 * Answers that are used again for a while; the least used ones go when there are too many. Questions that are asked at the same
 * moment share one answer, failures too; a failure is not kept.
 */
export class BoundedCache<Value> {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #lifetimeMs: number;
  readonly #kept = new Map<string, { readonly value: Value; readonly untilMs: number }>();
  readonly #asked = new Map<string, Promise<Value>>();

  /** @param options.lifetimeMs 0 keeps nothing */
  constructor(clock: Clock, options: { readonly most: number; readonly lifetimeMs: number }) {
    this.#clock = clock;
    this.#most = options.most;
    this.#lifetimeMs = options.lifetimeMs;
  }

  get size(): number {
    return this.#kept.size;
  }

  async get(key: string, ask: () => Promise<Value>): Promise<Value> {
    const known = this.#kept.get(key);
    if (known !== undefined && this.#clock.monotonicMs() < known.untilMs) {
      // The order of a Map is that of its insertions: what is used moves to the end.
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known.value;
    }
    const asked = this.#asked.get(key);
    if (asked !== undefined) return await asked;
    const asking = ask();
    this.#asked.set(key, asking);
    try {
      const value = await asking;
      // Forgotten while it was asked: it may be the answer from before.
      if (this.#asked.get(key) === asking) this.put(key, value);
      return value;
    } finally {
      if (this.#asked.get(key) === asking) this.#asked.delete(key);
    }
  }

  put(key: string, value: Value): void {
    this.#kept.delete(key);
    if (this.#lifetimeMs === 0) return;
    this.#kept.set(key, { value, untilMs: this.#clock.monotonicMs() + this.#lifetimeMs });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#most) return;
      this.#kept.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#kept.delete(key);
    this.#asked.delete(key);
  }
}
