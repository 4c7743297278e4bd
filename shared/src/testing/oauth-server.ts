/** A token endpoint on loopback that rotates refresh tokens, as strict as told, and can be made to misbehave. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TokenRequest {
  readonly form: URLSearchParams;
  readonly response: ServerResponse;
}

export interface TestOAuthServer {
  readonly tokenUrl: string;
  /** Forms of all requests, in order. */
  readonly requests: readonly URLSearchParams[];
  /** The refresh token that is valid now. */
  refreshToken: string;
  /** Access tokens issued, in order. */
  readonly issued: readonly string[];
  readonly settings: {
    /** Seconds. */
    expiresIn: number | undefined;
    /** A new refresh token with each answer. */
    rotates: boolean;
    /** A used refresh token stays valid beside the new one, as with Microsoft. */
    oldStaysValid: boolean;
    clientSecret: string;
  };
  /** Called before the usual answer. Resolve with true when the request has been answered (or is never to be). */
  before: (request: TokenRequest) => Promise<boolean> | boolean;
  close(): Promise<void>;
}

export async function openOAuthServer(): Promise<TestOAuthServer> {
  const requests: URLSearchParams[] = [];
  const issued: string[] = [];
  const valid = new Set<string>();
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const self: TestOAuthServer = {
    tokenUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    requests,
    issued,
    refreshToken: newToken('refresh'),
    settings: { expiresIn: 3600, rotates: true, oldStaysValid: false, clientSecret: newToken('secret') },
    before: () => false,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    requests.push(form);
    if (await self.before({ form, response })) return;
    const { settings } = self;
    if (form.get('client_secret') !== settings.clientSecret)
      return answerError(response, 401, 'invalid_client');
    if (form.get('grant_type') === 'client_credentials') return issue(response, false);
    const used = form.get('refresh_token') ?? '';
    if (used !== self.refreshToken && !valid.has(used)) return answerError(response, 400, 'invalid_grant');
    if (settings.oldStaysValid) valid.add(used);
    issue(response, settings.rotates);
  }

  function issue(response: ServerResponse, withRefreshToken: boolean): void {
    const accessToken = newToken('access');
    issued.push(accessToken);
    if (withRefreshToken) self.refreshToken = newToken('refresh');
    const body = {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: self.settings.expiresIn,
      ...(withRefreshToken ? { refresh_token: self.refreshToken } : {}),
      // Nobody signed it: whoever looks at it fails.
      id_token: 'not.a.jwt',
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  return self;
}

export function answerError(
  response: ServerResponse,
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ error, error_description: 'for user@example.com' }));
}

function newToken(kind: string): string {
  return `${kind}-${randomBytes(12).toString('hex')}`;
}
