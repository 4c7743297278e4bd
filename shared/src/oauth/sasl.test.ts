import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OAUTH_ERROR_REPLY, oauthBearerResponse, xoauth2Response } from './sasl.ts';

describe('SASL with OAuth', () => {
  it('writes XOAUTH2 as Google documents it', () => {
    const text = xoauth2Response({
      username: 'someuser@example.com',
      token: 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg',
    });
    expect(Buffer.from(text).toString('base64')).toBe(
      'dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==',
    );
  });

  it('writes OAUTHBEARER as RFC 7628 section 4.1 does', () => {
    const text = oauthBearerResponse({
      username: 'user@example.com',
      host: 'server.example.com',
      port: 143,
      token: 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==',
    });
    expect(Buffer.from(text).toString('base64')).toBe(
      'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB',
    );
  });

  it('escapes comma and equals sign of a user name in OAUTHBEARER', () => {
    const text = oauthBearerResponse({ username: 'a=b,c', host: 'h', port: 993, token: 't' });
    expect(text.startsWith('n,a=a=3Db=2Cc,\u0001host=h\u0001')).toBe(true);
  });

  it('lets no user name or token add a field', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('\u0001', '\0', '\r', '\n'), (text, bad) => {
        const credentials = { username: `${text}${bad}`, token: 't', host: 'h', port: 993 };
        expect(() => xoauth2Response(credentials)).toThrow(TypeError);
        expect(() => oauthBearerResponse(credentials)).toThrow(TypeError);
        expect(() => xoauth2Response({ username: 'u', token: `t${bad}` })).toThrow(
          'access token is not a bearer token',
        );
      }),
    );
  });

  it('answers the error challenge with one 0x01', () => {
    expect(Buffer.from(OAUTH_ERROR_REPLY, 'base64')).toEqual(Buffer.from([1]));
  });
});
