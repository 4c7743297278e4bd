import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { commonErrors } from '../contracts/errors.ts';
import {
  closeTenantBodySchema,
  newTenantBodySchema,
  newTenantSchema,
  tenantPatchSchema,
  tenantSchema,
} from '../contracts/tenants.ts';
import { actorOf } from '../plugins/auth.ts';
import type { TenantUseCases } from '../use-cases/tenants.ts';

const tags = ['Accounts'];

/** No address names a tenant: it is always that of whoever asks, also for operators. */
export function tenantRoutes(options: { readonly useCases: TenantUseCases }): FastifyPluginAsyncZod {
  const { useCases } = options;
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/tenant',
      config: { access: 'accounts:read' },
      schema: { tags, summary: 'The own tenant', response: { 200: tenantSchema, ...commonErrors } },
      handler: (request) => useCases.get(actorOf(request)),
    });

    app.route({
      method: 'PATCH',
      url: '/api/tenant',
      config: { access: 'accounts:write' },
      schema: {
        tags,
        summary: 'Give the own tenant another name',
        body: tenantPatchSchema,
        response: { 200: tenantSchema, ...commonErrors },
      },
      handler: (request) => useCases.rename(actorOf(request), request.body.name),
    });

    app.route({
      method: 'POST',
      url: '/api/tenant/close',
      config: { access: 'accounts:write' },
      schema: {
        tags,
        summary:
          'Close the own tenant: nobody can log in, no mail is fetched or sent, every secret is erased',
        description: 'Tickets and messages stay in the database. There is no way back over the API.',
        body: closeTenantBodySchema,
        response: { 204: z.null(), ...commonErrors },
      },
      async handler(request, reply) {
        await useCases.close(actorOf(request), request.body.name);
        return reply.code(204).send(null);
      },
    });

    app.route({
      method: 'POST',
      url: '/api/tenants',
      config: { access: 'operator' },
      schema: {
        tags,
        summary: 'Add a tenant with its first administrator, whose link to set a password is shown once',
        body: newTenantBodySchema,
        response: { 201: newTenantSchema, ...commonErrors },
      },
      handler: async (request, reply) =>
        reply.code(201).send(await useCases.create(actorOf(request), request.body, 'admin')),
    });
  };
}
