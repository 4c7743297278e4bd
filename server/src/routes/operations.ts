import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { commonErrors, notFoundError } from '../contracts/errors.ts';
import { imapStatusSchema, pokeBodySchema, pokeResultSchema } from '../contracts/operations.ts';
import { actorOf } from '../plugins/auth.ts';
import type { OperationsStore } from '../ports.ts';
import type { OperationsUseCases } from '../use-cases/operations.ts';

export function operationRoutes(options: {
  readonly operations: Pick<OperationsStore, 'status'>;
  readonly useCases: OperationsUseCases;
}): FastifyPluginAsyncZod {
  const { operations, useCases } = options;
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
