/** One direction of one connection: takes pieces from a socket and writes them to another when the weather allows it. */
import type { Socket } from 'node:net';

export interface Weather {
  readonly latencyMs: number;
  /** Added to the latency, uniformly. */
  readonly jitterMs: number;
  readonly bytesPerSecond: number | null;
  /** Every byte in a write of its own. */
  readonly isSliced: boolean;
}

/** What waits here before the sender is held back. */
const MOST_WAITING_BYTES = 256 * 1024;
/** Writes of one byte between two turns of the event loop. */
const SLICES_PER_TURN = 64;
/** What a narrow link carries at once: a large piece arrives bit by bit. */
const PORTION_BYTES = 4_096;

export class Pump {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: () => Weather | null;
  readonly #random: () => number;
  readonly #waiting: { readonly piece: Buffer | 'end'; readonly dueMs: number }[] = [];
  #waitingBytes = 0;
  #lastDueMs = 0;
  #isRunning = false;
  #isFrozen = false;
  #thawed: () => void = () => undefined;

  /** @param passes is asked about each piece before anything else; what does not pass is forgotten. */
  constructor(
    from: Socket,
    to: Socket,
    weather: () => Weather | null,
    random: () => number,
    passes: (piece: Buffer) => boolean = () => true,
  ) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    this.#random = random;
    from.on('data', (piece: Buffer) => {
      if (passes(piece)) this.#take(piece);
    });
    from.on('end', () => this.#take('end'));
  }

  freeze(): void {
    this.#isFrozen = true;
    this.#from.pause();
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#from.resume();
    this.#thawed();
  }

  #take(piece: Buffer | 'end'): void {
    const weather = this.#weather();
    const delayMs = weather === null ? 0 : weather.latencyMs + this.#random() * weather.jitterMs;
    // Never before what came earlier.
    this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + delayMs);
    this.#waiting.push({ piece, dueMs: this.#lastDueMs });
    this.#waitingBytes += piece === 'end' ? 0 : piece.length;
    if (this.#waitingBytes > MOST_WAITING_BYTES) this.#from.pause();
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 1) await pauseFor(waitMs);
      while (this.#isFrozen && !this.#from.destroyed)
        await new Promise<void>((resolve) => (this.#thawed = resolve));
      if (this.#to.destroyed || this.#to.writableEnded) break;
      this.#waiting.shift();
      if (next.piece === 'end') this.#to.end();
      else {
        await this.#write(next.piece);
        this.#waitingBytes -= next.piece.length;
        if (!this.#isFrozen && this.#waitingBytes < MOST_WAITING_BYTES / 2) this.#from.resume();
      }
    }
    this.#isRunning = false;
  }

  async #write(piece: Buffer): Promise<void> {
    const weather = this.#weather();
    const rate = weather?.bytesPerSecond ?? null;
    if (rate !== null && piece.length > PORTION_BYTES) {
      for (let at = 0; at < piece.length; at += PORTION_BYTES)
        await this.#write(piece.subarray(at, at + PORTION_BYTES));
      return;
    }
    if (rate !== null) await pauseFor((piece.length / rate) * 1000);
    if (this.#to.destroyed || this.#to.writableEnded) return;
    if (weather?.isSliced === true) {
      for (let at = 0; at < piece.length && !this.#to.destroyed; at += 1) {
        this.#to.write(piece.subarray(at, at + 1));
        if (at % SLICES_PER_TURN === SLICES_PER_TURN - 1)
          await new Promise((resolve) => setImmediate(resolve));
      }
    } else if (!this.#to.write(piece)) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#to.off('drain', done).off('close', done);
          resolve();
        };
        this.#to.once('drain', done).once('close', done);
      });
    }
  }
}

function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.min(ms, 60_000)).unref());
}
