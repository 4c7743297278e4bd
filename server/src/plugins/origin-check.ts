/**
 * Keeps other sites from using a visitor's cookie (CSRF). A request that changes something and relies on the cookie must
 * be JSON, which a form of another site cannot send, and must come from our own pages by the word of the browser:
 * `Sec-Fetch-Site` where it is sent, else `Origin`. With neither, it is refused: every browser sends one of them.
 */
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';

/** @param publicOrigin where users reach us, e.g. `https://mail.example.com`; null takes it from the request's own host. */
export function refuseForeignOrigin(request: FastifyRequest, publicOrigin: string | null): void {
  const contentType = request.headers['content-type'] ?? '';
  if (!/^application\/json(?:\s*;|$)/i.test(contentType))
    throw foreign('Send `Content-Type: application/json`.');
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) {
    if (site !== 'same-origin') throw foreign();
    return;
  }
  const own = publicOrigin ?? `${request.protocol}://${request.host}`;
  if (request.headers.origin !== own) throw foreign();
}

function foreign(hint = 'Open Mailstream in its own window; programs should use an API token.'): ApiError {
  return new ApiError('FORBIDDEN', {
    message: 'This request did not come from Mailstream’s own pages.',
    hint,
  });
}
