/**
 * A real OpenID Connect provider on loopback, over HTTPS with a certificate of the test's own: logins, consent, PKCE, rotating refresh
 * tokens, `iss` in its answers. Any account name logs in with any password; its address is its name.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { afterAll } from 'vitest';
import { makeTestCertificate } from '@mailstream/shared/testing/test-certificate';

export interface LoginService {
  readonly issuer: string;
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  /** PEM, to be trusted. */
  readonly ca: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Another application, which gets tokens for itself (client credentials), with `APPLICATION_SCOPE`. */
  readonly application: { readonly clientId: string; readonly clientSecret: string };
  /** For a mail server that asks whether a token is good (RFC 7662); in clear, with the mail server's own login. */
  readonly introspectionUrl: string;
  /** Whose mailbox the application's tokens open from now on; nobody's before. */
  letApplicationRead(account: string): void;
  /** Requests to the token endpoint so far. */
  readonly tokenRequests: () => number;
  /** Takes back every permission: tokens and grants. */
  revokeAll(): Promise<void>;
}

export const SCOPES = 'openid email offline_access imap';
/** Microsoft's, for everything that was granted to the application itself. */
export const APPLICATION_SCOPE = 'https://outlook.office365.com/.default';

/** @param redirectUri the only one that the application has */
export async function useLoginService(redirectUri: string): Promise<LoginService> {
  const certificate = makeTestCertificate(['localhost', '127.0.0.1']);
  let handle: (request: IncomingMessage, response: ServerResponse) => Promise<unknown> = () =>
    Promise.resolve();
  const https = createServer(
    { cert: certificate.cert, key: certificate.key },
    (request, response) => void handle(request, response),
  );
  const http = createHttpServer((request, response) => void handle(request, response));
  const [port, httpPort] = [await listen(https), await listen(http)];
  const issuer = `https://127.0.0.1:${port}`;
  const [clientSecret, applicationSecret, dovecotSecret] = [secret(), secret(), secret()];
  let applicationMailbox = '';
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'mailstream',
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
      {
        client_id: 'mailstream-application',
        client_secret: applicationSecret,
        redirect_uris: [],
        grant_types: ['client_credentials'],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_post',
      },
      {
        client_id: 'dovecot',
        client_secret: dovecotSecret,
        redirect_uris: [],
        grant_types: [],
        response_types: [],
      },
    ],
    scopes: ['openid', 'email', 'offline_access', 'imap', APPLICATION_SCOPE],
    claims: { openid: ['sub'], email: ['email'] },
    conformIdTokenClaims: false,
    cookies: { keys: [secret()] },
    // A token without a user says whose mailbox it opens: the mail server asks the service for that.
    extraTokenClaims: (_ctx, token) =>
      token.kind === 'ClientCredentials' ? { sub: applicationMailbox } : undefined,
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
    },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => Promise.resolve({ sub: id, email: id }),
    }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: { AccessToken: 3600, RefreshToken: 86_400, Session: 3600, Grant: 86_400, Interaction: 600 },
  });
  // Where Dovecot comes in clear, it is still the one at the issuer's address.
  provider.proxy = true;
  handle = provider.callback();
  const saved: { destroy(): Promise<void> }[] = [];
  provider.on('access_token.saved', (token) => saved.push(token));
  provider.on('refresh_token.saved', (token) => saved.push(token));
  provider.on('client_credentials.saved', (token) => saved.push(token));
  let tokenRequests = 0;
  provider.on('grant.success', () => (tokenRequests += 1));
  provider.on('grant.error', () => (tokenRequests += 1));
  afterAll(async () => {
    for (const server of [https, http]) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  });
  return {
    ...{ issuer, clientSecret, clientId: 'mailstream', ca: certificate.cert },
    authorizeUrl: `${issuer}/auth`,
    tokenUrl: `${issuer}/token`,
    introspectionUrl: `http://dovecot:${dovecotSecret}@127.0.0.1:${httpPort}/token/introspection`,
    application: { clientId: 'mailstream-application', clientSecret: applicationSecret },
    letApplicationRead: (account) => {
      applicationMailbox = account;
    },
    tokenRequests: () => tokenRequests,
    revokeAll: async () => {
      for (const token of saved.splice(0)) await token.destroy();
    },
  };
}

async function listen(server: Server | ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function secret(): string {
  return randomBytes(24).toString('hex');
}
