/**
 * One exchange with an OAuth token endpoint (RFC 6749 sections 4.1.3, 4.4 and 6), through the egress guard.
 *
 * Errors of the OAuth library carry the endpoint's whole answer, tokens included, as their cause: they end here.
 * The client authenticates with its secret in the body, which every provider we know takes (RFC 6749 section 2.3.1), and
 * without a secret as a public client.
 */
import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import { FaultError } from '../errors/fault-error.ts';
import type { GuardedFetch } from '../net/guarded-fetch.ts';
import { HttpRefusedError } from '../net/http-refused-error.ts';
import { SecretValue } from '../secrets/secret-value.ts';
import { classifyTokenRefusal, parseRetryAfter, unavailable } from './token-faults.ts';

/** The application as the provider knows it, and where its tokens come from. */
export interface OAuthApplication {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: SecretValue | null;
}

export type TokenGrant =
  | { readonly kind: 'refresh_token'; readonly refreshToken: SecretValue }
  | { readonly kind: 'client_credentials'; readonly scopes: string }
  | {
      readonly kind: 'authorization_code';
      readonly code: SecretValue;
      /** Of RFC 7636. */
      readonly codeVerifier: SecretValue;
      readonly redirectUri: string;
    };

export interface IssuedTokens {
  readonly accessToken: SecretValue;
  /** The rotated one; null where the old one stays. */
  readonly refreshToken: SecretValue | null;
  /** Of the access token, milliseconds from when it was asked for. */
  readonly lifetimeMs: number;
  /** What was granted, where the provider says so. */
  readonly scope: string | null;
  /** Of OpenID Connect, as it came: see `id-token.ts`. */
  readonly idToken: SecretValue | null;
}

/** Providers may leave `expires_in` out (RFC 6749 section 5.1); Google's and Microsoft's tokens live about this long. */
const DEFAULT_LIFETIME_MS = 3_600_000;
const LONGEST_LIFETIME_MS = 86_400_000;

const errorSchema = z.object({
  error: z.string(),
  error_description: z.string().optional(),
  error_codes: z.array(z.number().int()).optional().catch(undefined),
});

/**
 * Touches the network, for at most 10 s.
 * @param now reads the wall clock, for a Retry-After that is a date
 * @throws FaultError OAUTH_REAUTHORIZE (auth), OAUTH_CLIENT_REJECTED (misconfigured), OAUTH_UNAVAILABLE (transient or
 *   throttled), EGRESS_FORBIDDEN (misconfigured)
 */
export async function requestTokens(options: {
  readonly fetch: GuardedFetch;
  readonly application: OAuthApplication;
  readonly grant: TokenGrant;
  readonly now: () => Date;
}): Promise<IssuedTokens> {
  const response = await send(options).catch((error: unknown) => {
    throw exchangeFault(error);
  });
  const body = jsonObject(await response.text());
  const refused = errorSchema.safeParse(body);
  // Some providers answer 200 with an error.
  if (response.status !== 200 || refused.success) {
    throw refusalFault(response, refused.success ? refused.data : null, options.now());
  }
  return await readTokens(body, options.application);
}

/** For oauth4webapi's `customFetch`: the guard checks the address, so plain http must be let through to it. */
export function guardedTransport(fetch: GuardedFetch): {
  readonly [oauth.customFetch]: (
    url: string,
    init: oauth.CustomFetchOptions<'POST', URLSearchParams>,
  ) => Promise<Response>;
  readonly [oauth.allowInsecureRequests]: true;
} {
  return {
    [oauth.customFetch]: (url, init) =>
      fetch(url, { method: 'POST', headers: init.headers, body: init.body.toString() }),
    // oxlint-disable-next-line typescript/no-deprecated -- marked so to make it stand out
    [oauth.allowInsecureRequests]: true,
  };
}

