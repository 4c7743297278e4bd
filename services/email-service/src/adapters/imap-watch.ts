/**
 * Waiting for a change in the open folder.
 *
 * IDLE is ended by the NOOP that is due at `renewMs` (imapflow sends DONE before any command): so a push that was lost, or
 * a server that accepts IDLE and then says nothing, is found out at the latest then, and a peer that is gone fails to
 * answer in time. A wait that ends for another reason leaves IDLE running: the next command ends it, one round trip, not two.
 */
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { ImapSession } from '../ports/imap.ts';
import type { LiveClient } from './imap-live-client.ts';

type WatchOptions = Parameters<ImapSession['watch']>[0];

/** For DONE and NOOP to be answered, milliseconds. */
const DONE_DEADLINE_MS = 15_000;
/** What may come in answer to them, bytes: flag changes of a busy folder. */
const DONE_MAX_BYTES = 16 * 1024 * 1024;
/** An IDLE that the server ends sooner than this, unasked, is as good as refused: repeating it would spin. */
const SHORTEST_IDLE_MS = 1_000;

export async function watchFolder(
  live: LiveClient,
  options: WatchOptions,
): Promise<'changed' | 'elapsed' | 'stopped'> {
  const { clock } = live;
  const endsAt = clock.monotonicMs() + options.deadlineMs;
  const useIdle = options.useIdle && live.client.capabilities.has('IDLE');
  const roundMs = useIdle ? options.renewMs : options.pollMs;
  for (;;) {
    if (options.signal.aborted) return 'stopped';
    live.assertAlive();
    if (live.hasNews && !options.ignoresHints) return 'changed';
    if (useIdle) live.startIdle();
    const left = endsAt - clock.monotonicMs();
    if (left <= 0) return 'elapsed';
    const isRoundOver = await nextEvent(live, Math.min(roundMs, left), options.signal);
    if (useIdle) assertIdleWorks(live);
    // The end of the wait is no end of a round, not even where the timer fires early: Node counts from the begin of a turn.
    if (!isRoundOver || left <= roundMs) continue;
    const limits = { phase: 'working', deadlineMs: DONE_DEADLINE_MS, maxBytes: DONE_MAX_BYTES } as const;
    await live.command(limits, () => live.client.noop());
  }
}

/** Resolves at the next sign of anything; true when nothing but time has passed. */
async function nextEvent(live: LiveClient, ms: number, signal: AbortSignal): Promise<boolean> {
  let wake = (): void => undefined;
  try {
    return await new Promise<boolean>((resolve) => {
      wake = () => resolve(false);
      live.onChange = wake;
      signal.addEventListener('abort', wake);
      live.setTimer(ms, () => resolve(true));
    });
  } finally {
    signal.removeEventListener('abort', wake);
    live.onChange = null;
    live.clearTimer();
  }
}

function assertIdleWorks(live: LiveClient): void {
  const idle = live.idleState;
  if (idle === null || !idle.isOver) return;
  live.assertAlive();
  if (!idle.wasRefused && live.clock.monotonicMs() - idle.sinceMs >= SHORTEST_IDLE_MS) return;
  throw new FaultError({
    kind: 'transient',
    code: 'IMAP_IDLE_REFUSED',
    detail: idle.wasRefused ? 'the server refuses IDLE' : 'the server ends IDLE at once',
  });
}
