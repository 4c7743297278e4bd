/** A process of the simulation: it can be killed and paused, and has clocks of its own. */
import type { Clock } from '@mailstream/shared/domain/time';
import type { Owner, Scheduler } from './scheduler.ts';

/** 2024-01-01, the wall clock at virtual time 0. */
export const EPOCH_MS = 1_704_067_200_000;

export class ProcessModel implements Owner {
  readonly name: string;
  readonly clock: Clock;
  isAlive = true;
  pausedUntilMs = 0;
  /** Requests under way when it died still reach the server, unless this is true. */
  isCut = false;
  /** The wall clock's error, milliseconds. */
  wallOffsetMs = 0;
  #timers = 0;

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.clock = {
      monotonicMs: () => scheduler.nowMs,
      now: () => new Date(EPOCH_MS + scheduler.nowMs + this.wallOffsetMs),
      schedule: (delayMs, action) => {
        this.#timers += 1;
        let isOver = false;
        const end = (): void => {
          if (!isOver) this.#timers -= 1;
          isOver = true;
        };
        // Long delays lose their end in a real timer, too: whole milliseconds.
        const cancel = scheduler.after(Math.ceil(delayMs), this, 'timer', () => {
          end();
          action();
        });
        return () => {
          end();
          cancel();
        };
      },
    };
  }

  /** Timers that are armed. */
  get timers(): number {
    return this.#timers;
  }

  kill(isCut: boolean): void {
    this.isAlive = false;
    this.isCut = isCut;
  }
}
