import { HttpRefusedError } from './http-refused-error.ts';

export type DeadlineState = 'running' | 'timeout' | 'aborted';

/** One timer and the caller's signal, in one signal whose listeners are gone at the end. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #caller: AbortSignal | undefined;
  #state: DeadlineState = 'running';

  constructor(ms: number, caller: AbortSignal | undefined) {
    this.#timer = setTimeout(() => {
      this.#stop('timeout');
    }, ms);
    this.#caller = caller;
    caller?.addEventListener('abort', this.#onAbort);
    if (caller?.aborted === true) this.#onAbort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get state(): DeadlineState {
    return this.#state;
  }

  /** Rejects when the deadline passes, even where `work` does not listen to the signal. */
  async race<T>(work: Promise<T>): Promise<T> {
    // Left alone after the deadline, it may still fail.
    work.catch(() => undefined);
    const { signal } = this;
    return await new Promise<T>((resolve, reject) => {
      const stop = (): void => {
        reject(
          new HttpRefusedError(this.#state === 'aborted' ? 'aborted' : 'timeout', 'no whole answer in time'),
        );
      };
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      work.then(resolve, reject);
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    this.#stop('aborted');
  };

  #stop(state: 'timeout' | 'aborted'): void {
    if (this.#state !== 'running') return;
    this.#state = state;
    this.#controller.abort();
  }
}
