import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { commonErrors } from '../contracts/errors.ts';
import { actorOf } from '../plugins/auth.ts';
import type { LiveStreams } from '../use-cases/live-streams.ts';

export function streamRoutes(options: { readonly streams: LiveStreams }): FastifyPluginAsyncZod {
  const { streams } = options;
  return async (app) => {
    // Otherwise a server that stops would wait for pages that stay open.
    app.addHook('preClose', (done) => {
      streams.close();
      done();
    });
    app.route({
      method: 'GET',
      url: '/api/stream',
      config: { access: 'session' },
      schema: {
        tags: ['Session'],
        summary: 'Which lists have changed, as server-sent events',
        description:
          '`change` names topics (`providers`, `messages`, `tickets`) of which something is not what it was; read them again. `end` comes when the login has ended. After a reconnect read everything again: nothing is repeated.',
        produces: ['text/event-stream', 'application/json'],
        response: { 200: z.string().describe('A stream that does not end by itself.'), ...commonErrors },
      },
      handler: (request, reply) => sendEvents(reply, streams.open(actorOf(request), request.sessionId)),
    });
  };
}

/** Described as text, sent as the stream that it is. */
function sendEvents(reply: FastifyReply, events: NodeJS.ReadableStream): string {
  return (
    reply
      .type('text/event-stream')
      .header('cache-control', 'no-store')
      // Proxies pass it on as it comes.
      .header('x-accel-buffering', 'no')
      .send(events) as unknown as string
  );
}