async function send(options: {
  readonly fetch: GuardedFetch;
  readonly application: OAuthApplication;
  readonly grant: TokenGrant;
}): Promise<Response> {
  const { application, grant } = options;
  const transport = guardedTransport(options.fetch);
  const [server, client] = parties(application);
  const secret = application.clientSecret;
  const authentication = secret === null ? oauth.None() : oauth.ClientSecretPost(secret.reveal());
  if (grant.kind === 'refresh_token') {
    // No scope: what was granted stays granted (RFC 6749 section 6), whatever the settings say by now.
    const token = grant.refreshToken.reveal();
    return await oauth.refreshTokenGrantRequest(server, client, authentication, token, transport);
  }
  if (grant.kind === 'authorization_code') {
    // The library takes the code only from an answer that it has checked; ours was checked by who kept the state.
    const answer = oauth.validateAuthResponse(
      server,
      client,
      new URLSearchParams({ code: grant.code.reveal() }),
      oauth.expectNoState,
    );
    return await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      answer,
      grant.redirectUri,
      grant.codeVerifier.reveal(),
      transport,
    );
  }
  const parameters = { scope: grant.scopes };
  return await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, transport);
}

function parties(application: OAuthApplication): [oauth.AuthorizationServer, oauth.Client] {
  // The library wants an issuer; it is used for ID tokens only, which are taken out below.
  return [
    { issuer: application.tokenUrl, token_endpoint: application.tokenUrl },
    { client_id: application.clientId },
  ];
}

async function readTokens(
  body: Record<string, unknown> | null,
  application: OAuthApplication,
): Promise<IssuedTokens> {
  const { id_token: idToken, ...rest } = body ?? {};
  const [server, client] = parties(application);
  const response = Response.json(rest);
  const tokens = await oauth.processRefreshTokenResponse(server, client, response).catch(() => {
    throw new FaultError(unavailable('the token endpoint answered 200 with something that is not a token'));
  });
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = tokens;
  if (tokens.token_type !== 'bearer') throw new FaultError(unavailable('the token is not a bearer token'));
  return {
    accessToken: new SecretValue(accessToken),
    refreshToken: refreshToken === undefined || refreshToken === '' ? null : new SecretValue(refreshToken),
    lifetimeMs: Math.min(seconds === undefined ? DEFAULT_LIFETIME_MS : seconds * 1_000, LONGEST_LIFETIME_MS),
    scope: tokens.scope ?? null,
    idToken: typeof idToken === 'string' && idToken !== '' ? new SecretValue(idToken) : null,
  };
}

function jsonObject(text: string): Record<string, unknown> | null {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function refusalFault(response: Response, body: z.infer<typeof errorSchema> | null, now: Date): FaultError {
  const fault = classifyTokenRefusal({
    status: response.status,
    error: body?.error ?? null,
    aadsts: body === null ? [] : aadstsCodes(body),
    retryAfterMs: parseRetryAfter(response.headers.get('retry-after'), now),
  });
  return new FaultError(fault);
}

function aadstsCodes(body: z.infer<typeof errorSchema>): readonly number[] {
  if (body.error_codes !== undefined) return body.error_codes;
  const found = body.error_description?.slice(0, 2_000).matchAll(/AADSTS(\d{4,9})/g) ?? [];
  return [...found].map((match) => Number(match[1]));
}

function exchangeFault(error: unknown): FaultError {
  if (error instanceof HttpRefusedError) {
    if (error.reason !== 'redirect')
      return new FaultError(unavailable(`the token endpoint failed: ${error.message}`));
    const detail = 'the token endpoint redirects: the token URL is not the right one';
    return new FaultError({ kind: 'misconfigured', code: 'OAUTH_CLIENT_REJECTED', detail });
  }
  if (error instanceof FaultError && error.fault.code === 'EGRESS_FORBIDDEN') return error;
  if (error instanceof FaultError) return new FaultError(unavailable(error.fault.detail));
  // The library refused to build the request.
  const detail = 'token URL, client id or client secret cannot be used';
  return new FaultError({ kind: 'misconfigured', code: 'OAUTH_CLIENT_REJECTED', detail });
}
