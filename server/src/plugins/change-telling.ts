/** Tells the open pages of a tenant when a request has changed something: whatever it was, they look again. */
import type { FastifyInstance } from 'fastify';
import type { ChangeTeller } from '@mailstream/shared/db/change-teller';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Requests that may take a right away. */
const RIGHTS = /^\/api\/(?:auth|users|tokens|tenant)(?:\/|$)/;

export function registerChangeTelling(app: FastifyInstance, changes: Pick<ChangeTeller, 'tell'>): void {
  app.addHook('onResponse', async (request, reply) => {
    const { actor } = request;
    if (actor === null || SAFE_METHODS.has(request.method) || reply.statusCode >= 400) return;
    const route = request.routeOptions.url ?? '';
    if (RIGHTS.test(route)) changes.tell(actor.tenant, 'sessions');
    else for (const topic of ['providers', 'messages', 'tickets'] as const) changes.tell(actor.tenant, topic);
  });
}
