/**
 * The board of the queues (bull-board), for operators: what waits, runs and failed in Redis. It shows references only, since jobs hold nothing
 * else, and changes nothing: what can be changed has its own routes (`/api/jobs`, `/api/outbound`).
 */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { JOB_QUEUE, MAIL_QUEUE, QUEUE_SETTINGS } from '@mailstream/shared/runtime/queues';
import { closeRedis, createRedis, redisFault } from '@mailstream/shared/runtime/redis';
import { Queue } from 'bullmq';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../api-error.ts';
import { errorBody, toApiError } from '../plugins/errors.ts';
import type { JobBoard } from '../ports.ts';

export const BOARD_PATH = '/job-board';

/** Its page has inline styles; everything else is its own files. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
const CLOSE_MS = 500;

/** Its list of statuses is shorter than HTTP's; it passes on any. */
type BoardStatus = NonNullable<ReturnType<Parameters<FastifyAdapter['setErrorHandler']>[0]>['status']>;

export function createJobBoard(redisUrl: string, log: Logger): JobBoard {
  const redis = createRedis({ url: redisUrl, name: 'server-job-board', log });
  const queues = [MAIL_QUEUE, JOB_QUEUE].map((name) => {
    const queue = new Queue(name, { ...QUEUE_SETTINGS, connection: redis, skipMetasUpdate: true });
    queue.on('error', (error) => log.debug('job board', { error }));
    return queue;
  });
  return {
    register: async (app) => {
      await app.register(async (scope) => {
        guard(scope);
        const serverAdapter = new FastifyAdapter();
        serverAdapter.setBasePath(BOARD_PATH);
        createBullBoard({
          queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
          serverAdapter,
          options: { uiConfig: { boardTitle: 'Mailstream', hideRedisDetails: true } },
        });
        // Its own would answer with the text of any error.
        serverAdapter.setErrorHandler((error) => {
          // It speaks to Redis alone: what is neither a refusal of ours nor a fault of the code is one of the connection.
          const isOurs = error instanceof ApiError || error instanceof TypeError;
          const apiError = toApiError(isOurs ? error : redisFault(error));
          return { status: apiError.status as BoardStatus, body: { ...errorBody(apiError) } };
        });
        await scope.register(serverAdapter.registerPlugin(), { prefix: BOARD_PATH });
      });
    },
    depths: () =>
      Promise.all(
        queues.map(async (queue) => {
          const counts = await queue
            .getJobCounts('wait', 'prioritized', 'active', 'delayed', 'failed')
            .catch((error: unknown) => {
              throw redisFault(error);
            });
          const count = (name: string): number => counts[name] ?? 0;
          return {
            name: queue.name,
            waiting: count('wait') + count('prioritized'),
            active: count('active'),
            delayed: count('delayed'),
            failed: count('failed'),
          };
        }),
      ),
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
      const closing = Promise.allSettled(queues.map((queue) => queue.close()));
      await Promise.race([closing, late]).finally(() => clearTimeout(timer));
      await closeRedis(redis);
    },
  };
}

/** The routes are somebody else's: who may use them is said here, for all of them, and none of them may change anything. */
function guard(scope: FastifyInstance): void {
  scope.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'operator' };
    route.schema = { ...route.schema, hide: true };
  });
  scope.addHook('onRequest', (request, _reply, done) => {
    const reads = request.method === 'GET' || request.method === 'HEAD';
    done(reads ? undefined : new ApiError('FORBIDDEN', { message: 'The job board changes nothing.' }));
  });
  scope.addHook('onSend', (_request, reply, payload, done) => {
    void reply.header('content-security-policy', POLICY).header('cache-control', 'no-store');
    done(null, payload);
  });
}
