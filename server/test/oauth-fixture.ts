/** Logins with OAuth over the API: a real OpenID Connect provider, a Dovecot that asks it about tokens, and browsers that go there and back. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { useOwnDovecot } from '@mailstream/shared/testing/own-servers';
import { browserSession, type BrowserSession } from './browser-session.ts';
import { useServer, type Answer, type Harness } from './harness.ts';
import { SCOPES, useLoginService, type LoginService } from './login-service.ts';
import { loginVisitor, type LoginVisitor } from './login-visitor.ts';
import { realMailServer, type RealMailServer } from './real-mail-server.ts';

export const ORIGIN = 'https://mail.example.test';
export const BASE = '/api/email/oauth/imap';

export interface Departed {
  readonly id: string;
  readonly authorizeUrl: string;
}

export interface OAuthFixture {
  readonly harness: Harness;
  readonly login: LoginService;
  readonly dovecot: { readonly imapPort: number; readonly lmtpPort: number };
  readonly visitor: LoginVisitor;
  readonly mailServer: RealMailServer;
  /** Of an administrator of tenant A. */
  readonly admin: BrowserSession;
  /** Settings of a mailbox on that Dovecot, with that login service. */
  imapOf(username: string, more?: Record<string, unknown>): Record<string, unknown>;
  depart(browser: BrowserSession, body: object): Promise<Departed>;
  /** @returns path and query that the login service sent the browser back to */
  cameBack(departed: Departed, account: string): Promise<string>;
  /** @returns the id of a login that was made */
  grantFor(account: string, imap?: Record<string, unknown>): Promise<string>;
  statusOf(id: string): Promise<Answer>;
  create(id: string, imap: Record<string, unknown>, browser?: BrowserSession): Promise<Answer>;
  /** @returns the id of a mailbox that is logged in */
  connected(account: string): Promise<string>;
}

export function newAddress(): string {
  return `u${randomBytes(6).toString('hex')}@example.test`;
}

export const pathOf = (back: URL): string => `${back.pathname}${back.search}`;

/** Call at the top level of a test file. */
export async function useOAuth(): Promise<OAuthFixture> {
  const login = await useLoginService(`${ORIGIN}${BASE}/callback`);
  const { server: dovecot } = await useOwnDovecot(login.introspectionUrl);
  let real: RealMailServer | undefined;
  const harness = await useServer({ publicOrigin: ORIGIN }, (parts) => (real = realMailServer(parts, login)));
  if (real === undefined) throw new Error('the server was not built');
  const visitor = loginVisitor(login.ca);
  const admin = await browserSession(harness.app, harness.a.users.admin.email);

  const self: OAuthFixture = {
    ...{ harness, login, dovecot, visitor, admin, mailServer: real },
    imapOf: (username, more = {}) => ({
      ...{ host: '127.0.0.1', port: dovecot.imapPort, secure: false, allowStarttls: false },
      ...{ authType: 'oauth2', username, password: undefined, folderFilters: [] },
      ...{ oauthAuthorizeUrl: login.authorizeUrl, oauthTokenUrl: login.tokenUrl, oauthScopes: SCOPES },
      ...{ oauthClientId: login.clientId, oauthClientSecret: login.clientSecret, oauthIssuer: login.issuer },
      ...more,
    }),
    depart: async (browser, body) => {
      const answer = await browser.send('POST', `${BASE}/initiate`, body);
      expect(answer).toMatchObject({ status: 200 });
      return { id: answer.json.authorizationId ?? '', authorizeUrl: answer.json.authorizeUrl ?? '' };
    },
    cameBack: async ({ authorizeUrl }, account) => {
      const back = await visitor.logIn(authorizeUrl, account);
      expect(back.origin).toBe(ORIGIN);
      return pathOf(back);
    },
    grantFor: async (account, imap = self.imapOf(account)) => {
      const departed = await self.depart(admin, { imap, returnTo: 'newMailbox' });
      const answer = await admin.arrive(await self.cameBack(departed, account));
      expect(answer).toMatchObject({
        status: 303,
        headers: { location: `/mailboxes/new?authorization=${departed.id}` },
      });
      return departed.id;
    },
    statusOf: (id) => admin.send('GET', `${BASE}/authorizations/${id}`),
    create: (id, imap, browser = admin) => {
      const { oauthClientSecret: _kept, ...rest } = imap;
      return browser.send('POST', '/api/email/providers', {
        providerName: 'Support',
        mailbox: newAddress(),
        imap: { ...rest, oauthAuthorizationId: id },
      });
    },
    connected: async (account) => {
      const imap = self.imapOf(account);
      return (await self.create(await self.grantFor(account, imap), imap)).json.id ?? '';
    },
  };
  return self;
}
