import { describe, expect, it } from 'vitest';
import { SecretValue } from '../secrets/secret-value.ts';
import { readIdToken } from './id-token.ts';

const now = Math.floor(Date.now() / 1000);
const GOOD = {
  iss: 'https://login.example.com',
  aud: 'client-1',
  sub: '1',
  iat: now,
  exp: now + 3600,
  nonce: 'n',
  email: 'Support@Example.com',
  preferred_username: 'support@contoso.onmicrosoft.com',
};

function token(claims: Record<string, unknown>, header: unknown = { alg: 'RS256', typ: 'JWT' }): SecretValue {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return new SecretValue(`${part(header)}.${part(claims)}.c2lnbmF0dXJl`);
}

const expected = { clientId: 'client-1', issuer: 'https://login.example.com', nonce: 'n' };

describe('an ID token', () => {
  it('tells the addresses of the account, once each and in lower case', async () => {
    expect(await readIdToken(token({ ...GOOD, upn: 'SUPPORT@example.com' }), expected)).toEqual([
      'support@example.com',
      'support@contoso.onmicrosoft.com',
    ]);
    const bare = { ...GOOD, email: undefined, preferred_username: 'no address' };
    expect(await readIdToken(token(bare), expected)).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['of another application', { aud: 'client-2' }],
    ['of another issuer', { iss: 'https://evil.example' }],
    ['for another login', { nonce: 'other' }],
    ['without a nonce', { nonce: undefined }],
    ['that has expired', { exp: now - 3600 }],
    ['without an end', { exp: undefined }],
  ])('%s is not believed', async (_what, claims) => {
    expect(await readIdToken(token({ ...GOOD, ...claims }), expected)).toBeNull();
  });

  it.each(['', 'x', 'x.y', 'x.y.z', `${Buffer.from('null').toString('base64url')}.e30.x`])(
    'that is none is not believed (%s)',
    async (text) => {
      expect(await readIdToken(new SecretValue(text), expected)).toBeNull();
    },
  );

  it('may name its own directory where the issuer leaves room for one, and nothing else there', async () => {
    const issuer = 'https://login.microsoftonline.com/{tenantid}/v2.0';
    const claims = { ...GOOD, tid: 'd1', iss: 'https://login.microsoftonline.com/d1/v2.0' };
    expect(await readIdToken(token(claims), { ...expected, issuer })).toHaveLength(2);
    expect(await readIdToken(token({ ...claims, tid: 'd2' }), { ...expected, issuer })).toBeNull();
    expect(await readIdToken(token({ ...claims, tid: undefined }), { ...expected, issuer })).toBeNull();
  });

  it('of an issuer that nobody configured is checked for everything else', async () => {
    expect(await readIdToken(token(GOOD), { ...expected, issuer: null })).toHaveLength(2);
    expect(await readIdToken(token({ ...GOOD, nonce: 'x' }), { ...expected, issuer: null })).toBeNull();
  });
});
