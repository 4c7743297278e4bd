import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { providerId } from '@mailstream/shared/domain/ids';
import { ApiError } from '../api-error.ts';
import { commonErrors, errorBodySchema, notFoundError } from '../contracts/errors.ts';
import {
  newProviderBodySchema,
  providerBodySchema,
  providerPatchSchema,
} from '../contracts/provider-settings.ts';
import {
  activitySchema,
  auditRequestSchema,
  pauseBodySchema,
  providerListQuerySchema,
  providerPageSchema,
  providerSchema,
} from '../contracts/providers.ts';
import { resyncBodySchema, resyncRequestSchema } from '../contracts/resync.ts';
import { providerHistoryQuerySchema, providerHistorySchema } from '../contracts/operations.ts';
import { actorOf } from '../plugins/auth.ts';
import type { ProviderStore } from '../ports.ts';
import type { ProviderUseCases } from '../use-cases/providers.ts';

export const providerParams = z.object({ id: z.uuid() });

const refusals = {
  409: errorBodySchema.describe('The mailbox is connected already, or somebody else changed it meanwhile.'),
  422: errorBodySchema.describe('Well formed, but not possible: a forbidden address, or no encryption.'),
} as const;

export function providerRoutes(options: {
  readonly providers: Pick<
    ProviderStore,
    'list' | 'get' | 'activity' | 'history' | 'requestAudit' | 'requestResync'
  >;
  readonly useCases: ProviderUseCases;
}): FastifyPluginAsyncZod {
  const { providers, useCases } = options;
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/email/providers',
      config: { access: 'providers:read' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'List mailboxes, by name',
        querystring: providerListQuerySchema,
        response: { 200: providerPageSchema, ...commonErrors },
      },
      handler: (request) => providers.list(actorOf(request).tenant, request.query),
    });

    app.route({
      method: 'POST',
      url: '/api/email/providers',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Connect a mailbox',
        body: newProviderBodySchema,
        response: { 201: providerSchema, ...commonErrors, ...refusals },
      },
      async handler(request, reply) {
        const provider = await useCases.create(actorOf(request), request.body);
        return reply.code(201).header('location', `/api/email/providers/${provider.id}`).send(provider);
      },
    });

    app.route({
      method: 'GET',
      url: '/api/email/providers/:id',
      config: { access: 'providers:read' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'One mailbox with its state',
        params: providerParams,
        response: { 200: providerSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const found = await providers.get(actorOf(request).tenant, providerId(request.params.id));
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });

    app.route({
      method: 'PUT',
      url: '/api/email/providers/:id',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Replace all settings of a mailbox',
        description:
          'Secrets that are left out stay as they are, unless host, port, user name or protection change: then they are erased.',
        params: providerParams,
        body: providerBodySchema,
        response: { 200: providerSchema, ...commonErrors, ...notFoundError, ...refusals },
      },
      handler: (request) => useCases.replace(actorOf(request), providerId(request.params.id), request.body),
    });

    app.route({
      method: 'PATCH',
      url: '/api/email/providers/:id',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Change some settings of a mailbox',
        description: 'As PUT, but what is left out stays as it is.',
        params: providerParams,
        body: providerPatchSchema,
        response: { 200: providerSchema, ...commonErrors, ...notFoundError, ...refusals },
      },
      handler: (request) => useCases.update(actorOf(request), providerId(request.params.id), request.body),
    });

    app.route({
      method: 'DELETE',
      url: '/api/email/providers/:id',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Disconnect a mailbox: its settings, secrets and ledger are deleted; tickets stay',
        params: providerParams,
        response: { 204: z.null(), ...commonErrors, ...notFoundError },
      },
      async handler(request, reply) {
        await useCases.delete(actorOf(request), providerId(request.params.id));
        return reply.code(204).send(null);
      },
    });

    const actions = [
      ['pause', 'Stop fetching; the position is kept, and mail waits in the mailbox'],
      ['resume', 'Go on fetching, with everything that came in between'],
      ['reconnect', 'Connect anew now'],
    ] as const;
    for (const [action, summary] of actions)
      app.route({
        method: 'POST',
        url: `/api/email/providers/:id/${action}`,
        config: { access: 'providers:write' },
        schema: {
          tags: ['Mailboxes'],
          summary,
          params: providerParams,
          body: pauseBodySchema,
          response: { 200: providerSchema, ...commonErrors, ...notFoundError },
        },
        handler: (request) => useCases[action](actorOf(request), providerId(request.params.id)),
      });

    app.route({
      method: 'POST',
      url: '/api/email/providers/:id/audit',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Compare every watched folder with the ledger now, and fetch what is missing',
        description:
          'Answers before the audit is made. The result is in `folders[].audit` of the mailbox; `isAuditPending` tells what is still to come. A request while an audit runs gets one of its own.',
        params: providerParams,
        body: pauseBodySchema,
        response: {
          202: auditRequestSchema,
          ...commonErrors,
          ...notFoundError,
          409: errorBodySchema.describe('The mailbox is paused or switched off.'),
        },
      },
      async handler(request, reply) {
        const result = await providers.requestAudit(actorOf(request), providerId(request.params.id));
        if (result.kind === 'notFound') throw new ApiError('NOT_FOUND');
        if (result.kind !== 'requested') throw notRunning();
        return reply.code(202).send(result.request);
      },
    });

    app.route({
      method: 'POST',
      url: '/api/email/providers/:id/resync',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Count older mail of watched folders (dry run), or fetch it as well',
        description:
          'Answers before it is done. The results are in `folders[].resync` of the mailbox; `isPending` tells what is still to come. What is here already is not fetched again, and new mail goes on arriving.',
        params: providerParams,
        body: resyncBodySchema,
        response: {
          202: resyncRequestSchema,
          ...commonErrors,
          ...notFoundError,
          409: errorBodySchema.describe('The mailbox is paused or switched off.'),
        },
      },
      async handler(request, reply) {
        const { params, body } = request;
        const result = await providers.requestResync(actorOf(request), providerId(params.id), body);
        if (result.kind === 'requested') return reply.code(202).send(result.request);
        if (result.kind === 'notFound') throw new ApiError('NOT_FOUND');
        if (result.kind !== 'notWatched') throw notRunning();
        const message = `Not watched: ${result.folders.join(', ')}.`;
        throw new ApiError('VALIDATION_FAILED', {
          fields: [{ field: 'folders', code: 'NOT_ALLOWED', message }],
        });
      },
    });

    app.route({
      method: 'GET',
      url: '/api/email/providers/:id/activity',
      config: { access: 'providers:read' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Recent messages, state of the folders, and recent changes of the settings',
        params: providerParams,
        response: { 200: activitySchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const found = await providers.activity(actorOf(request).tenant, providerId(request.params.id));
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });

    app.route({
      method: 'GET',
      url: '/api/email/providers/:id/history',
      config: { access: 'providers:read' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'How much mail came in lately, and how long it took from its arrival at the mail server',
        params: providerParams,
        querystring: providerHistoryQuerySchema,
        response: { 200: providerHistorySchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const { tenant } = actorOf(request);
        const found = await providers.history(tenant, providerId(request.params.id), request.query.hours);
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });
  };
}

function notRunning(): ApiError {
  return new ApiError('CONFLICT', {
    message: 'This mailbox is paused or switched off, so nobody could look into it.',
    hint: 'Resume it first; then try again.',
  });
}
