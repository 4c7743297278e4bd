/**
 * Runs that fetch at the same time, in the whole process and from one mail server: the others wait, first come, first served.
 *
 *     take ──▶ waiting ──▶ holding ──▶ ended
 *                             │ 2 s without a byte
 *                             └──────▶ lent on ──▶ ended
 *
 * Each run holds pieces of messages in memory, and a thousand at once get pieces so small that commands are all they do.
 *
 * What always holds
 * - a mail server holds up no other: it has half of the places at most;
 * - one that does not answer holds up nobody for long: while a run waits for its server, its place is lent on. While it works
 *   (parses, stores) it keeps it, however long that takes: more of them would only take longer.
 */
import type { Clock } from '@mailstream/shared/domain/time';

export interface FetchPlace {
  /** From now on the mail server is waited for; again with everything that came. */
  waits(): void;
  /** From now on it is our own work that takes time. */
  works(): void;
  /** May be called more than once. */
  end(): void;
}

export interface PlaceLimits {
  readonly all: number;
  readonly perHost: number;
}

const LIMITS: PlaceLimits = { all: 64, perHost: 32 };
/** Without a byte, milliseconds; a piece of 1 MiB takes as long at 500 KiB/s. */
const LENT_AFTER_MS = 2_000;
const LOOK_MS = 500;

interface Run {
  readonly host: string;
  /** Tells the run that it moves up. */
  readonly moved: () => void;
  readonly came: (place: FetchPlace) => void;
  /** Since when it waits for its server, monotonic milliseconds; null while it works. */
  waitsSinceMs: number | null;
}

export class FetchPlaces {
  readonly #clock: Clock;
  readonly #limits: PlaceLimits;
  readonly #waiting = new Set<Run>();
  readonly #holding = new Set<Run>();
  readonly #hosts = new Map<string, number>();
  #isLookArmed = false;

  constructor(clock: Clock, limits: PlaceLimits = LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * @param moved called while it waits, whenever another run has got its place: that the queue moves is progress too
   * @throws the signal's reason when it aborts before there is a place
   */
  async take(host: string, signal: AbortSignal, moved: () => void): Promise<FetchPlace> {
    signal.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(run);
        reject(signal.reason as Error);
      };
      const came = (place: FetchPlace): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(place);
      };
      const run: Run = { host: host.toLowerCase(), moved, came, waitsSinceMs: null };
      signal.addEventListener('abort', giveUp);
      this.#waiting.add(run);
      this.#serve();
      this.#armLook();
    });
  }

  #serve(): void {
    let hasMoved = false;
    for (const run of this.#waiting) {
      if (this.#holding.size >= this.#limits.all) break;
      if ((this.#hosts.get(run.host) ?? 0) >= this.#limits.perHost) continue;
      hasMoved = true;
      this.#waiting.delete(run);
      this.#hold(run);
    }
    if (hasMoved) for (const run of this.#waiting) run.moved();
  }

  #hold(run: Run): void {
    this.#holding.add(run);
    this.#hosts.set(run.host, (this.#hosts.get(run.host) ?? 0) + 1);
    run.waitsSinceMs = this.#clock.monotonicMs();
    run.came({
      waits: () => {
        run.waitsSinceMs = this.#clock.monotonicMs();
      },
      works: () => {
        run.waitsSinceMs = null;
      },
      end: () => this.#giveBack(run),
    });
  }

  #giveBack(run: Run): void {
    if (!this.#holding.delete(run)) return;
    const left = (this.#hosts.get(run.host) ?? 0) - 1;
    if (left > 0) this.#hosts.set(run.host, left);
    else this.#hosts.delete(run.host);
    this.#serve();
  }

  #armLook(): void {
    if (this.#isLookArmed || this.#waiting.size === 0) return;
    this.#isLookArmed = true;
    this.#clock.schedule(LOOK_MS, () => {
      this.#isLookArmed = false;
      const lateMs = this.#clock.monotonicMs() - LENT_AFTER_MS;
      for (const run of [...this.#holding])
        if (run.waitsSinceMs !== null && run.waitsSinceMs <= lateMs) this.#giveBack(run);
      this.#armLook();
    });
  }
}
