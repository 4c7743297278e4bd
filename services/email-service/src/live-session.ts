/** What a listener holds of its one session: the connection, the work that hangs on it, and the watch in progress. */
import type { ImapSession } from './ports/imap.ts';

export interface LiveSession {
  readonly number: number;
  /** Ends everything that was begun for this session. */
  readonly controller: AbortController;
  readonly work: Set<Promise<void>>;
  session: ImapSession | null;
  connectedAtMs: number;
  watch: AbortController | null;
  watchSettled: Promise<void>;
}

/** Why work of a session is broken off. One for all: Node makes a reason with a stack for each abort without one (issue 7). */
export const SESSION_ENDED = new Error('the work of this session is over');

export function newLiveSession(number: number, nowMs: number): LiveSession {
  return {
    number,
    controller: new AbortController(),
    work: new Set(),
    session: null,
    connectedAtMs: nowMs,
    watch: null,
    watchSettled: Promise.resolve(),
  };
}

export function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
