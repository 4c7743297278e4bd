/**
 * Who logged in, by the ID token of a code exchange (OpenID Connect Core, section 3.1.3.7). It came straight from the token
 * endpoint over TLS, so its signature need not be checked (same section, point 6); audience, issuer, nonce and times are.
 */
import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import type { SecretValue } from '../secrets/secret-value.ts';

const CLOCK_TOLERANCE_SECONDS = 120;

const headerSchema = z.object({ alg: z.string() });
const claimsSchema = z.object({
  iss: z.string(),
  tid: z.string().optional(),
  email: z.string().optional(),
  preferred_username: z.string().optional(),
  upn: z.string().optional(),
});

export interface IdTokenExpectation {
  readonly clientId: string;
  /** May hold `{tenantid}`, which the token's own `tid` fills in (Microsoft); null where it is not known. */
  readonly issuer: string | null;
  readonly nonce: string;
}

/** @returns the addresses that the account calls its own, lower case; null for a token that must not be believed. */
export async function readIdToken(
  idToken: SecretValue,
  expected: IdTokenExpectation,
): Promise<readonly string[] | null> {
  const [header, payload] = idToken.reveal().split('.').slice(0, 2).map(decoded);
  const alg = headerSchema.safeParse(header);
  const claims = claimsSchema.safeParse(payload);
  if (!alg.success || !claims.success) return null;
  const issuer = (expected.issuer ?? claims.data.iss).replace('{tenantid}', claims.data.tid ?? '');
  const answer = { access_token: 'x', token_type: 'bearer', id_token: idToken.reveal() };
  try {
    await oauth.processAuthorizationCodeResponse(
      { issuer },
      {
        client_id: expected.clientId,
        id_token_signed_response_alg: alg.data.alg,
        [oauth.clockTolerance]: CLOCK_TOLERANCE_SECONDS,
      },
      Response.json(answer),
      { expectedNonce: expected.nonce },
    );
  } catch {
    // The library's error quotes the token.
    return null;
  }
  const { email, preferred_username: preferred, upn } = claims.data;
  return [
    ...new Set(
      [email, preferred, upn].flatMap((name) => (name?.includes('@') === true ? [name.toLowerCase()] : [])),
    ),
  ];
}

function decoded(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
