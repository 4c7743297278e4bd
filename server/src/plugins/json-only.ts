import type { FastifyInstance } from 'fastify';

/** Bodies are JSON or nothing: no forms, no text. An empty body is accepted as none, whatever its type says. */
export function registerJsonOnly(app: FastifyInstance): void {
  // `__proto__` and `constructor` keys are refused, not silently dropped.
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body as string, done);
  });
}
