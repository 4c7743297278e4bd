import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ChangeTeller } from '@mailstream/shared/db/change-teller';
import { commonErrors, errorBodySchema } from '../contracts/errors.ts';
import { changePasswordBodySchema, setPasswordBodySchema } from '../contracts/users.ts';
import { actorOf } from '../plugins/auth.ts';
import { refuseForeignOrigin } from '../plugins/origin-check.ts';
import type { Limit } from '../plugins/rate-limits.ts';
import type { UserUseCases } from '../use-cases/users.ts';

export function passwordRoutes(options: {
  readonly useCases: Pick<UserUseCases, 'setPassword' | 'changePassword'>;
  readonly limitLogin: Limit;
  readonly publicOrigin: string | null;
  readonly changes: Pick<ChangeTeller, 'tell'>;
}): FastifyPluginAsyncZod {
  const { useCases, limitLogin, publicOrigin, changes } = options;
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/api/auth/password-link',
      config: { access: 'public' },
      schema: {
        tags: ['Session'],
        summary: 'Set a password with the token of a link; ends all sessions of the user',
        security: [],
        body: setPasswordBodySchema,
        response: {
          204: z.null(),
          ...commonErrors,
          409: errorBodySchema.describe('The link is unknown, used or expired.'),
        },
      },
      preHandler: limitLogin,
      async handler(request, reply) {
        if (request.headers['sec-fetch-site'] !== undefined || request.headers.origin !== undefined)
          refuseForeignOrigin(request, publicOrigin);
        const { tenant } = await useCases.setPassword(request.body.token, request.body.password);
        changes.tell(tenant, 'sessions');
        return reply.code(204).send(null);
      },
    });

    app.route({
      method: 'POST',
      url: '/api/auth/password',
      config: { access: 'session' },
      schema: {
        tags: ['Session'],
        summary: 'Change one’s own password; ends all other sessions of the user',
        body: changePasswordBodySchema,
        response: { 204: z.null(), ...commonErrors },
      },
      preHandler: limitLogin,
      async handler(request, reply) {
        await useCases.changePassword(actorOf(request), request.sessionId, request.body);
        return reply.code(204).send(null);
      },
    });
  };
}
