/**
 * What an answer of Vault means. One table; nobody else looks at its status codes. Details hold the status and the path alone: what
 * Vault says is not ours to repeat.
 */
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { HttpRefusedError } from '@mailstream/shared/net/http-refused-error';

export interface VaultAnswer {
  readonly status: number;
  /** JSON, or null for an empty body. */
  readonly body: unknown;
  /** From Retry-After, milliseconds; null without. */
  readonly retryAfterMs: number | null;
}

const THROTTLED_DEFAULT_MS = 5_000;

export function unavailable(detail: string, cause?: unknown): FaultError {
  return new FaultError({ kind: 'transient', code: 'VAULT_UNAVAILABLE', detail }, cause);
}

export function denied(detail: string): FaultError {
  return new FaultError({ kind: 'misconfigured', code: 'VAULT_DENIED', detail });
}

export function refused(detail: string): FaultError {
  return new FaultError({ kind: 'misconfigured', code: 'VAULT_REFUSED', detail });
}

export function conflict(path: string): FaultError {
  const detail = `the version of ${path} was not the one that was read`;
  return new FaultError({ kind: 'transient', code: 'VAULT_CONFLICT', detail });
}

export function secretMissing(path: string): FaultError {
  const detail = `the version of ${path} that the database names is not there`;
  return new FaultError({ kind: 'misconfigured', code: 'VAULT_SECRET_MISSING', detail });
}

/** Of an answer that is no success. @param what e.g. `GET secret/data/…`; no secret is ever in a path */
export function faultOf(what: string, { status, body, retryAfterMs }: VaultAnswer): FaultError {
  const detail = `${what} was answered with ${status}`;
  if (status === 503 && isSealed(body))
    return new FaultError({ kind: 'transient', code: 'VAULT_SEALED', detail });
  if (status === 429)
    return new FaultError({
      ...{ kind: 'throttled', code: 'VAULT_UNAVAILABLE', detail },
      retryAfterMs: retryAfterMs ?? THROTTLED_DEFAULT_MS,
    });
  if (status === 403 || status === 401) return denied(detail);
  // 412: a standby that has not yet seen what we wrote; 472, 473: a standby that answers nothing else.
  if (status >= 500 || status === 412 || status === 472 || status === 473) return unavailable(detail);
  return refused(detail);
}

/** Of an exchange that came to no answer. */
export function faultOfExchange(what: string, error: unknown): FaultError {
  if (error instanceof FaultError) {
    const { code, detail } = error.fault;
    // The guard speaks of mail servers.
    if (code === 'IMAP_DNS_NOT_FOUND')
      return unavailable('the name in VAULT_ADDR could not be resolved', error);
    return code === 'EGRESS_FORBIDDEN'
      ? refused(`VAULT_ADDR leads outside VAULT_ALLOW_CIDRS and public addresses: ${detail}`)
      : error;
  }
  if (!(error instanceof HttpRefusedError)) return unavailable(`${what} failed`, error);
  if (error.reason === 'redirect')
    return refused(
      `${what} was redirected: VAULT_ADDR must be the active node, or one that forwards requests`,
    );
  if (error.reason === 'too_large' || error.reason === 'encoding')
    return refused(`${what}: ${error.message}`);
  return unavailable(`${what}: ${error.message}`, error);
}

/** Nothing is there. A mount that is not there answers with 404 as well, and says so. */
export function isAbsent({ status, body }: VaultAnswer): boolean {
  return status === 404 && errorsOf(body).length === 0;
}

/** Worth another try at once: it passes within moments, if at all. */
export function passesSoon({ status, body }: VaultAnswer): boolean {
  return (status >= 500 && !isSealed(body) && status !== 501) || status === 412;
}

/** A write that named another version than the newest one. */
export function isConflict({ status, body }: VaultAnswer): boolean {
  return status === 400 && errorsOf(body).some((text) => text.includes('check-and-set'));
}

function isSealed(body: unknown): boolean {
  return errorsOf(body).some((text) => /\bsealed\b/i.test(text));
}

function errorsOf(body: unknown): readonly string[] {
  const { errors } = (body ?? {}) as { readonly errors?: unknown };
  return Array.isArray(errors) ? errors.map(String) : [];
}
