/**
 * What a token endpoint's refusal means. One table; adapters and runners never look at OAuth errors themselves.
 * Details hold error codes and the status only: descriptions quote user names and addresses.
 */
import type { Fault } from '../domain/fault.ts';

export interface TokenRefusal {
  /** HTTP status. */
  readonly status: number;
  /** `error` of RFC 6749 section 5.2; null where the body is no OAuth error. */
  readonly error: string | null;
  /** Numbers of Microsoft's AADSTS codes. */
  readonly aadsts: readonly number[];
  /** From Retry-After, milliseconds; null without. */
  readonly retryAfterMs: number | null;
}

/** 429 without Retry-After. */
const THROTTLE_DEFAULT_MS = 60_000;
/** A provider that asks for a day gets an hour: a clock that is wrong on one side must not stop a mailbox for long. */
const THROTTLE_CAP_MS = 3_600_000;

/** The user, or their administrator, must do something in a browser. */
const REAUTHORIZE = new Set([
  'invalid_grant',
  'interaction_required',
  'consent_required',
  'login_required',
  'access_denied',
]);
/**
 * Second factor wanted (50076, 50079, 50078, 50158), no consent (65001), inactive or expired (700082, 70008), revoked
 * (50173), single-page token over a day old (700084). Some come under an `error` that says something else.
 */
const REAUTHORIZE_AADSTS = new Set([50076, 50078, 50079, 50158, 50173, 65001, 70008, 700082, 700084]);

const TEMPORARY = new Set(['temporarily_unavailable', 'server_error']);
const THROTTLED = new Set(['slow_down', 'rate_limit_exceeded']);
/** Without an OAuth error in the body these come from proxies and firewalls, not from the provider's answer. */
const TEMPORARY_STATUS = new Set([403, 408, 425]);

export function classifyTokenRefusal(refusal: TokenRefusal): Fault {
  const detail = describe(refusal);
  const { status, error, retryAfterMs } = refusal;
  if (status === 429 || (error !== null && THROTTLED.has(error))) {
    return unavailable(detail, retryAfterMs ?? THROTTLE_DEFAULT_MS);
  }
  if (status >= 500 || (error !== null && TEMPORARY.has(error))) return unavailable(detail, retryAfterMs);
  const wantsUser = refusal.aadsts.some((code) => REAUTHORIZE_AADSTS.has(code));
  if (wantsUser || (error !== null && REAUTHORIZE.has(error))) {
    return { kind: 'auth', code: 'OAUTH_REAUTHORIZE', detail };
  }
  if (error === null && TEMPORARY_STATUS.has(status)) return unavailable(detail, retryAfterMs);
  // invalid_client, unauthorized_client, invalid_scope, a wrong URL: no user of the application can mend these.
  return { kind: 'misconfigured', code: 'OAUTH_CLIENT_REJECTED', detail };
}

/** @param retryAfterMs not before; null when the provider did not say */
export function unavailable(detail: string, retryAfterMs: number | null = null): Fault {
  if (retryAfterMs === null) return { kind: 'transient', code: 'OAUTH_UNAVAILABLE', detail };
  const bounded = Math.min(retryAfterMs, THROTTLE_CAP_MS);
  return { kind: 'throttled', code: 'OAUTH_UNAVAILABLE', detail, retryAfterMs: bounded };
}

/** Retry-After is seconds or a date (RFC 9110 section 10.2.3). Null for anything else, and for a date that has passed. */
export function parseRetryAfter(header: string | null, now: Date): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) || at <= now.getTime() ? null : at - now.getTime();
}

function describe({ status, error, aadsts }: TokenRefusal): string {
  // The word comes from the network: only what looks like a code goes on.
  const word = error !== null && /^[a-z][a-z0-9_.-]{0,59}$/i.test(error) ? ` ${error}` : '';
  const codes = aadsts.slice(0, 3).map((code) => ` AADSTS${code}`);
  return `the token endpoint answered ${status}${word}${codes.join('')}`;
}
