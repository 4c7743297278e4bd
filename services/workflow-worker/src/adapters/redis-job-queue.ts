/** The queue of runs on BullMQ: a run's id is its job's id, so one run is one job. Redis holds no data of it besides. */
import { Queue, UnrecoverableError, Worker } from 'bullmq';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { JOB_QUEUE, QUEUE_SETTINGS } from '@mailstream/shared/runtime/queues';
import { redisFault } from '@mailstream/shared/runtime/redis';
import type { RedisClient } from '@mailstream/shared/runtime/redis-servers';
import type { JobQueue } from '../jobs/ports.ts';
import { closeWithin } from './redis-queue-close.ts';

const CONCURRENCY = 2;
const LOCK_MS = 30_000;
const DRAIN_MS = 3_000;
const CLOSE_MS = 500;
const KEPT = { age: 7 * 86_400, count: 500 };

export function createRedisJobQueue(redis: RedisClient, log: Logger): JobQueue & { close(): Promise<void> } {
  const queue = new Queue(JOB_QUEUE, { ...QUEUE_SETTINGS, connection: redis });
  queue.on('error', (error) => log.debug('job queue', { error }));
  return {
    add: async (ids) => {
      try {
        for (const id of ids) {
          const state = await queue.getJobState(id);
          if (state === 'completed' || state === 'failed') await queue.remove(id);
        }
        await queue.addBulk(
          ids.map((jobId) => ({
            name: 'run',
            data: {},
            opts: { jobId, removeOnComplete: KEPT, removeOnFail: KEPT },
          })),
        );
      } catch (error) {
        throw redisFault(error);
      }
    },
    close: () => closeWithin(CLOSE_MS, queue.close()),
  };
}

export function createRedisJobWorker(options: {
  readonly redis: RedisClient;
  readonly turn: (id: string) => Promise<'done' | 'failed'>;
  readonly onStopping: () => void;
  readonly log: Logger;
}): Service {
  const { redis, turn, onStopping, log } = options;
  let worker: Worker | null = null;
  return createService('jobs', {
    start: () => {
      worker = new Worker(
        JOB_QUEUE,
        async (job) => {
          if ((await turn(job.id ?? '')) === 'failed') throw new UnrecoverableError('see the run');
        },
        {
          ...QUEUE_SETTINGS,
          connection: redis,
          concurrency: CONCURRENCY,
          lockDuration: LOCK_MS,
          stalledInterval: LOCK_MS,
          maxStalledCount: 1_000_000,
          drainDelay: 5,
          runRetryDelay: 1_000,
        },
      );
      worker.on('error', (error) => log.debug('job queue', { error }));
      return Promise.resolve();
    },
    stop: async () => {
      // A job ends between two of its statements, and the run is taken over.
      onStopping();
      await closeWithin(DRAIN_MS, worker?.close() ?? Promise.resolve());
      await closeWithin(CLOSE_MS, worker?.close(true) ?? Promise.resolve());
    },
  });
}
