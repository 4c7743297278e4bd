/** The address that a browser is sent to for a login: authorization code with PKCE (RFC 6749 section 4.1.1, RFC 7636). */
import * as oauth from 'oauth4webapi';
import { SecretValue } from '../secrets/secret-value.ts';

export interface AuthorizationRequest {
  readonly url: string;
  /** 256 random bits that come back with the answer; only its hash should be kept. */
  readonly state: string;
  readonly codeVerifier: SecretValue;
  /** Comes back in the ID token. */
  readonly nonce: string;
}

export interface AuthorizationRequestOptions {
  readonly authorizeUrl: string;
  readonly clientId: string;
  /** Separated by blanks. */
  readonly scopes: string;
  readonly redirectUri: string;
  /** The address that the login form should be filled in with; null leaves it empty. */
  readonly loginHint: string | null;
}

/** Google gives a refresh token only for these two, and with `consent` each time (its own parameters). */
const GOOGLE_HOST = 'accounts.google.com';
/** Microsoft asks for consent by itself; being asked for an account keeps people from logging in with the wrong one. */
const MICROSOFT_HOST = 'login.microsoftonline.com';

export async function newAuthorizationRequest(
  options: AuthorizationRequestOptions,
): Promise<AuthorizationRequest> {
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const codeVerifier = oauth.generateRandomCodeVerifier();
  const url = new URL(options.authorizeUrl);
  const parameters = {
    response_type: 'code',
    client_id: options.clientId,
    redirect_uri: options.redirectUri,
    scope: options.scopes,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    // Providers without OpenID Connect may refuse what they do not know.
    ...(options.scopes.split(/\s+/).includes('openid') ? { nonce } : {}),
    ...(options.loginHint === null ? {} : { login_hint: options.loginHint }),
    ...(url.hostname === GOOGLE_HOST ? { access_type: 'offline' } : {}),
    prompt: url.hostname === MICROSOFT_HOST ? 'select_account' : 'consent',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, state, codeVerifier: new SecretValue(codeVerifier), nonce };
}
