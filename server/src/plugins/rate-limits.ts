/**
 * Limits for what an attacker would repeat: guessing passwords, connection tests, which can probe foreign servers, and trials of rules,
 * which take long.
 *
 * Counted in Redis, so over all replicas. While Redis is away each process counts by itself: then N replicas allow up to N times as many,
 * but nobody is locked out of the page that shows what is wrong, and guessing never becomes free. Without `REDIS_URL` it is always so.
 */
import rateLimit, { normalizeIP, type RateLimitPluginOptions } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RedisClient } from '@mailstream/shared/runtime/redis-servers';
import { createHash } from 'node:crypto';
import { ApiError } from '../api-error.ts';

const WINDOW_MS = 60_000;
/** For each test of a mail server: somebody who writes a rule tries it again and again, and only our own time is spent. */
const RULE_TESTS = 6;
const LOOK_UPS_PER_TEST = 4;
/** In Redis, in front of every key. */
const NAME_SPACE = 'mailstream:limits:';

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

type CreateLimiter = FastifyInstance['createRateLimit'];

/** @param redis what all replicas count in; null lets each count by itself */
export async function registerRateLimits(
  app: FastifyInstance,
  settings: RateLimitSettings,
  redis: RedisClient | null,
): Promise<RateLimits> {
  const own = await limiters(app, {});
  const shared = redis === null ? null : await limiters(app, { redis, nameSpace: NAME_SPACE });
  const limit = (max: number, key: (request: FastifyRequest) => string): Limit => {
    const options = { max, timeWindow: WINDOW_MS, keyGenerator: key };
    const countHere = own(options);
    const countTogether = shared?.(options) ?? countHere;
    return async (request, reply) => {
      // The connection to Redis says in the log when it goes and comes.
      const result = await countTogether(request).catch(() => countHere(request));
      if (result.isAllowed || !result.isExceeded) return;
      void reply.header('retry-after', String(Math.max(1, result.ttlInSeconds)));
      throw new ApiError('RATE_LIMITED');
    };
  };
  const { loginsPerMinute, testsPerMinute } = settings;
  const byClient = limit(loginsPerMinute, (request) => `client ${clientOf(request)}`);
  const byAccount = limit(loginsPerMinute, (request) => `account ${accountOf(request)}`);
  return {
    async login(request, reply) {
      await byClient(request, reply);
      await byAccount(request, reply);
    },
    mailServerTest: limit(testsPerMinute, (request) => `tests ${callerOf(request)}`),
    ruleTest: limit(RULE_TESTS * testsPerMinute, (request) => `rules ${callerOf(request)}`),
    lookUp: limit(LOOK_UPS_PER_TEST * testsPerMinute, (request) => `look-ups ${callerOf(request)}`),
  };
}

/** Each kind of counting needs a scope of its own: the plugin has one store. */
async function limiters(app: FastifyInstance, store: RateLimitPluginOptions): Promise<CreateLimiter> {
  let create: CreateLimiter | undefined;
  await app.register(async (scope) => {
    await scope.register(rateLimit, { global: false, ...store });
    create = scope.createRateLimit;
  });
  if (create === undefined) throw new Error('the scope was not loaded');
  return create;
}

function callerOf(request: FastifyRequest): string {
  return request.actor?.tenant ?? clientOf(request);
}

/** Whoever has one IPv6 address has the whole /64 that it is in. */
function clientOf({ ip }: FastifyRequest): string {
  return normalizeIP(ip);
}

/** Hashed: addresses of people do not belong into Redis, and a key must not be as long as somebody likes. */
function accountOf(request: FastifyRequest): string {
  if (request.actor !== null) return request.actor.id;
  const email = (request.body as { email?: unknown } | null | undefined)?.email;
  if (typeof email !== 'string') return clientOf(request);
  return createHash('sha256').update(email.toLowerCase()).digest('base64url');
}
