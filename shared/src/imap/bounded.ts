import type { Fault } from '../domain/fault.ts';
import type { Clock } from '../domain/time.ts';
import { FaultError } from '../errors/fault-error.ts';

/** What a method rejects with when its caller's signal aborts. */
export const STOPPED: Fault = {
  kind: 'transient',
  code: 'IMAP_CONNECTION_LOST',
  detail: 'stopped by the caller',
};

/**
 * Runs `work` under one deadline over the whole of it. When the deadline passes or `signal` aborts, the signal handed to
 * `work` aborts (to close what it opened) and the result rejects at once, with `IMAP_TIMEOUT` or `STOPPED`.
 * Leaves no timer and no listener behind.
 */
export async function bounded<T>(
  limits: {
    readonly clock: Clock;
    readonly deadlineMs: number;
    readonly signal: AbortSignal;
    readonly doing: string;
  },
  work: (stop: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, deadlineMs, signal, doing } = limits;
  if (signal.aborted) throw new FaultError(STOPPED);
  const stop = new AbortController();
  return await new Promise<T>((resolve, reject) => {
    const give = (fault: Fault): void => {
      reject(new FaultError(fault));
      stop.abort();
    };
    const onAbort = (): void => give(STOPPED);
    const cancel = clock.schedule(deadlineMs, () => {
      give({ kind: 'transient', code: 'IMAP_TIMEOUT', detail: `${doing} took longer than ${deadlineMs} ms` });
    });
    signal.addEventListener('abort', onAbort, { once: true });
    void work(stop.signal)
      .then(resolve, reject)
      .finally(() => {
        cancel();
        signal.removeEventListener('abort', onAbort);
      });
  });
}
