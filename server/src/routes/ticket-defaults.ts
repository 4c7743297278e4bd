import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { providerId, type ProviderId } from '@mailstream/shared/domain/ids';
import { ApiError } from '../api-error.ts';
import { commonErrors, notFoundError } from '../contracts/errors.ts';
import {
  ticketDefaultsBodySchema,
  ticketDefaultsSchema,
  type TicketDefaults,
} from '../contracts/ticket-defaults.ts';
import { actorOf } from '../plugins/auth.ts';
import type { Actor, TicketStore } from '../ports.ts';

const ofTenant = { url: '/api/tickets/defaults', params: z.object({}), name: 'all mailboxes' } as const;
const ofMailbox = {
  url: '/api/email/providers/:id/ticket-defaults',
  params: z.object({ id: z.uuid() }),
  name: 'one mailbox',
} as const;

/** What is not set is answered as what then holds: the tenant's defaults, else the built-in ones. */
export function ticketDefaultsRoutes({ tickets }: { readonly tickets: TicketStore }): FastifyPluginAsyncZod {
  return async (app) => {
    for (const { url, params, name } of [ofTenant, ofMailbox]) {
      app.route({
        method: 'GET',
        url,
        config: { access: 'providers:read' },
        schema: {
          tags: ['Tickets'],
          summary: `What new tickets of ${name} get, and whose mail is believed`,
          params,
          response: { 200: ticketDefaultsSchema, ...commonErrors, ...notFoundError },
        },
        handler: (request) => read(tickets, actorOf(request), mailboxOf(request.params)),
      });

      app.route({
        method: 'PUT',
        url,
        config: { access: 'providers:write' },
        schema: {
          tags: ['Tickets'],
          summary: `Set what new tickets of ${name} get, and whose mail is believed`,
          params,
          body: ticketDefaultsBodySchema,
          response: { 200: ticketDefaultsSchema, ...commonErrors, ...notFoundError },
        },
        async handler(request) {
          const actor = actorOf(request);
          const mailbox = mailboxOf(request.params);
          const { source: _ignored, ...defaults } = request.body;
          const result = await tickets.setDefaults(actor, mailbox, defaults);
          if (result === 'notFound') throw new ApiError('NOT_FOUND');
          if (result === 'clientUnknown')
            throw new ApiError('VALIDATION_FAILED', {
              fields: [{ field: 'clientId', code: 'INVALID', message: 'There is no such client.' }],
            });
          return read(tickets, actor, mailbox);
        },
      });

      app.route({
        method: 'DELETE',
        url,
        config: { access: 'providers:write' },
        schema: {
          tags: ['Tickets'],
          summary: `Forget the defaults of ${name}`,
          params,
          response: { 204: z.null(), ...commonErrors, ...notFoundError },
        },
        async handler(request, reply) {
          const result = await tickets.removeDefaults(actorOf(request), mailboxOf(request.params));
          if (result === 'notFound') throw new ApiError('NOT_FOUND');
          return reply.code(204).send(null);
        },
      });
    }
  };
}

function mailboxOf(params: { readonly id?: string }): ProviderId | null {
  return params.id === undefined ? null : providerId(params.id);
}

async function read(
  tickets: TicketStore,
  { tenant }: Actor,
  mailbox: ProviderId | null,
): Promise<TicketDefaults> {
  for (const whose of mailbox === null ? [null] : [mailbox, null]) {
    const found = await tickets.defaults(tenant, whose);
    if (found === 'notFound') throw new ApiError('NOT_FOUND');
    if (found !== null) return { ...found, source: whose === null ? 'tenant' : 'mailbox' };
  }
  return ticketDefaultsSchema.parse({ source: 'builtIn' });
}
