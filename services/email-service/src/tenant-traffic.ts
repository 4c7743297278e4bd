/**
 * Whether mail of other tenants has come lately. A backlog whose batches overlap takes all the processor there is: mail of another tenant
 * then needs four times as long as alone at p99, and 1.8 times beside one whose batches come one after the other (issue 7), which
 * costs the backlog a third of its rate. So they overlap only where nobody is kept waiting.
 */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Clock } from '@mailstream/shared/domain/time';

/** Mail that comes less often than this finds a backlog in full swing, and is late by some tens of milliseconds. */
const LATELY_MS = 10_000;

interface Arrival {
  readonly tenant: TenantId | null;
  readonly atMs: number;
}

const NEVER: Arrival = { tenant: null, atMs: -Infinity };

export class TenantTraffic {
  readonly #clock: Clock;
  #last = NEVER;
  /** The last one of any other tenant than `#last`. */
  #lastOfOthers = NEVER;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Mail of this tenant is being fetched. */
  came(tenant: TenantId): void {
    if (this.#last.tenant !== tenant) this.#lastOfOthers = this.#last;
    this.#last = { tenant, atMs: this.#clock.monotonicMs() };
  }

  isAlone(tenant: TenantId): boolean {
    const { atMs } = this.#last.tenant === tenant ? this.#lastOfOthers : this.#last;
    return this.#clock.monotonicMs() - atMs > LATELY_MS;
  }
}
