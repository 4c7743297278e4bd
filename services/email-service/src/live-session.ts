/** What a listener holds of its one session: the connection, the work that hangs on it, and the watch in progress. */
import type { ImapSession } from './ports/imap.ts';
import type { WatchStop } from './ports/watch-stop.ts';

/** Why work of a session is broken off. One for all: Node makes a reason with a stack for each abort without one (issue 7). */
export const SESSION_ENDED = new Error('the work of this session is over');

export class LiveSession {
  readonly number: number;
  readonly work = new Set<Promise<void>>();
  session: ImapSession | null = null;
  connectedAtMs: number;
  watch: WatchStop | null = null;
  watchSettled: Promise<void> = Promise.resolve();
  #controller: AbortController | null = null;
  #isEnded = false;

  constructor(number: number, nowMs: number) {
    this.number = number;
    this.connectedAtMs = nowMs;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Ends what was begun for this session. Made when it is asked for, the same one until `rests`. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isEnded) this.#controller.abort(SESSION_ENDED);
    return this.#controller.signal;
  }

  /** Nothing goes on that was given the signal, which is most of the time: with what is behind it, it takes a kilobyte (issue 7). */
  rests(): void {
    this.#controller = null;
  }

  /** Ends everything that was begun for this session. */
  end(): void {
    this.#isEnded = true;
    this.#controller?.abort(SESSION_ENDED);
    this.watch?.stop();
  }
}

export function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
