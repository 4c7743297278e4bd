import type { FastifyInstance } from 'fastify';
import type { Logger } from '@mailstream/shared/runtime/logger';

/** Counts what happens, for the metrics. Routes are patterns: an id or a search text never becomes a label. */
export interface RequestObserver {
  onRequest(method: string, route: string, status: number, durationMs: number): void;
  onLogin(result: 'ok' | 'refused'): void;
  /** @param code of the limit that is reached */
  onQuotaRefusal(code: string): void;
  /** Server-sent event streams that are open now. */
  onEventStreams(open: number): void;
}

export function registerRequestLog(app: FastifyInstance, observer: RequestObserver, log: Logger): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    observer.onRequest(request.method, route, reply.statusCode, reply.elapsedTime);
    log.debug('request answered', {
      requestId: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime),
    });
  });
}
