import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { commonErrors } from '../contracts/errors.ts';
import { loginBodySchema, meSchema } from '../contracts/session.ts';
import { actorOf, setSessionCookie } from '../plugins/auth.ts';
import { refuseForeignOrigin } from '../plugins/origin-check.ts';
import type { Limit } from '../plugins/rate-limits.ts';
import type { AccountUseCases } from '../use-cases/accounts.ts';

export function sessionRoutes(options: {
  readonly accounts: AccountUseCases;
  readonly limitLogin: Limit;
  readonly publicOrigin: string | null;
  readonly onLogin: (result: 'ok' | 'refused') => void;
}): FastifyPluginAsyncZod {
  const { accounts, limitLogin, publicOrigin, onLogin } = options;
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/api/auth/login',
      config: { access: 'public' },
      schema: {
        tags: ['Session'],
        summary: 'Log in; the answer sets the session cookie',
        security: [],
        body: loginBodySchema,
        response: { 200: meSchema, ...commonErrors },
      },
      preHandler: limitLogin,
      async handler(request, reply) {
        // A page of another site must not log a visitor in as somebody else. Programs send neither header.
        if (request.headers['sec-fetch-site'] !== undefined || request.headers.origin !== undefined)
          refuseForeignOrigin(request, publicOrigin);
        try {
          const session = await accounts.login(request.body);
          setSessionCookie(
            request,
            reply,
            { token: session.token, expires: session.expiresAt },
            publicOrigin,
          );
          onLogin('ok');
          return await accounts.me(session.actor);
        } catch (error) {
          onLogin('refused');
          throw error;
        }
      },
    });

    app.route({
      method: 'POST',
      url: '/api/auth/logout',
      config: { access: 'session' },
      schema: {
        tags: ['Session'],
        summary: 'End the session of the cookie; does nothing for an API token',
        response: { 204: z.null(), ...commonErrors },
      },
      async handler(request, reply) {
        if (request.sessionId !== null) await accounts.logout(actorOf(request), request.sessionId);
        setSessionCookie(request, reply, { token: '', expires: new Date(0) }, publicOrigin);
        return reply.code(204).send(null);
      },
    });

    app.route({
      method: 'GET',
      url: '/api/auth/me',
      config: { access: 'session' },
      schema: {
        tags: ['Session'],
        summary: 'Who is logged in, and with which rights',
        response: { 200: meSchema, ...commonErrors },
      },
      handler: (request) => accounts.me(actorOf(request)),
    });
  };
}
