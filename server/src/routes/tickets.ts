import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { commonErrors, notFoundError } from '../contracts/errors.ts';
import { ticketDetailSchema, ticketListQuerySchema, ticketPageSchema } from '../contracts/tickets.ts';
import { actorOf } from '../plugins/auth.ts';
import type { TicketStore } from '../ports.ts';

export function ticketRoutes({ tickets }: { readonly tickets: TicketStore }): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/tickets',
      config: { access: 'tickets:read' },
      schema: {
        tags: ['Tickets'],
        summary: 'List tickets, newest first',
        querystring: ticketListQuerySchema,
        response: { 200: ticketPageSchema, ...commonErrors },
      },
      handler: (request) => tickets.list(actorOf(request).tenant, request.query),
    });

    app.route({
      method: 'GET',
      url: '/api/tickets/:id',
      config: { access: 'tickets:read' },
      schema: {
        tags: ['Tickets'],
        summary: 'One ticket with its thread',
        params: z.object({ id: z.uuid() }),
        response: { 200: ticketDetailSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const found = await tickets.get(actorOf(request).tenant, request.params.id.toLowerCase());
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });
  };
}
