import { describe, expect, it } from 'vitest';
import { isOneLoginService } from './login-services.ts';
import { MAIL_PRESETS } from './mail-presets.ts';

describe('the addresses of a login service', () => {
  it.each<[boolean, string | null, string | null]>([
    [true, 'https://accounts.google.com/o/oauth2/v2/auth', 'https://oauth2.googleapis.com/token'],
    [true, 'https://login.example.com/authorize', 'https://tokens.example.net/token'],
    [true, 'https://login.microsoftonline.com/a/authorize', null],
    [true, null, 'https://login.microsoftonline.com/a/token'],
    [false, 'https://accounts.google.com/o/oauth2/v2/auth', 'https://evil.example/token'],
    [false, 'https://ACCOUNTS.google.com./o/oauth2/v2/auth', 'https://evil.example/token'],
    [false, 'https://accounts.google.com/', 'https://oauth2.googleapis.com.evil.example/token'],
    [false, 'https://login.microsoftonline.com/a/authorize', 'https://oauth2.googleapis.com/token'],
    [false, 'https://evil.example/authorize', 'https://login.microsoftonline.com/a/token'],
  ])('belong together: %s (%s, %s)', (fits, authorizeUrl, tokenUrl) => {
    expect(isOneLoginService(authorizeUrl, tokenUrl)).toBe(fits);
  });

  it('do so in every preset', () => {
    const presets = MAIL_PRESETS.flatMap(({ oauth }) => (oauth === null ? [] : [oauth]));
    expect(presets.length).toBeGreaterThan(2);
    for (const { authorizeUrl, tokenUrl } of presets)
      expect(isOneLoginService(authorizeUrl, tokenUrl)).toBe(true);
  });
});
