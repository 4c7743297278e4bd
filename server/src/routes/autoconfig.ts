import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { autoconfigQuerySchema, autoconfigSchema } from '../contracts/autoconfig.ts';
import { commonErrors } from '../contracts/errors.ts';
import type { Limit } from '../plugins/rate-limits.ts';
import type { FindSettings } from '../use-cases/find-settings.ts';
import { whileConnected } from './while-connected.ts';

/** Asks a stranger's DNS and web server, so it is limited per tenant and needs the right to write. */
export function autoconfigRoutes(options: {
  readonly findSettings: FindSettings;
  readonly limitLookUps: Limit;
}): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/email/autoconfig',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Find the settings of a mail server from an address',
        querystring: autoconfigQuerySchema,
        response: { 200: autoconfigSchema, ...commonErrors },
      },
      preHandler: options.limitLookUps,
      handler: (request, reply) => options.findSettings(request.query.email, whileConnected(reply)),
    });
  };
}
