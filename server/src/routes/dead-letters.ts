import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import {
  deadLetterDetailSchema,
  deadLetterListQuerySchema,
  deadLetterPageSchema,
  discardBodySchema,
  replayManyBodySchema,
  replayOneBodySchema,
  replayResultSchema,
  strayLettersSchema,
  type DeadLetterDetail,
} from '../contracts/dead-letters.ts';
import { commonErrors, errorBodySchema, notFoundError } from '../contracts/errors.ts';
import { actorOf } from '../plugins/auth.ts';
import { sendOriginal } from '../plugins/send-mail.ts';
import type { DeadLetterStore, RawStore } from '../ports.ts';

const params = z.object({ eventId: z.uuid().toLowerCase() });
const conflict = { 409: errorBodySchema.describe('It is on its way again, or done.') } as const;
const tags = ['Dead letters'];

export function deadLetterRoutes(options: {
  readonly deadLetters: DeadLetterStore;
  readonly raw: RawStore;
}): FastifyPluginAsyncZod {
  const { deadLetters, raw } = options;
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/email/dead-letters',
      config: { access: 'messages:read' },
      schema: {
        tags,
        summary: 'What was given up on, by the worker or while it was taken in, newest first',
        querystring: deadLetterListQuerySchema,
        response: { 200: deadLetterPageSchema, ...commonErrors },
      },
      handler: (request) => deadLetters.list(actorOf(request).tenant, request.query),
    });

    app.route({
      method: 'GET',
      url: '/api/email/dead-letters/strays',
      config: { access: 'operator' },
      schema: {
        tags,
        summary: 'Entries of which nobody can tell whose they are, newest first; without their content',
        response: { 200: strayLettersSchema, ...commonErrors },
      },
      handler: async () => ({ items: [...(await deadLetters.strays())] }),
    });

    app.route({
      method: 'GET',
      url: '/api/email/dead-letters/:eventId',
      config: { access: 'messages:read' },
      schema: {
        tags,
        summary: 'One dead letter with its whole entry and what was tried',
        params,
        response: { 200: deadLetterDetailSchema, ...commonErrors, ...notFoundError },
      },
      handler: async (request) =>
        existing(await deadLetters.get(actorOf(request).tenant, request.params.eventId)),
    });

    for (const name of ['raw', 'download'] as const)
      app.route({
        method: 'GET',
        url: `/api/email/dead-letters/:eventId/${name}`,
        config: { access: 'messages:read' },
        schema: {
          tags,
          summary: 'Download the original of a dead letter',
          produces: ['message/rfc822', 'application/json'],
          params,
          response: {
            200: z.string().describe('The message as it came.'),
            ...commonErrors,
            ...notFoundError,
          },
        },
        async handler(request, reply) {
          const { eventId } = request.params;
          const key = await deadLetters.rawKey(actorOf(request).tenant, eventId);
          if (key === null) throw new ApiError('NOT_FOUND');
          return sendOriginal(reply, eventId, await raw.read(key));
        },
      });

    app.route({
      method: 'POST',
      url: '/api/email/dead-letters/replay',
      config: { access: 'messages:write' },
      schema: {
        tags,
        summary: 'Try many again; with `dryRun` tell what that would do',
        body: replayManyBodySchema,
        response: { 200: replayResultSchema, ...commonErrors },
      },
      handler: (request) => {
        const { dryRun = false, ...which } = request.body ?? {};
        return deadLetters.replay(actorOf(request), which, { dryRun });
      },
    });

    app.route({
      method: 'POST',
      url: '/api/email/dead-letters/:eventId/replay',
      config: { access: 'messages:write' },
      schema: {
        tags,
        summary: 'Try one again; an event that has its effect gets no second one',
        params,
        body: replayOneBodySchema,
        response: { 200: replayResultSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const which = { eventIds: [request.params.eventId] };
        const result = await deadLetters.replay(actorOf(request), which, {
          dryRun: request.body?.dryRun ?? false,
        });
        if (result.matched === 0) throw new ApiError('NOT_FOUND');
        return result;
      },
    });

    app.route({
      method: 'POST',
      url: '/api/email/dead-letters/:eventId/discard',
      config: { access: 'messages:write' },
      schema: {
        tags,
        summary: 'Say that nothing will be done about it, and why',
        params,
        body: discardBodySchema,
        response: { 200: deadLetterDetailSchema, ...commonErrors, ...notFoundError, ...conflict },
      },
      async handler(request) {
        const actor = actorOf(request);
        const { eventId } = request.params;
        const outcome = await deadLetters.discard(actor, eventId, request.body.reason);
        if (outcome === 'notFound') throw new ApiError('NOT_FOUND');
        if (outcome !== 'discarded')
          throw new ApiError('CONFLICT', {
            message:
              outcome === 'replayed'
                ? 'This message has been processed meanwhile.'
                : 'This message is on its way again.',
          });
        return existing(await deadLetters.get(actor.tenant, eventId));
      },
    });
  };
}

function existing(letter: DeadLetterDetail | null): DeadLetterDetail {
  if (letter === null) throw new ApiError('NOT_FOUND');
  return letter;
}
