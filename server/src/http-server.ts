import type { FastifyInstance } from 'fastify';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { buildApp, type AppOptions, type AppPorts } from './app.ts';

/** Listens from start to stop; a stop lets answers in hand finish. */
export function createHttpServer(parts: {
  readonly ports: AppPorts;
  readonly options: AppOptions;
  readonly listen: { readonly host: string; readonly port: number };
  readonly log: Logger;
}): Service {
  let app: FastifyInstance | null = null;
  return createService('http server', {
    async start() {
      const { host, port } = parts.listen;
      app = await buildApp(parts.ports, parts.options);
      await app.listen({ host, port });
      // The port that was taken where 0 was asked for.
      const address = app.server.address();
      parts.log.info('listening', { port: typeof address === 'object' ? (address?.port ?? port) : port });
    },
    async stop() {
      await app?.close();
      app = null;
    },
  });
}
