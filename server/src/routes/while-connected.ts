import type { FastifyReply } from 'fastify';

/**
 * Aborts when the caller goes away: nobody waits for the answer any more. Fastify's `request.signal` does not tell once the body
 * has been read; a listener on the socket would stay for all requests of the connection.
 */
export function whileConnected(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableEnded) controller.abort();
  });
  return controller.signal;
}
