/**
 * Makes runs of jobs as time passes, and puts them into the queue.
 *
 *   tick ─▶ run (database: one for each tick, whoever makes it) ─▶ queue (Redis) ─▶ claim ─▶ done | failed | skipped
 *
 * Every worker does this; the database lets one of them make the run. Ticks that came while nobody ran are made up for once.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import type { JobDescription } from '@mailstream/shared/domain/jobs';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { nextTick } from '@mailstream/shared/runtime/cron-schedule';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { pause } from '@mailstream/shared/runtime/system-clock';
import type { DueJob, JobQueue, JobStore } from './ports.ts';

export function createJobClock(options: {
  readonly jobs: readonly JobDescription[];
  readonly store: Pick<JobStore, 'ensure' | 'due' | 'advance' | 'unqueued' | 'relayed'>;
  readonly queue: JobQueue;
  readonly everyMs: number;
  /** After this time without a beginning a run is put into the queue again, milliseconds. */
  readonly relayAgainMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}): Service {
  const { jobs, store, queue, everyMs, relayAgainMs, clock, log } = options;
  let aborter = new AbortController();
  let loop: Promise<void> = Promise.resolve();

  const advance = async (job: DueJob): Promise<void> => {
    let next: Date | null = null;
    try {
      next = nextTick(job.schedule, job.timeZone, job.now);
    } catch (error) {
      log.error('a job has no usable schedule', { name: job.name, error });
    }
    if (job.tick !== null || next !== null) await store.advance(job, next);
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    let isKnown = false;
    while (!signal.aborted) {
      try {
        if (!isKnown) await store.ensure(jobs);
        isKnown = true;
        for (const job of await store.due()) await advance(job);
        const ids = await store.unqueued(relayAgainMs);
        if (ids.length > 0) {
          await queue.add(ids);
          await store.relayed(ids);
        }
      } catch (error) {
        const isPassing = error instanceof FaultError && error.fault.kind === 'transient';
        log[isPassing ? 'debug' : 'error']('jobs could not be looked after', { error });
      }
      await pause(clock, everyMs, signal);
    }
  };

  return createService('job clock', {
    start: () => {
      aborter = new AbortController();
      loop = run(aborter.signal);
      return Promise.resolve();
    },
    stop: () => {
      aborter.abort();
      return loop;
    },
  });
}
