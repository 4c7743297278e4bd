import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { commonErrors, notFoundError } from '../contracts/errors.ts';
import { messageDetailSchema, messageListQuerySchema, messagePageSchema } from '../contracts/messages.ts';
import { actorOf } from '../plugins/auth.ts';
import type { MessageStore } from '../ports.ts';

const params = z.object({ eventId: z.uuid() });

export function messageRoutes(options: { readonly messages: MessageStore }): FastifyPluginAsyncZod {
  const { messages } = options;
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/email/messages',
      config: { access: 'messages:read' },
      schema: {
        tags: ['Messages'],
        summary: 'Find messages and where each one is, newest first',
        querystring: messageListQuerySchema,
        response: { 200: messagePageSchema, ...commonErrors },
      },
      handler: (request) => messages.list(actorOf(request).tenant, request.query),
    });

    app.route({
      method: 'GET',
      url: '/api/email/messages/:eventId',
      config: { access: 'messages:read' },
      schema: {
        tags: ['Messages'],
        summary: 'One message and what the worker made of it',
        params,
        response: { 200: messageDetailSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const found = await messages.get(actorOf(request).tenant, request.params.eventId.toLowerCase());
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });
  };
}
