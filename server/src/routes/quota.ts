import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { QUOTA_CODES, QUOTA_KINDS } from '@mailstream/shared/domain/quota';
import { commonErrors } from '../contracts/errors.ts';
import { quotaSchema } from '../contracts/quota.ts';
import { actorOf } from '../plugins/auth.ts';
import type { QuotaStore } from '../ports/quotas.ts';
import { errorHint, errorText } from '../use-cases/status-text.ts';

const DAY_MS = 86_400_000;
const BY_DAY: ReadonlySet<string> = new Set(['messagesPerDay', 'apiCallsPerDay']);

export function quotaRoutes(options: {
  readonly quotas: Pick<QuotaStore, 'describe'>;
  readonly now: () => Date;
}): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/quota',
      config: { access: 'providers:read' },
      schema: {
        tags: ['Operations'],
        summary: 'What the operator grants the tenant, and what it uses',
        response: { 200: quotaSchema, ...commonErrors },
      },
      async handler(request) {
        const { limits, used } = await options.quotas.describe(actorOf(request).tenant);
        const midnight = new Date((Math.floor(options.now().getTime() / DAY_MS) + 1) * DAY_MS).toISOString();
        return {
          items: QUOTA_KINDS.map((kind) => {
            const limit = limits[kind];
            const code = limit !== null && used[kind] >= limit ? QUOTA_CODES[kind] : null;
            return {
              ...{ kind, limit, used: used[kind], code, message: errorText(code), hint: errorHint(code) },
              resetsAt: BY_DAY.has(kind) ? midnight : null,
            };
          }),
        };
      },
    });
  };
}
