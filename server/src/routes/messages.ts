import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { commonErrors, notFoundError } from '../contracts/errors.ts';
import { messageDetailSchema, messageListQuerySchema, messagePageSchema } from '../contracts/messages.ts';
import { actorOf } from '../plugins/auth.ts';
import { sendOriginal, sendPreview } from '../plugins/send-mail.ts';
import type { MessageStore, RawStore } from '../ports.ts';

const params = z.object({ eventId: z.uuid() });

export function messageRoutes(options: {
  readonly messages: MessageStore;
  readonly raw: RawStore;
}): FastifyPluginAsyncZod {
  const { messages, raw } = options;
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

    app.route({
      method: 'GET',
      url: '/api/email/messages/:eventId/raw',
      config: { access: 'messages:read' },
      schema: {
        tags: ['Messages'],
        summary: 'Download the original of a message',
        produces: ['message/rfc822', 'application/json'],
        params,
        response: { 200: z.string().describe('The message as it came.'), ...commonErrors, ...notFoundError },
      },
      async handler(request, reply) {
        const eventId = request.params.eventId.toLowerCase();
        const key = await messages.rawKey(actorOf(request).tenant, eventId);
        if (key === null) throw new ApiError('NOT_FOUND');
        return sendOriginal(reply, eventId, await raw.read(key));
      },
    });

    app.route({
      method: 'GET',
      url: '/api/email/messages/:eventId/preview',
      config: { access: 'messages:read' },
      schema: {
        tags: ['Messages'],
        summary: 'A message as a page for a sandboxed frame: sanitised, without anything that loads',
        produces: ['text/html', 'application/json'],
        params,
        response: { 200: z.string().describe('The page.'), ...commonErrors, ...notFoundError },
      },
      async handler(request, reply) {
        const found = await messages.body(actorOf(request).tenant, request.params.eventId.toLowerCase());
        if (found === null) throw new ApiError('NOT_FOUND');
        return sendPreview(reply, found);
      },
    });
  };
}
