/**
 * Waiting for a change in the open folder.
 *
 * IDLE is ended by the NOOP that is due at `renewMs` (imapflow sends DONE before any command): so a push that was lost, or
 * a server that accepts IDLE and then says nothing, is found out at the latest then, and a peer that is gone fails to
 * answer in time. A wait that ends for another reason leaves IDLE running: the next command ends it, one round trip, not two.
 */
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { ImapSession } from '../ports/imap.ts';
import type { WatchStop } from '../ports/watch-stop.ts';
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
  const signs = new Signs(live, options.stop);
  try {
    for (;;) {
      if (options.stop.isStopped) return 'stopped';
      live.assertAlive();
      if (live.hasNews && !options.ignoresHints) return 'changed';
      if (useIdle) live.idle.start();
      const left = endsAt - clock.monotonicMs();
      if (left <= 0) return 'elapsed';
      const isRoundOver = await signs.next(Math.min(roundMs, left));
      if (useIdle) assertIdleWorks(live);
      // The end of the wait is no end of a round, not even where the timer fires early: Node counts from the begin of a turn.
      if (!isRoundOver || left <= roundMs) continue;
      const limits = { phase: 'working', deadlineMs: DONE_DEADLINE_MS, maxBytes: DONE_MAX_BYTES } as const;
      await live.command(limits, () => live.client.noop());
    }
  } finally {
    signs.stop();
  }
}

/** Signs of anything, one after the other: what the server says, the end of IDLE or of the connection, who wants it to end, the time. */
class Signs {
  readonly #live: LiveClient;
  readonly #stop: WatchStop;
  #resolve: ((hasTimePassed: boolean) => void) | null = null;
  readonly #onTime = (): void => this.#settle(true);
  readonly #onSign = (): void => this.#settle(false);

  constructor(live: LiveClient, stop: WatchStop) {
    this.#live = live;
    this.#stop = stop;
    live.onChange = this.#onSign;
    stop.onStop = this.#onSign;
  }

  /** Resolves at the next one that comes from now on; true when nothing but `ms` milliseconds has passed. */
  next(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#live.setTimer(ms, this.#onTime);
    });
  }

  #settle(hasTimePassed: boolean): void {
    const resolve = this.#resolve;
    // Nobody waits: the timer is that of a command.
    if (resolve === null) return;
    this.#resolve = null;
    this.#live.clearTimer();
    resolve(hasTimePassed);
  }

  stop(): void {
    this.#stop.onStop = null;
    this.#live.onChange = null;
  }
}

function assertIdleWorks(live: LiveClient): void {
  const { idle } = live;
  if (!idle.isOver) return;
  live.assertAlive();
  if (!idle.wasRefused && live.clock.monotonicMs() - idle.sinceMs >= SHORTEST_IDLE_MS) return;
  throw new FaultError({
    kind: 'transient',
    code: 'IMAP_IDLE_REFUSED',
    detail: idle.wasRefused ? 'the server refuses IDLE' : 'the server ends IDLE at once',
  });
}
