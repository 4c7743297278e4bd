/**
 * Who is asking, for which tenant, with which rights. The tenant comes from the token or session alone, never from a header,
 * path or body. Every route under /api must say who may use it (`config.access`); one that does not is refused at start.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import type { Scope } from '../contracts/session.ts';
import type { Actor } from '../ports.ts';
import type { AccountUseCases } from '../use-cases/accounts.ts';
import { refuseForeignOrigin } from './origin-check.ts';

/** `public`: anybody · `session`: whoever is logged in, with any rights · a scope: whoever has it. */
export type Access = 'public' | 'session' | Scope;

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly access?: Access;
  }
  interface FastifyRequest {
    /** Set before any handler of a route that is not public. */
    actor: Actor | null;
    /** Set when a session cookie named the actor. */
    sessionId: string | null;
  }
}

export const SESSION_COOKIE = 'mailstream_session';
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface AuthOptions {
  readonly accounts: AccountUseCases;
  readonly publicOrigin: string | null;
}

export function registerAuth(app: FastifyInstance, { accounts, publicOrigin }: AuthOptions): void {
  app.decorateRequest('actor', null);
  app.decorateRequest('sessionId', null);

  app.addHook('onRoute', (route) => {
    if (route.url.startsWith('/api/') && route.config?.access === undefined)
      throw new Error(`${String(route.method)} ${route.url} does not say who may use it`);
  });

  app.addHook('onRequest', async (request, reply) => {
    const access = request.routeOptions.config.access;
    if (access === undefined || access === 'public') return;
    const authorization = request.headers.authorization;
    // A token that is sent is meant: a wrong one does not fall back to the cookie.
    if (authorization !== undefined) request.actor = await byHeader(accounts, authorization);
    else await byCookie(request, reply);
    if (request.actor === null) throw new ApiError('UNAUTHENTICATED');
    if (access !== 'session' && !request.actor.scopes.has(access)) throw new ApiError('FORBIDDEN');
  });

  async function byCookie(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const token = request.cookies[SESSION_COOKIE];
    if (token === undefined) return;
    if (!SAFE_METHODS.has(request.method)) refuseForeignOrigin(request, publicOrigin);
    const found = await accounts.bySession(token);
    if (found === null) return;
    request.actor = found.actor;
    request.sessionId = found.sessionId;
    if (found.renewedUntil !== null)
      setSessionCookie(request, reply, { token, expires: found.renewedUntil }, publicOrigin);
  }
}

async function byHeader(accounts: AccountUseCases, authorization: string): Promise<Actor | null> {
  const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1];
  return token === undefined ? null : accounts.byApiToken(token);
}

export interface SessionCookie {
  readonly token: string;
  readonly expires: Date;
}

/** Secure wherever users reach us over TLS; `trustProxy` decides whose word counts for that. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  { token, expires }: SessionCookie,
  publicOrigin: string | null,
): void {
  const secure = request.protocol === 'https' || publicOrigin?.startsWith('https:') === true;
  void reply.setCookie(SESSION_COOKIE, token, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure,
    expires,
  });
}

/** The actor of a route that is not public. */
export function actorOf(request: FastifyRequest): Actor {
  if (request.actor === null) throw new ApiError('UNAUTHENTICATED');
  return request.actor;
}
