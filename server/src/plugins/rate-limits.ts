/**
 * Limits for what an attacker would repeat: guessing passwords, connection tests, which can probe foreign servers, and trials of rules,
 * which take long.
 * Counted in this process: with N replicas a caller has up to N times as many.
 */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';

const WINDOW_MS = 60_000;
/** For each test of a mail server: somebody who writes a rule tries it again and again, and only our own time is spent. */
const RULE_TESTS = 6;
const LOOK_UPS_PER_TEST = 4;

export interface RateLimitSettings {
  /** Tries to log in, for each client address and for each account. */
  readonly loginsPerMinute: number;
  /** Connections to mail servers that a person asks for (tests, folder lists), for each tenant. */
  readonly testsPerMinute: number;
}

/** Throws ApiError RATE_LIMITED, with `Retry-After` on the reply, for a request too many. */
export type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

export interface RateLimits {
  readonly login: Limit;
  readonly mailServerTest: Limit;
  readonly ruleTest: Limit;
  /** Cheaper than a test: questions about a domain, steps of a login with OAuth. */
  readonly lookUp: Limit;
}

export async function registerRateLimits(
  app: FastifyInstance,
  settings: RateLimitSettings,
): Promise<RateLimits> {
  await app.register(rateLimit, { global: false });
  const limit = (max: number, key: (request: FastifyRequest) => string): Limit => {
    const count = app.createRateLimit({ max, timeWindow: WINDOW_MS, keyGenerator: key });
    return async (request, reply) => {
      const result = await count(request);
      if (result.isAllowed || !result.isExceeded) return;
      void reply.header('retry-after', String(Math.max(1, result.ttlInSeconds)));
      throw new ApiError('RATE_LIMITED');
    };
  };
  const byClient = limit(settings.loginsPerMinute, (request) => `client ${request.ip}`);
  const byAccount = limit(settings.loginsPerMinute, (request) => `account ${accountOf(request)}`);
  const tenantOf = (request: FastifyRequest): string => `tenant ${request.actor?.tenant ?? request.ip}`;
  return {
    async login(request, reply) {
      await byClient(request, reply);
      await byAccount(request, reply);
    },
    mailServerTest: limit(settings.testsPerMinute, tenantOf),
    ruleTest: limit(RULE_TESTS * settings.testsPerMinute, tenantOf),
    lookUp: limit(
      LOOK_UPS_PER_TEST * settings.testsPerMinute,
      (request) => `look-ups ${request.actor?.tenant ?? request.ip}`,
    ),
  };
}

function accountOf(request: FastifyRequest): string {
  const email = (request.body as { email?: unknown } | null | undefined)?.email;
  return typeof email === 'string' ? email.toLowerCase() : request.ip;
}
