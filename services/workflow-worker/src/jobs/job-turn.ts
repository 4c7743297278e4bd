/** One run of a job: claimed, kept while it works, and its outcome written down. A run whose process died is taken over, three times. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '@mailstream/shared/domain/time';
import { isJobName } from '@mailstream/shared/domain/jobs';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import type { ClaimedRun, Jobs, JobStore } from './ports.ts';

const MAX_ATTEMPTS = 3;
const BEATS_PER_LEASE = 3;

export function createJobTurn(options: {
  readonly jobs: Jobs;
  readonly store: Pick<JobStore, 'claim' | 'keep' | 'finish'>;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'jobRuns' | 'jobSeconds'>;
  readonly stopping: AbortSignal;
}): (id: string) => Promise<'done' | 'failed'> {
  const { jobs, store, leaseMs, clock, log, metrics, stopping } = options;

  const work = async (run: ClaimedRun): Promise<Parameters<JobStore['finish']>[1]> => {
    if (run.attempts > MAX_ATTEMPTS)
      return { kind: 'failed', code: 'WORKER_KILLED', detail: 'every attempt ended with its process' };
    const job = isJobName(run.job) ? jobs[run.job] : undefined;
    if (job === undefined)
      return { kind: 'failed', code: 'JOB_UNAVAILABLE', detail: 'this worker lacks what the job needs' };
    const lost = new AbortController();
    const beat = (): void => {
      cancel = clock.schedule(leaseMs / BEATS_PER_LEASE, beat);
      store.keep(run, leaseMs).then(
        (isOurs) => void (isOurs || lost.abort()),
        (error: unknown) => log.debug('a run could not be kept', { name: run.job, error }),
      );
    };
    let cancel = clock.schedule(leaseMs / BEATS_PER_LEASE, beat);
    try {
      return { kind: 'done', result: await job(AbortSignal.any([lost.signal, stopping])) };
    } catch (error) {
      log.error('a job failed', { name: run.job, error });
      const isKnown = error instanceof FaultError;
      return isKnown
        ? { kind: 'failed', code: error.fault.code, detail: error.fault.detail }
        : { kind: 'failed', code: 'INTERNAL', detail: error instanceof Error ? error.name : 'unknown' };
    } finally {
      cancel();
    }
  };

  return async (id) => {
    const run = await store.claim(id, randomUUID(), leaseMs);
    if (run === null) return 'done';
    const began = clock.monotonicMs();
    const outcome = await work(run);
    await store.finish(run, outcome);
    const label = isJobName(run.job) ? run.job : 'unknown';
    metrics.jobRuns.inc({ job: label, result: outcome.kind });
    metrics.jobSeconds.observe({ job: label }, (clock.monotonicMs() - began) / 1000);
    return outcome.kind;
  };
}
