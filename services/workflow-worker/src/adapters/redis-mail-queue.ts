/**
 * The queue of mails on BullMQ. A job's id is the mail's id, so adding twice adds once; its data is the reference alone, so Redis holds no
 * addresses and no text. All keys share a hash slot, as a Redis cluster needs.
 */
import { DelayedError, type Job, Queue, UnrecoverableError, Worker } from 'bullmq';
import { tenantId } from '@mailstream/shared/domain/ids';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { redisFault } from '@mailstream/shared/runtime/redis';
import type { RedisClient } from '@mailstream/shared/runtime/redis-servers';
import { z } from 'zod';
import { MAIL_QUEUE, QUEUE_SETTINGS } from '@mailstream/shared/runtime/queues';
import type { DueMail, JobMemory, MailQueue, OutboundRef, Priority, Turn } from '../outbound/ports.ts';
import { closeWithin } from './redis-queue-close.ts';

/** BullMQ: 1 comes first. */
const PRIORITY: Record<Priority, number> = { urgent: 1, high: 2, normal: 3, low: 4 };
/** How often is decided by the database, which counts the attempts. */
const NO_LIMIT = 1_000_000;
const CLOSE_MS = 500;
const KEPT_DONE = { age: 3_600, count: 500 };
const KEPT_FAILED = { age: 7 * 86_400, count: 1_000 };

const dataSchema = z.object({ tenant: z.guid() });
const progressSchema = z.object({ taken: z.guid() });

/** BullMQ asks the backoff strategy with the error that the processor threw. */
class RetryError extends Error {
  override readonly name = 'RetryError';
  readonly delayMs: number;

  constructor(code: string, delayMs: number) {
    super(code);
    this.delayMs = delayMs;
  }
}

export interface RedisMailQueue extends MailQueue {
  close(): Promise<void>;
}

export function createRedisMailQueue(redis: RedisClient, log: Logger): RedisMailQueue {
  const queue = new Queue(MAIL_QUEUE, { ...QUEUE_SETTINGS, connection: redis });
  // Told by whoever waits for a command; without a listener the process would end.
  queue.on('error', (error) => log.debug('mail queue', { error }));
  return {
    add: async (mails) => {
      try {
        for (const mail of mails) await removeFinished(queue, mail.id);
        await queue.addBulk(mails.map(jobOf));
      } catch (error) {
        throw redisFault(error);
      }
    },
    close: () => closeWithin(CLOSE_MS, queue.close()),
  };
}

/** A job that is over keeps its id, and would keep a new one from being added. */
async function removeFinished(queue: Queue, id: string): Promise<void> {
  const state = await queue.getJobState(id);
  if (state === 'completed' || state === 'failed') await queue.remove(id);
}

function jobOf({ tenant, id, priority, delayMs }: DueMail): Parameters<Queue['addBulk']>[0][number] {
  return {
    name: 'send',
    data: { tenant },
    opts: {
      jobId: id,
      priority: PRIORITY[priority],
      delay: Math.ceil(delayMs),
      attempts: NO_LIMIT,
      backoff: { type: 'asked' },
      removeOnComplete: KEPT_DONE,
      removeOnFail: KEPT_FAILED,
    },
  };
}

export function createRedisMailWorker(options: {
  readonly redis: RedisClient;
  readonly turn: (ref: OutboundRef, memory: JobMemory) => Promise<Turn>;
  readonly concurrency: number;
  /** A process that is silent for this long has lost its jobs, milliseconds. */
  readonly lockMs: number;
  /** For what is under way when the process stops, milliseconds. */
  readonly drainMs: number;
  /** Called when that time is over. */
  readonly onStopping: () => void;
  readonly log: Logger;
}): Service {
  const { redis, turn, concurrency, lockMs, drainMs, onStopping, log } = options;
  let worker: Worker | null = null;

  const process = async (job: Job, lock?: string): Promise<void> => {
    const tenant = tenantId(dataSchema.parse(job.data).tenant);
    const remembered = progressSchema.safeParse(job.progress);
    const result = await turn(
      { tenant, id: job.id ?? '' },
      {
        takenClaimId: remembered.success ? remembered.data.taken : null,
        rememberTaken: (claimId) => job.updateProgress({ taken: claimId }),
      },
    );
    switch (result.kind) {
      case 'done':
        return;
      case 'later':
        await job.moveToDelayed(Date.now() + result.delayMs, lock);
        throw new DelayedError();
      case 'retry':
        throw new RetryError(result.code, result.delayMs);
      case 'failed':
        throw new UnrecoverableError(result.code);
    }
  };

  return createService('outgoing mail', {
    start: () => {
      worker = new Worker(MAIL_QUEUE, process, {
        ...QUEUE_SETTINGS,
        connection: redis,
        concurrency,
        lockDuration: lockMs,
        stalledInterval: lockMs,
        maxStalledCount: NO_LIMIT,
        drainDelay: 5,
        runRetryDelay: 1_000,
        settings: {
          backoffStrategy: (_attempts, _type, error) => (error instanceof RetryError ? error.delayMs : 5_000),
        },
      });
      let isDown = false;
      worker.on('ready', () => (isDown = false));
      worker.on('error', (error) => {
        if (!isDown) log.warn('mail queue is disturbed', { error });
        isDown = true;
      });
      worker.on('completed', () => (isDown = false));
      return Promise.resolve();
    },
    stop: async () => {
      await closeWithin(drainMs, worker?.close() ?? Promise.resolve());
      onStopping();
      await closeWithin(CLOSE_MS, worker?.close(true) ?? Promise.resolve());
    },
  });
}
