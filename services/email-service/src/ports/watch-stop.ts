/**
 * Asks a watch to end. What an AbortController would be for, whose signal with a listener is over a kilobyte that lives as long as an IDLE
 * does: too long for a collection of young objects, ten thousand times in each cycle of looks (issue 7).
 */
export class WatchStop {
  /** Called once, at the first `stop`. */
  onStop: (() => void) | null = null;
  #isStopped = false;

  get isStopped(): boolean {
    return this.#isStopped;
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.onStop?.();
  }
}
