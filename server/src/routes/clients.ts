import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import {
  clientBodySchema,
  clientListQuerySchema,
  clientPageSchema,
  clientSchema,
  type Client,
} from '../contracts/clients.ts';
import { commonErrors, notFoundError } from '../contracts/errors.ts';
import { actorOf } from '../plugins/auth.ts';
import type { ClientResult, ClientStore } from '../ports.ts';

export function clientRoutes({ clients }: { readonly clients: ClientStore }): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/clients',
      config: { access: 'tickets:read' },
      schema: {
        tags: ['Clients'],
        summary: 'List clients, by name',
        querystring: clientListQuerySchema,
        response: { 200: clientPageSchema, ...commonErrors },
      },
      handler: (request) => clients.list(actorOf(request).tenant, request.query),
    });

    app.route({
      method: 'POST',
      url: '/api/clients',
      config: { access: 'tickets:write' },
      schema: {
        tags: ['Clients'],
        summary: 'Add a client',
        body: clientBodySchema,
        response: { 201: clientSchema, ...commonErrors },
      },
      async handler(request, reply) {
        const result = await clients.create(actorOf(request), randomUUID(), request.body);
        return reply.code(201).send(clientOf(result));
      },
    });

    app.route({
      method: 'PUT',
      url: '/api/clients/:id',
      config: { access: 'tickets:write' },
      schema: {
        tags: ['Clients'],
        summary: 'Replace name, domains and state of a client',
        params: z.object({ id: z.uuid().toLowerCase() }),
        body: clientBodySchema,
        response: { 200: clientSchema, ...commonErrors, ...notFoundError },
      },
      handler: async (request) =>
        clientOf(await clients.replace(actorOf(request), request.params.id, request.body)),
    });
  };
}

function clientOf(result: ClientResult): Client {
  if (result.kind === 'changed') return result.client;
  if (result.kind === 'notFound') throw new ApiError('NOT_FOUND');
  const message = 'One of these domains belongs to another client.';
  throw new ApiError('VALIDATION_FAILED', { fields: [{ field: 'domains', code: 'TAKEN', message }] });
}
