/**
 * The settings UI: files with a content hash in their name for ever, and one page that is made anew for each visit, because the
 * styles that the component library adds at run time carry a nonce.
 */
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sendNotFound } from './errors.ts';
import { pagePolicy } from './security-headers.ts';

/** Where vite leaves room for the nonce (`html.cspNonce` in vite.config.ts). */
const NONCE_PLACEHOLDER = '__CSP_NONCE__';
const NOT_PAGES = /^\/(?:api|health|metrics|assets)(?:\/|$)/;

export async function registerWebUi(app: FastifyInstance, webRoot: string): Promise<void> {
  const page = await readFile(join(webRoot, 'index.html'), 'utf8');
  await app.register(fastifyStatic, {
    root: join(webRoot, 'assets'),
    prefix: '/assets/',
    immutable: true,
    maxAge: '365d',
    index: false,
    decorateReply: false,
    // The build made them (vite.config.ts).
    preCompressed: true,
    // Caches on the way must not give one visitor what another one's browser takes.
    setHeaders: (reply) => void reply.setHeader('vary', 'accept-encoding'),
  });

  const sendPage = (reply: FastifyReply): FastifyReply => {
    const nonce = randomBytes(16).toString('base64');
    return reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('content-security-policy', pagePolicy(nonce))
      .send(page.replaceAll(NONCE_PLACEHOLDER, nonce));
  };
  app.get('/', { schema: { hide: true } }, (_request, reply) => sendPage(reply));
  // Every other address of the UI is known to the page alone.
  app.setNotFoundHandler((request, reply) => (isPageVisit(request) ? sendPage(reply) : sendNotFound(reply)));
}

function isPageVisit(request: FastifyRequest): boolean {
  const path = request.url.split('?', 1)[0] ?? '/';
  return (
    request.method === 'GET' && !NOT_PAGES.test(path) && (request.headers.accept ?? '').includes('text/html')
  );
}
