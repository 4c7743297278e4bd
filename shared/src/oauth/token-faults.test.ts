import { describe, expect, it } from 'vitest';
import { classifyTokenRefusal, parseRetryAfter, type TokenRefusal } from './token-faults.ts';

function refusal(status: number, error: string | null, more: Partial<TokenRefusal> = {}): TokenRefusal {
  return { status, error, aadsts: [], retryAfterMs: null, ...more };
}

describe('classifyTokenRefusal', () => {
  it('sends the user back to the provider when the grant is gone or a person is wanted', () => {
    for (const error of ['invalid_grant', 'interaction_required', 'consent_required', 'login_required']) {
      expect(classifyTokenRefusal(refusal(400, error))).toMatchObject({
        kind: 'auth',
        code: 'OAUTH_REAUTHORIZE',
      });
    }
    for (const aadsts of [50076, 50079, 65001, 700082, 70008, 50173, 700084]) {
      expect(classifyTokenRefusal(refusal(400, 'invalid_request', { aadsts: [aadsts] })).code).toBe(
        'OAUTH_REAUTHORIZE',
      );
    }
  });

  it('blames the application for what no user can mend', () => {
    for (const error of [
      'invalid_client',
      'unauthorized_client',
      'invalid_scope',
      'unsupported_grant_type',
      'odd',
    ]) {
      expect(classifyTokenRefusal(refusal(400, error))).toMatchObject({
        kind: 'misconfigured',
        code: 'OAUTH_CLIENT_REJECTED',
      });
    }
    for (const status of [400, 401, 404, 405, 410]) {
      expect(classifyTokenRefusal(refusal(status, null)).code).toBe('OAUTH_CLIENT_REJECTED');
    }
  });

  it('tries again after trouble of the provider or on the way', () => {
    for (const one of [
      refusal(500, null),
      refusal(503, 'server_error'),
      refusal(400, 'temporarily_unavailable'),
    ]) {
      expect(classifyTokenRefusal(one)).toMatchObject({ kind: 'transient', code: 'OAUTH_UNAVAILABLE' });
    }
    for (const status of [403, 408, 425]) {
      expect(classifyTokenRefusal(refusal(status, null)).kind).toBe('transient');
    }
    // Trouble comes first: a provider in trouble may call a good grant invalid.
    expect(classifyTokenRefusal(refusal(500, 'invalid_grant')).kind).toBe('transient');
  });

  it('obeys Retry-After up to an hour, and has a pause of its own for 429', () => {
    expect(classifyTokenRefusal(refusal(429, null, { retryAfterMs: 7_000 }))).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 7_000,
    });
    expect(classifyTokenRefusal(refusal(503, null, { retryAfterMs: 9e9 }))).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 3_600_000,
    });
    expect(classifyTokenRefusal(refusal(429, 'slow_down'))).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 60_000,
    });
  });

  it('repeats no free text of the provider', () => {
    const one = classifyTokenRefusal(
      refusal(400, 'invalid_grant for user@example.com', { aadsts: [1, 2, 3, 4] }),
    );
    expect(one.detail).toBe('the token endpoint answered 400 AADSTS1 AADSTS2 AADSTS3');
  });
});

describe('parseRetryAfter', () => {
  const now = new Date('2026-01-01T00:00:00Z');

  it('reads seconds and dates', () => {
    expect(parseRetryAfter('120', now)).toBe(120_000);
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
  });

  it('ignores the rest', () => {
    for (const header of [null, '', 'soon', '-1', '1.5e9x', 'Wed, 31 Dec 2025 00:00:00 GMT']) {
      expect(parseRetryAfter(header, now)).toBeNull();
    }
  });
});
