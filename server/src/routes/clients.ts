import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import {
  clientBodySchema,
  clientDetailSchema,
  clientListQuerySchema,
  clientPageSchema,
  clientSchema,
  contactListQuerySchema,
  contactPageSchema,
  type Client,
} from '../contracts/clients.ts';
import { commonErrors, errorBodySchema, notFoundError } from '../contracts/errors.ts';
import { actorOf } from '../plugins/auth.ts';
import type { ClientRemoval, ClientResult, ClientStore } from '../ports/clients.ts';

const params = z.object({ id: z.uuid().toLowerCase() });

/** What names a client that therefore stays, and what to do instead. */
const IN_USE: Readonly<Record<Exclude<ClientRemoval, 'changed' | 'notFound'>, string>> = {
  tickets: 'This client has tickets, so it stays. Switch it off instead: then it gets no new ones.',
  defaults: 'The defaults of new tickets name this client. Change them first.',
  rule: 'A rule for incoming mail names this client. Change the rule first.',
};

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
      method: 'GET',
      url: '/api/clients/:id',
      config: { access: 'tickets:read' },
      schema: {
        tags: ['Clients'],
        summary: 'One client, with the number of its contacts and tickets',
        params,
        response: { 200: clientDetailSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const found = await clients.get(actorOf(request).tenant, request.params.id);
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });

    app.route({
      method: 'GET',
      url: '/api/clients/:id/contacts',
      config: { access: 'tickets:read' },
      schema: {
        tags: ['Clients'],
        summary: 'People of a client, by address',
        params,
        querystring: contactListQuerySchema,
        response: { 200: contactPageSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const found = await clients.contacts(actorOf(request).tenant, request.params.id, request.query);
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
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
        params,
        body: clientBodySchema,
        response: { 200: clientSchema, ...commonErrors, ...notFoundError },
      },
      handler: async (request) =>
        clientOf(await clients.replace(actorOf(request), request.params.id, request.body)),
    });

    app.route({
      method: 'DELETE',
      url: '/api/clients/:id',
      config: { access: 'tickets:write' },
      schema: {
        tags: ['Clients'],
        summary: 'Remove a client that no ticket, rule or default names; its contacts stay without one',
        params,
        response: {
          204: z.null(),
          ...commonErrors,
          ...notFoundError,
          409: errorBodySchema.describe('Something names it; the message says what.'),
        },
      },
      async handler(request, reply) {
        const result = await clients.remove(actorOf(request), request.params.id);
        if (result === 'notFound') throw new ApiError('NOT_FOUND');
        if (result !== 'changed')
          throw new ApiError('CONFLICT', { message: IN_USE[result], hint: 'Nothing was removed.' });
        return reply.code(204).send(null);
      },
    });
  };
}

function clientOf(result: ClientResult): Client {
  if (result.kind === 'changed') return result.client;
  if (result.kind === 'notFound') throw new ApiError('NOT_FOUND');
  const message = 'One of these domains belongs to another client.';
  throw new ApiError('VALIDATION_FAILED', { fields: [{ field: 'domains', code: 'TAKEN', message }] });
}
