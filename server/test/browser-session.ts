/** A browser that is logged in to our own UI, as far as the API can tell: a cookie, JSON, and requests from our own pages. */
import type { FastifyInstance } from 'fastify';
import { PASSWORD, toAnswer, type Answer } from './harness.ts';

export interface BrowserSession {
  readonly cookies: ReadonlyMap<string, string>;
  send(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: unknown): Promise<Answer>;
  /** Arrives from another site, as a browser that is sent back does. */
  arrive(url: string): Promise<Answer>;
}

/** @param email null for somebody without an account here */
export async function browserSession(app: FastifyInstance, email: string | null): Promise<BrowserSession> {
  const cookies = new Map<string, string>();

  async function inject(
    method: Parameters<BrowserSession['send']>[0],
    url: string,
    headers: Record<string, string>,
    body?: unknown,
  ): Promise<Answer> {
    const response = await app.inject({
      method,
      url,
      headers: {
        ...headers,
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    for (const { name, value } of response.cookies) cookies.set(name, value);
    return toAnswer(response);
  }

  const self: BrowserSession = {
    cookies,
    send: (method, url, body) =>
      inject(
        method,
        url,
        {
          'sec-fetch-site': 'same-origin',
          ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
        },
        body ?? (method === 'GET' ? undefined : {}),
      ),
    arrive: (url) => inject('GET', url, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
  };
  if (email !== null) {
    const answer = await self.send('POST', '/api/auth/login', { email, password: PASSWORD });
    if (answer.status !== 200) throw new Error(`no login: ${answer.text}`);
  }
  return self;
}
