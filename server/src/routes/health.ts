import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { healthSchema } from '../contracts/operations.ts';
import type { Health } from '../ports.ts';

/** Liveness depends on nothing: a database that is away must not make the orchestrator kill healthy processes. */
export function healthRoutes({ health }: { readonly health: Health }): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/health/live',
      {
        schema: {
          tags: ['Health'],
          summary: 'The process runs',
          security: [],
          response: { 200: healthSchema },
        },
      },
      () => ({ status: 'ok' as const, checks: [] }),
    );
    for (const url of ['/health/ready', '/health'])
      app.get(
        url,
        {
          schema: {
            tags: ['Health'],
            summary: 'The process and what it needs are up',
            security: [],
            response: { 200: healthSchema, 503: healthSchema },
          },
        },
        async (_request, reply) => {
          const checks = [...(await health.readiness())];
          const isReady = checks.every(({ ok }) => ok);
          return reply
            .code(isReady ? 200 : 503)
            .send({ status: isReady ? ('ok' as const) : ('unavailable' as const), checks });
        },
      );
    app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
      const { contentType, text } = await health.metrics();
      return reply.header('content-type', contentType).send(text);
    });
  };
}
