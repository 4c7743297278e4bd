/** Limits of the tenant on what programs may ask for, and a count of everything that a limit refuses. */
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../api-error.ts';
import type { ApiCallMeter } from '../use-cases/api-call-meter.ts';
import type { RequestObserver } from './request-log.ts';

/** Where one sees what is used up. */
const ALWAYS = '/api/quota';

/** After the auth plugin: it says who asks. */
export function registerQuota(
  app: FastifyInstance,
  { meter, observer }: { readonly meter: ApiCallMeter; readonly observer: RequestObserver },
): void {
  app.addHook('onRequest', async (request, reply) => {
    const { actor } = request;
    // People who are logged in can always look and change.
    if (actor?.kind !== 'api_token' || request.routeOptions.url === ALWAYS) return;
    const waitSeconds = await meter.count(actor.tenant);
    if (waitSeconds === null) return;
    void reply.header('retry-after', String(waitSeconds));
    throw new ApiError('QUOTA_API_CALLS');
  });
  app.addHook('onError', async (_request, _reply, error: unknown) => {
    if (error instanceof ApiError && error.code.startsWith('QUOTA_')) observer.onQuotaRefusal(error.code);
  });
  app.addHook('onClose', () => meter.stop());
}
