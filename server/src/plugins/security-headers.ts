/**
 * Headers that tell the browser what our pages may do: nothing but load their own files. No inline script, no frame, no foreign
 * address. Styles of the component library are added at run time and carry the page's nonce.
 */
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

export async function registerSecurityHeaders(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    enableCSPNonces: false,
    contentSecurityPolicy: { useDefaults: false, directives: policy("'self'") },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  });
  app.addHook('onSend', async (request, reply) => {
    // Answers of the API are of one person and one moment.
    if (request.url.startsWith('/api/') && !reply.hasHeader('cache-control'))
      void reply.header('cache-control', 'no-store');
  });
}

/** @param styles sources of style sheets besides our own files */
function policy(styles: string): Record<string, string[]> {
  return {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': [styles],
    'img-src': ["'self'", 'data:'],
    'font-src': ["'self'"],
    'connect-src': ["'self'"],
    // A mail, in a page of its own under a policy of its own.
    'frame-src': ["'self'"],
    'manifest-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
    'frame-ancestors': ["'none'"],
  };
}

/** The policy of the settings page, whose run-time styles carry this nonce. */
export function pagePolicy(nonce: string): string {
  return Object.entries(policy(`'self' 'nonce-${nonce}'`))
    .map(([name, values]) => `${name} ${values.join(' ')}`)
    .join('; ');
}
