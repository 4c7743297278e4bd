import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { commonErrors, errorBodySchema, notFoundError } from '../contracts/errors.ts';
import {
  assignClientBodySchema,
  commentHtmlSchema,
  mergeBodySchema,
  noBodySchema,
  ticketDetailSchema,
  ticketListQuerySchema,
  ticketPageSchema,
  type TicketDetail,
} from '../contracts/tickets.ts';
import { actorOf } from '../plugins/auth.ts';
import { sendPreview } from '../plugins/send-mail.ts';
import type { Actor, RawStore, TicketStore } from '../ports.ts';
import { downloadHeaders } from '../use-cases/download-header.ts';

const params = z.object({ id: z.uuid().toLowerCase() });
const conflict = { 409: errorBodySchema.describe('The ticket was merged into another one.') } as const;

export function ticketRoutes(options: {
  readonly tickets: TicketStore;
  readonly raw: RawStore;
}): FastifyPluginAsyncZod {
  const { tickets, raw } = options;
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
        params,
        response: { 200: ticketDetailSchema, ...commonErrors, ...notFoundError },
      },
      handler: (request) => existing(tickets, actorOf(request), request.params.id),
    });

    app.route({
      method: 'GET',
      url: '/api/tickets/:id/attachments/:attachmentId',
      config: { access: 'tickets:read' },
      schema: {
        tags: ['Tickets'],
        summary: 'Download an attachment',
        produces: ['application/octet-stream', 'application/json'],
        params: params.extend({ attachmentId: z.uuid().toLowerCase() }),
        response: { 200: z.string().describe('The file as it came.'), ...commonErrors, ...notFoundError },
      },
      async handler(request, reply) {
        const { id, attachmentId } = request.params;
        const found = await tickets.attachment(actorOf(request).tenant, id, attachmentId);
        if (found === null) throw new ApiError('NOT_FOUND');
        const bytes = await raw.read(found.storageKey);
        // Described as text, sent as the stream that it is.
        return reply.headers(downloadHeaders(found.name, found.contentType)).send(bytes as unknown as string);
      },
    });

    app.route({
      method: 'GET',
      url: '/api/tickets/:id/comments/:commentId/html',
      config: { access: 'tickets:read' },
      schema: {
        tags: ['Tickets'],
        summary: 'The HTML of a comment, to be sanitised by whoever shows it',
        params: params.extend({ commentId: z.uuid().toLowerCase() }),
        response: { 200: commentHtmlSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const { id, commentId } = request.params;
        const found = await tickets.html(actorOf(request).tenant, id, commentId);
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });

    app.route({
      method: 'GET',
      url: '/api/tickets/:id/comments/:commentId/preview',
      config: { access: 'tickets:read' },
      schema: {
        tags: ['Tickets'],
        summary: 'A comment as a page for a sandboxed frame: sanitised, without anything that loads',
        produces: ['text/html', 'application/json'],
        params: params.extend({ commentId: z.uuid().toLowerCase() }),
        response: { 200: z.string().describe('The page.'), ...commonErrors, ...notFoundError },
      },
      async handler(request, reply) {
        const { id, commentId } = request.params;
        const found = await tickets.body(actorOf(request).tenant, id, commentId);
        if (found === null) throw new ApiError('NOT_FOUND');
        return sendPreview(reply, found);
      },
    });

    const actions = [
      ['close', 'Close a ticket; nothing about it needs attention any more'],
      ['reopen', 'Open a ticket again'],
      ['resolve-attention', 'Say that somebody has looked at it'],
    ] as const;
    for (const [action, summary] of actions)
      app.route({
        method: 'POST',
        url: `/api/tickets/:id/${action}`,
        config: { access: 'tickets:write' },
        schema: {
          tags: ['Tickets'],
          summary,
          params,
          body: noBodySchema,
          response: { 200: ticketDetailSchema, ...commonErrors, ...notFoundError, ...conflict },
        },
        async handler(request) {
          const actor = actorOf(request);
          const result = await tickets.change(actor, request.params.id, action);
          if (result === 'merged') throw merged();
          return existing(tickets, actor, request.params.id);
        },
      });

    app.route({
      method: 'POST',
      url: '/api/tickets/:id/client',
      config: { access: 'tickets:write' },
      schema: {
        tags: ['Tickets'],
        summary: 'Say whose ticket it is; its contact becomes that client’s too, unless it is another’s',
        params,
        body: assignClientBodySchema,
        response: { 200: ticketDetailSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const actor = actorOf(request);
        const result = await tickets.assignClient(actor, request.params.id, request.body.clientId);
        if (result === 'clientUnknown')
          throw new ApiError('VALIDATION_FAILED', {
            fields: [{ field: 'clientId', code: 'INVALID', message: 'There is no such client.' }],
          });
        return existing(tickets, actor, request.params.id);
      },
    });

    app.route({
      method: 'POST',
      url: '/api/tickets/:id/merge',
      config: { access: 'tickets:write' },
      schema: {
        tags: ['Tickets'],
        summary: 'Move everything of a ticket into another one and close it',
        description:
          'For mail that belongs to another ticket but could not be let in. Later answers to it find the other ticket; whether their senders may write there is `admitSenders`.',
        params,
        body: mergeBodySchema,
        response: { 200: ticketDetailSchema, ...commonErrors, ...notFoundError, ...conflict },
      },
      async handler(request) {
        const actor = actorOf(request);
        const options = { ...request.body, into: request.body.into.toLowerCase() };
        const result = await tickets.merge(actor, request.params.id, options);
        if (result === 'notFound') throw new ApiError('NOT_FOUND');
        if (result === 'merged') throw merged();
        if (result !== 'changed') throw notATarget(result);
        return existing(tickets, actor, options.into);
      },
    });
  };
}

async function existing(tickets: TicketStore, actor: Actor, id: string): Promise<TicketDetail> {
  const found = await tickets.get(actor.tenant, id);
  if (found === null) throw new ApiError('NOT_FOUND');
  return found;
}

function merged(): ApiError {
  return new ApiError('CONFLICT', {
    message: 'This ticket was merged into another one.',
    hint: 'Go on in the ticket that `mergedInto` names.',
  });
}

function notATarget(result: 'targetUnknown' | 'targetRefused'): ApiError {
  const message =
    result === 'targetUnknown'
      ? 'There is no such ticket.'
      : 'A ticket cannot be merged into itself or into one that was merged.';
  return new ApiError('VALIDATION_FAILED', { fields: [{ field: 'into', code: 'INVALID', message }] });
}
