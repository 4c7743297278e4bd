/**
 * The timer of a machine whose states have one at most, by the name of what it is for. Two fields while none runs: ten thousand idle
 * listeners have two machines each (issue 7).
 */
import type { Clock } from '@mailstream/shared/domain/time';

export class StateTimer<Name extends string> {
  readonly #clock: Clock;
  #armed: { readonly name: Name; readonly cancel: () => void } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `action` once in `delayMs` milliseconds. One that runs already is cancelled, whatever it is for. */
  arm(name: Name, delayMs: number, action: () => void): void {
    this.#armed?.cancel();
    const cancel = this.#clock.schedule(delayMs, () => {
      this.#armed = null;
      action();
    });
    this.#armed = { name, cancel };
  }

  /** Cancels it unless it is this one; null keeps none. */
  keepOnly(name: Name | null): void {
    if (this.#armed === null || this.#armed.name === name) return;
    this.#armed.cancel();
    this.#armed = null;
  }
}
