import { describe, expect, it } from 'vitest';
import { isExpectedIssuer, matchAccount, missingScopes } from './oauth-grant.ts';

const MICROSOFT = 'https://login.microsoftonline.com/{tenantid}/v2.0';

describe('the issuer of an answer', () => {
  it.each([
    ['https://accounts.google.com', 'https://accounts.google.com', true],
    ['https://accounts.google.com/', 'https://accounts.google.com', false],
    ['https://evil.example', 'https://accounts.google.com', false],
    ['https://login.microsoftonline.com/d1-2/v2.0', MICROSOFT, true],
    ['https://login.microsoftonline.com//v2.0', MICROSOFT, false],
    ['https://login.microsoftonline.com/a/b/v2.0', MICROSOFT, false],
    ['https://login.microsoftonline.com/v2.0', MICROSOFT, false],
    ['https://evil.example/d1/v2.0', MICROSOFT, false],
  ])('%s fits %s: %s', (iss, issuer, fits) => {
    expect(isExpectedIssuer(iss, issuer, 'https://ignored.example/authorize')).toBe(fits);
  });

  it('that nobody configured has to be where the browser was sent', () => {
    const authorizeUrl = 'https://login.example.com/authorize?x=1';
    expect(isExpectedIssuer('https://login.example.com/realms/a', null, authorizeUrl)).toBe(true);
    expect(isExpectedIssuer('https://login.example.com.evil.example', null, authorizeUrl)).toBe(false);
    expect(isExpectedIssuer('http://login.example.com', null, authorizeUrl)).toBe(false);
    expect(isExpectedIssuer('nonsense', null, authorizeUrl)).toBe(false);
  });
});

describe('scopes', () => {
  it('are enough when what opens the mailbox was given', () => {
    const asked = 'https://mail.google.com/ openid email';
    expect(missingScopes(asked, null)).toEqual([]);
    expect(
      missingScopes(asked, 'HTTPS://MAIL.GOOGLE.COM/ https://www.googleapis.com/auth/userinfo.email'),
    ).toEqual([]);
    expect(missingScopes(asked, 'openid email')).toEqual(['https://mail.google.com/']);
    expect(missingScopes(asked, '')).toEqual(['https://mail.google.com/']);
  });
});

describe('the account', () => {
  const mailbox = { username: 'Support@example.com', isShared: false };
  it('is the one of the mailbox, another one, or to be asked of the mail server', () => {
    expect(matchAccount(['jo@example.com', 'support@example.com'], mailbox)).toBe('same');
    expect(matchAccount(['jo@example.com'], mailbox)).toBe('other');
    expect(matchAccount(['jo@example.com'], { ...mailbox, isShared: true })).toBe('unknown');
    expect(matchAccount([], mailbox)).toBe('unknown');
    expect(matchAccount(null, mailbox)).toBe('unknown');
  });
});
