import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { commonErrors, errorBodySchema, notFoundError } from '../contracts/errors.ts';
import { noBodySchema } from '../contracts/tickets.ts';
import {
  invitationSchema,
  passwordLinkSchema,
  userBodySchema,
  userListQuerySchema,
  userPageSchema,
  userPatchSchema,
  userSchema,
} from '../contracts/users.ts';
import { actorOf } from '../plugins/auth.ts';
import type { UserStore } from '../ports/accounts.ts';
import type { UserUseCases } from '../use-cases/users.ts';

const params = z.object({ id: z.uuid().toLowerCase() });
const tags = ['Accounts'];
const conflict = {
  409: errorBodySchema.describe('The last administrator, or a user who is disabled.'),
} as const;

export function userRoutes(options: {
  readonly users: Pick<UserStore, 'list'>;
  readonly useCases: UserUseCases;
}): FastifyPluginAsyncZod {
  const { users, useCases } = options;
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/users',
      config: { access: 'accounts:read' },
      schema: {
        tags,
        summary: 'People who may log in',
        querystring: userListQuerySchema,
        response: { 200: userPageSchema, ...commonErrors },
      },
      handler: (request) => users.list(actorOf(request).tenant, request.query),
    });

    app.route({
      method: 'POST',
      url: '/api/users',
      config: { access: 'accounts:write' },
      schema: {
        tags,
        summary: 'Invite somebody; the link to set a password is shown once',
        body: userBodySchema,
        response: { 201: invitationSchema, ...commonErrors },
      },
      handler: async (request, reply) =>
        reply.code(201).send(await useCases.invite(actorOf(request), request.body)),
    });

    app.route({
      method: 'PATCH',
      url: '/api/users/:id',
      config: { access: 'accounts:write' },
      schema: {
        tags,
        summary: 'Change name or role, disable or enable; a disabled user is logged out everywhere',
        params,
        body: userPatchSchema,
        response: { 200: userSchema, ...commonErrors, ...notFoundError, ...conflict },
      },
      handler: (request) => useCases.change(actorOf(request), request.params.id, request.body),
    });

    app.route({
      method: 'POST',
      url: '/api/users/:id/password-link',
      config: { access: 'accounts:write' },
      schema: {
        tags,
        summary:
          'A new link to set a password, shown once; older links end, and sessions end when it is used',
        params,
        body: noBodySchema,
        response: { 200: passwordLinkSchema, ...commonErrors, ...notFoundError, ...conflict },
      },
      handler: (request) => useCases.link(actorOf(request), request.params.id),
    });
  };
}
