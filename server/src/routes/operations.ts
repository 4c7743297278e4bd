import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { commonErrors, notFoundError } from '../contracts/errors.ts';
import {
  historyQuerySchema,
  historySchema,
  imapStatusSchema,
  pokeBodySchema,
  pokeResultSchema,
  queuesSchema,
} from '../contracts/operations.ts';
import { actorOf } from '../plugins/auth.ts';
import type { JobBoard, OperationsStore } from '../ports.ts';
import type { OperationsUseCases } from '../use-cases/operations.ts';

export function operationRoutes(options: {
  readonly operations: Pick<OperationsStore, 'status' | 'history'>;
  readonly jobBoard: JobBoard | null;
  readonly useCases: OperationsUseCases;
}): FastifyPluginAsyncZod {
  const { operations, useCases, jobBoard } = options;
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/imap/status',
      config: { access: 'operator' },
      schema: {
        tags: ['Operations'],
        summary: 'Instances of the email service, leases, and each folder of the own tenant',
        response: { 200: imapStatusSchema, ...commonErrors },
      },
      handler: (request) => operations.status(actorOf(request).tenant),
    });

    app.route({
      method: 'GET',
      url: '/api/operations/history',
      config: { access: 'operator' },
      schema: {
        tags: ['Operations'],
        summary: 'Throughput and latency of the last minutes over all tenants, from the ledger',
        querystring: historyQuerySchema,
        response: { 200: historySchema, ...commonErrors },
      },
      handler: (request) => operations.history(request.query.minutes),
    });

    app.route({
      method: 'GET',
      url: '/api/operations/queues',
      config: { access: 'operator' },
      schema: {
        tags: ['Operations'],
        summary: 'How many jobs wait in each queue',
        response: { 200: queuesSchema, ...commonErrors },
      },
      handler: async () => ({
        items: jobBoard === null ? [] : await jobBoard.depths(),
        hasBoard: jobBoard !== null,
      }),
    });

    const actions = [
      ['force-poll', 'forcePoll', 'Look for new mail now, in one mailbox or in all'],
      ['restart', 'restart', 'Drop the connections and start again with fresh settings'],
    ] as const;
    for (const [path, action, summary] of actions)
      app.route({
        method: 'POST',
        url: `/api/imap/${path}`,
        config: { access: 'operator' },
        schema: {
          tags: ['Operations'],
          summary,
          body: pokeBodySchema,
          response: { 200: pokeResultSchema, ...commonErrors, ...notFoundError },
        },
        async handler(request) {
          return { providers: await useCases[action](actorOf(request), request.body?.providerId) };
        },
      });
  };
}
