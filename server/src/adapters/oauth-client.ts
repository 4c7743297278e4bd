/** The login service of a mailbox. Its token endpoint is reached through the egress guard. */
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { GuardedFetch } from '@mailstream/shared/net/guarded-fetch';
import { newAuthorizationRequest } from '@mailstream/shared/oauth/authorization-request';
import { readIdToken } from '@mailstream/shared/oauth/id-token';
import { requestTokens } from '@mailstream/shared/oauth/token-endpoint';
import type { OAuthClient } from '../ports/oauth.ts';

export function createOAuthClient(options: {
  readonly fetch: GuardedFetch;
  readonly now: () => Date;
}): OAuthClient {
  return {
    async depart(settings, redirectUri) {
      const { url, ...kept } = await newAuthorizationRequest({
        authorizeUrl: settings.oauthAuthorizeUrl ?? '',
        clientId: settings.oauthClientId ?? '',
        scopes: settings.oauthScopes ?? '',
        redirectUri,
        // Into a shared mailbox nobody logs in by its own name.
        loginHint: settings.oauthSharedMailbox ? null : settings.username,
      });
      return { authorizeUrl: url, ...kept };
    },

    async exchange(settings, departure, code) {
      const clientId = settings.oauthClientId ?? '';
      const tokens = await requestTokens({
        fetch: options.fetch,
        now: options.now,
        application: {
          tokenUrl: settings.oauthTokenUrl ?? '',
          clientId,
          clientSecret: departure.clientSecret,
        },
        grant: {
          kind: 'authorization_code',
          code,
          codeVerifier: departure.codeVerifier,
          redirectUri: departure.redirectUri,
        },
      });
      if (tokens.idToken === null) return { tokens, addresses: null };
      const { nonce } = departure;
      const addresses = await readIdToken(tokens.idToken, { clientId, issuer: settings.oauthIssuer, nonce });
      if (addresses === null)
        throw new FaultError({
          kind: 'misconfigured',
          code: 'OAUTH_ISSUER_MISMATCH',
          detail: 'the ID token is for somebody else, from somebody else, or of another login',
        });
      return { tokens, addresses };
    },
  };
}
