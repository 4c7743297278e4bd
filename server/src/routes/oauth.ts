import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { providerId } from '@mailstream/shared/domain/ids';
import { ApiError } from '../api-error.ts';
import { commonErrors, errorBodySchema, notFoundError } from '../contracts/errors.ts';
import {
  authorizationSchema,
  callbackQuerySchema,
  initiateBodySchema,
  initiatedSchema,
  linkStartedSchema,
  linkTokenSchema,
  linkViewSchema,
  loginLinkSchema,
} from '../contracts/oauth.ts';
import { pauseBodySchema } from '../contracts/providers.ts';
import { actorOf, SESSION_COOKIE } from '../plugins/auth.ts';
import type { Limit } from '../plugins/rate-limits.ts';
import type { AccountUseCases } from '../use-cases/accounts.ts';
import type { LoginLinkUseCases } from '../use-cases/login-links.ts';
import type { OAuthLoginUseCases } from '../use-cases/oauth-logins.ts';
import type { OAuthCallback, Visitor } from '../use-cases/oauth-returns.ts';
import { providerParams } from './providers.ts';
import { whileConnected } from './while-connected.ts';

const BASE = '/api/email/oauth/imap';
/** Brings the browser of a link's login back; sent to these routes alone. */
const LINK_COOKIE = 'mailstream_connect';

const refused = {
  422: errorBodySchema.describe('Well formed, but not possible: for instance a forbidden address.'),
} as const;

export interface OAuthRouteOptions {
  readonly logins: OAuthLoginUseCases;
  readonly callback: OAuthCallback;
  readonly links: LoginLinkUseCases;
  readonly accounts: Pick<AccountUseCases, 'bySession'>;
  readonly limitLookUps: Limit;
  readonly publicOrigin: string | null;
}

export function oauthRoutes(options: OAuthRouteOptions): FastifyPluginAsyncZod {
  const { logins, callback, links, accounts, limitLookUps } = options;
  const originOf = (request: FastifyRequest): string =>
    options.publicOrigin ?? `${request.protocol}://${request.host}`;
  const redirectUriOf = (request: FastifyRequest): string => `${originOf(request)}${BASE}/callback`;

  async function visitorOf(request: FastifyRequest): Promise<Visitor> {
    const token = request.cookies[SESSION_COOKIE];
    const session = token === undefined ? null : await accounts.bySession(token);
    const mayChange = session?.actor.scopes.has('providers:write') === true;
    return {
      sessionId: mayChange ? session.sessionId : null,
      browserToken: request.cookies[LINK_COOKIE] ?? null,
    };
  }

  return async (app) => {
    app.route({
      method: 'POST',
      url: `${BASE}/initiate`,
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Begin a login with OAuth; the browser of this session has to finish it',
        body: initiateBodySchema,
        response: { 200: initiatedSchema, ...commonErrors, ...notFoundError, ...refused },
      },
      preHandler: limitLookUps,
      handler(request) {
        if (request.sessionId === null)
          throw new ApiError('FORBIDDEN', {
            message: 'A login with OAuth needs a browser that is logged in here.',
            hint: 'With an API token, make a link for the owner of the mailbox instead (`login-link`).',
          });
        return logins.initiate(actorOf(request), request.sessionId, request.body, redirectUriOf(request));
      },
    });

    app.route({
      method: 'GET',
      url: `${BASE}/callback`,
      config: { access: 'public' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Where login services send browsers back to',
        security: [],
        querystring: callbackQuerySchema,
        response: { 303: z.null().describe('To a page of the UI, without code and state.'), ...commonErrors },
      },
      preHandler: limitLookUps,
      async handler(request, reply) {
        const path = await callback(request.query, await visitorOf(request), whileConnected(reply));
        return reply.header('location', path).code(303).send(null);
      },
    });

    app.route({
      method: 'GET',
      url: `${BASE}/authorizations/:id`,
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'What became of a login',
        params: providerParams,
        response: { 200: authorizationSchema, ...commonErrors, ...notFoundError },
      },
      handler: (request) => logins.status(actorOf(request), request.params.id),
    });

    app.route({
      method: 'POST',
      url: '/api/email/providers/:id/login-link',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Make a link with which the owner of the mailbox logs in, without an account here',
        description: 'It is good for one login, for a week. Making another one withdraws it.',
        params: providerParams,
        body: pauseBodySchema,
        response: { 201: loginLinkSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request, reply) {
        const id = providerId(request.params.id);
        return reply.code(201).send(await links.create(actorOf(request), id, originOf(request)));
      },
    });

    app.route({
      method: 'POST',
      url: `${BASE}/links/view`,
      config: { access: 'public' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'What a link is for',
        security: [],
        body: linkTokenSchema,
        response: { 200: linkViewSchema, ...commonErrors, ...notFoundError },
      },
      preHandler: limitLookUps,
      handler: (request) => links.view(request.body.token),
    });

    app.route({
      method: 'POST',
      url: `${BASE}/links/start`,
      config: { access: 'public' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Begin the login of a link; the same browser has to finish it',
        security: [],
        body: linkTokenSchema,
        response: { 200: linkStartedSchema, ...commonErrors, ...notFoundError },
      },
      preHandler: limitLookUps,
      async handler(request, reply) {
        const started = await links.start(request.body.token, redirectUriOf(request));
        setLinkCookie(request, reply, started);
        return { authorizeUrl: started.authorizeUrl };
      },
    });
  };

  function setLinkCookie(
    request: FastifyRequest,
    reply: FastifyReply,
    { browserToken, expiresAt }: { readonly browserToken: string; readonly expiresAt: Date },
  ): void {
    const secure = request.protocol === 'https' || options.publicOrigin?.startsWith('https:') === true;
    // Lax: it has to come along when another site sends the browser back.
    const cookie = { path: BASE, httpOnly: true, sameSite: 'lax', secure, expires: expiresAt } as const;
    void reply.setCookie(LINK_COOKIE, browserToken, cookie);
  }
}
