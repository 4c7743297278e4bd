import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { auditListQuerySchema, auditPageSchema } from '../contracts/audit-log.ts';
import { commonErrors, notFoundError } from '../contracts/errors.ts';
import { newTokenSchema, tokenBodySchema, tokenListSchema } from '../contracts/tokens.ts';
import { actorOf } from '../plugins/auth.ts';
import type { ApiTokenStore, AuditLogStore } from '../ports/accounts.ts';
import type { UserUseCases } from '../use-cases/users.ts';

const params = z.object({ id: z.uuid().toLowerCase() });
const tags = ['Accounts'];

/** API tokens, and the log of what users and tokens changed. */
export function tokenRoutes(options: {
  readonly apiTokens: Pick<ApiTokenStore, 'list' | 'revoke'>;
  readonly auditLog: AuditLogStore;
  readonly useCases: Pick<UserUseCases, 'createToken'>;
}): FastifyPluginAsyncZod {
  const { apiTokens, auditLog, useCases } = options;
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/tokens',
      config: { access: 'accounts:read' },
      schema: {
        tags,
        summary: 'API tokens, newest first; never the tokens themselves',
        response: { 200: tokenListSchema, ...commonErrors },
      },
      handler: async (request) => ({ items: [...(await apiTokens.list(actorOf(request).tenant))] }),
    });

    app.route({
      method: 'POST',
      url: '/api/tokens',
      config: { access: 'accounts:write' },
      schema: {
        tags,
        summary: 'Make an API token; its secret is shown once',
        body: tokenBodySchema,
        response: { 201: newTokenSchema, ...commonErrors },
      },
      handler: async (request, reply) =>
        reply.code(201).send(await useCases.createToken(actorOf(request), request.body)),
    });

    app.route({
      method: 'DELETE',
      url: '/api/tokens/:id',
      config: { access: 'accounts:write' },
      schema: {
        tags,
        summary: 'Revoke an API token, for good',
        params,
        response: { 204: z.null(), ...commonErrors, ...notFoundError },
      },
      async handler(request, reply) {
        const outcome = await apiTokens.revoke(actorOf(request), request.params.id);
        if (outcome === 'notFound') throw new ApiError('NOT_FOUND');
        return reply.code(204).send(null);
      },
    });

    app.route({
      method: 'GET',
      url: '/api/audit-log',
      config: { access: 'accounts:read' },
      schema: {
        tags,
        summary: 'Who changed what, newest first, with the values before and after; without secrets',
        querystring: auditListQuerySchema,
        response: { 200: auditPageSchema, ...commonErrors },
      },
      handler: (request) => auditLog.list(actorOf(request).tenant, request.query),
    });
  };
}
