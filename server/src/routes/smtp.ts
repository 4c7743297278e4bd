import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { providerId, type ProviderId } from '@mailstream/shared/domain/ids';
import { ApiError } from '../api-error.ts';
import { commonErrors, errorBodySchema, notFoundError } from '../contracts/errors.ts';
import { smtpBodySchema, smtpSchema, smtpTestResultSchema } from '../contracts/outbound.ts';
import { actorOf } from '../plugins/auth.ts';
import type { Limit } from '../plugins/rate-limits.ts';
import type { SmtpUseCases } from '../use-cases/smtp.ts';
import { providerParams } from './providers.ts';

const refused = {
  422: errorBodySchema.describe('The address is forbidden, or clear text where no operator allowed it.'),
} as const;

/** Where a mailbox sends through. No answer holds a password. */
export function smtpRoutes(options: {
  readonly useCases: SmtpUseCases;
  readonly limitTests: Limit;
}): FastifyPluginAsyncZod {
  const { useCases, limitTests } = options;
  const url = '/api/email/providers/:id/smtp';
  return async (app) => {
    app.route({
      method: 'GET',
      url,
      config: { access: 'providers:read' },
      schema: {
        tags: ['Outgoing mail'],
        summary: 'The server that a mailbox sends through',
        params: providerParams,
        response: { 200: smtpSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const found = await useCases.get(actorOf(request), mailboxOf(request.params));
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });

    app.route({
      method: 'PUT',
      url,
      config: { access: 'providers:write' },
      schema: {
        tags: ['Outgoing mail'],
        summary: 'Set the server that a mailbox sends through',
        params: providerParams,
        body: smtpBodySchema,
        response: { 200: smtpSchema, ...commonErrors, ...notFoundError, ...refused },
      },
      handler: (request) => useCases.set(actorOf(request), mailboxOf(request.params), request.body),
    });

    app.route({
      method: 'DELETE',
      url,
      config: { access: 'providers:write' },
      schema: {
        tags: ['Outgoing mail'],
        summary: 'Let a mailbox send nothing any more, and forget the password',
        params: providerParams,
        response: { 204: z.null(), ...commonErrors, ...notFoundError },
      },
      async handler(request, reply) {
        await useCases.remove(actorOf(request), mailboxOf(request.params));
        return reply.code(204).send(null);
      },
    });

    app.route({
      method: 'POST',
      url: `${url}/test`,
      config: { access: 'providers:write' },
      schema: {
        tags: ['Outgoing mail'],
        summary: 'Try a server for outgoing mail before it is saved, step by step; nothing is sent',
        params: providerParams,
        body: smtpBodySchema,
        response: { 200: smtpTestResultSchema, ...commonErrors, ...notFoundError, ...refused },
      },
      preHandler: limitTests,
      handler: (request, reply) =>
        useCases.test(actorOf(request), mailboxOf(request.params), request.body, whileConnected(reply)),
    });
  };
}

function mailboxOf({ id }: { readonly id: string }): ProviderId {
  return providerId(id);
}

/** Nobody waits for the answer of a test once the caller has gone. */
function whileConnected(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableEnded) controller.abort();
  });
  return controller.signal;
}
