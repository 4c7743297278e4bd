import { randomUUID } from 'node:crypto';

/** A body that creates a mailbox; every call names another mailbox. */
export function providerBody(imap: Record<string, unknown> = {}, more: Record<string, unknown> = {}) {
  const mailbox = `support-${randomUUID().slice(0, 8)}@example.com`;
  return {
    providerType: 'imap',
    providerName: 'Support',
    mailbox,
    isActive: true,
    imap: {
      host: 'imap.example.com',
      port: 993,
      secure: true,
      allowStarttls: false,
      authType: 'password',
      username: mailbox,
      password: 'first-password',
      folderFilters: ['INBOX', 'Support/Kunden'],
      ...imap,
    },
    ...more,
  };
}

export function oauthImap(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    authType: 'oauth2',
    password: undefined,
    oauthAuthorizeUrl: 'https://login.example.com/authorize',
    oauthTokenUrl: 'https://login.example.com/token',
    oauthClientId: 'client-1',
    oauthClientSecret: 'first-client-secret',
    oauthRefreshToken: 'first-refresh-token',
    oauthScopes: 'imap offline_access',
    ...more,
  };
}
