/** A person at a login service, as far as HTTP goes: follows redirects, keeps cookies, fills in the two forms. */
import { Agent, request } from 'undici';

export interface LoginVisitor {
  /** Logs in and agrees. @returns the address that the service sends the browser back to, with code and state */
  logIn(authorizeUrl: string, account: string): Promise<URL>;
  /** Opens the login and gives up. */
  cancel(authorizeUrl: string): Promise<URL>;
}

const MAX_STEPS = 12;

/** @param ca PEM of the service's certificate */
export function loginVisitor(ca: string): LoginVisitor {
  async function visit(
    start: string,
    answer: (html: string, at: URL) => { readonly url: string; readonly form: Record<string, string> | null },
  ): Promise<URL> {
    const dispatcher = new Agent({ connect: { ca } });
    const cookies = new Map<string, string>();
    const { origin } = new URL(start);
    let next: { url: string; form: Record<string, string> | null } = { url: start, form: null };
    try {
      for (let step = 0; step < MAX_STEPS; step += 1) {
        const url = new URL(next.url, origin);
        if (url.origin !== origin) return url;
        const { statusCode, headers, body } = await request(url, {
          dispatcher,
          method: next.form === null ? 'GET' : 'POST',
          headers: {
            cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
            ...(next.form === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          },
          body: next.form === null ? null : new URLSearchParams(next.form).toString(),
        });
        const html = await body.text();
        for (const line of [headers['set-cookie'] ?? []].flat()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
          if (value === '') cookies.delete(name);
          else cookies.set(name, value);
        }
        const { location } = headers;
        next = typeof location === 'string' ? { url: location, form: null } : answer(html, url);
        if (statusCode >= 400)
          throw new Error(`the login service answered ${statusCode}: ${html.slice(0, 500)}`);
      }
    } finally {
      await dispatcher.close();
    }
    throw new Error('the login does not end');
  }

  return {
    logIn: (authorizeUrl, account) =>
      visit(authorizeUrl, (html, at) => {
        const prompt = /name="prompt" value="(\w+)"/.exec(html)?.[1] ?? '';
        const action = /<form[^>]* action="([^"]+)"/.exec(html)?.[1] ?? at.href;
        const fields = prompt === 'login' ? { login: account, password: 'any' } : {};
        return { url: action, form: { prompt, ...fields } };
      }),
    cancel: (authorizeUrl) =>
      visit(authorizeUrl, (html, at) => ({
        url: /href="([^"]*\/abort)"/.exec(html)?.[1] ?? at.href,
        form: null,
      })),
  };
}
