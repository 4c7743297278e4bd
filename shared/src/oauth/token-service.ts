/**
 * Access tokens of OAuth providers: from the database while they last, else refreshed, once, by one process at a time.
 *
 *   accessToken ─► stored one lasts? ─yes─► it
 *                       │ no, or refused by the IMAP server
 *                  one flight per provider and process ─► gate ─► lock of the provider ─► look again
 *                                                                        │
 *                       commit ◄─ store both tokens ◄─ token endpoint ◄──┘
 *                          └─► the new token is handed out
 *
 * What must always hold:
 * - A rotated refresh token is committed before the access token that came with it is used. Until then the old one stays.
 * - A rotated refresh token that could not be committed is kept in memory and stored by the next call, without asking
 *   again: a provider that rotates may take the second use of the old one for theft and end the grant.
 * - After `invalid_grant` the refresh token is read again: when it changed meanwhile (a person reconnected), the new one is
 *   tried, once.
 */
import type { Knex } from 'knex';
import type { Database } from '../db/database.ts';
import { sqlState } from '../db/database-faults.ts';
import type { Clock } from '../domain/time.ts';
import { FaultError } from '../errors/fault-error.ts';
import type { EgressGuard } from '../net/egress-guard.ts';
import type { Logger } from '../runtime/logger.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import type { SecretValue } from '../secrets/secret-value.ts';
import { createRefreshGate } from './refresh-gate.ts';
import { createRefusalMemory, isSame } from './refusal-memory.ts';
import { type IssuedTokens, requestTokens, type TokenGrant } from './token-endpoint.ts';
import { unavailable } from './token-faults.ts';
import {
  loadOAuthSettings,
  lockTokens,
  type ProviderKey,
  readAccessToken,
  readClientSecret,
  readRefreshToken,
  type StoredAccessToken,
  storeTokens,
} from './token-store.ts';

export interface TokenService {
  /**
   * May touch the network, and wait for another process that refreshes: at most about 30 s.
   * @param options.forceRefresh after the IMAP server refused the stored token: asks for another one, unless that token is
   *   younger than 30 s. Then somebody else has just done so, or a new one would be refused as well.
   * @throws FaultError OAUTH_REAUTHORIZE or IMAP_CREDENTIALS_MISSING (auth), OAUTH_CLIENT_REJECTED, EGRESS_FORBIDDEN or
   *   SECRET_UNREADABLE (misconfigured), OAUTH_UNAVAILABLE (transient, throttled), DATABASE_UNAVAILABLE (transient)
   */
  accessToken(provider: ProviderKey, options?: { readonly forceRefresh?: boolean }): Promise<SecretValue>;
  /** Resolves when no refresh is under way. Wait for it before closing the database: a rotated token may be in flight. */
  idle(): Promise<void>;
}

export interface TokenServiceOptions {
  readonly database: Pick<Database, 'withTenant'>;
  readonly secrets: SecretStore;
  readonly guard: Pick<EgressGuard, 'fetch'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Refreshes at once; each holds a database connection. 4 unless given: less than the pool. */
  readonly maxRefreshes?: number;
  /** Told of each refresh that was tried: `refreshed`, or the code of what went wrong. */
  readonly onRefresh?: (result: string) => void;
}

/** A token is replaced when less than this, or a fifth of its life, remains: it must outlast a login and its retries. */
const SPARE_MS = 300_000;
const SPARE_SHARE = 0.2;
/** A forced refresh does not replace a younger token. */
const FORCED_MIN_AGE_MS = 30_000;
/** With less left the stored token is not worth a login, even when no other can be had. */
const LAST_USE_MS = 30_000;
const MAX_REFRESHES = 4;
const MAX_REFRESHES_PER_TENANT = 2;

interface Issued {
  /** The refresh token they were asked for with. */
  readonly replaces: SecretValue | null;
  readonly tokens: IssuedTokens;
  readonly askedAtMs: number;
}

export function createTokenService(options: TokenServiceOptions): TokenService {
  const { database, secrets, guard, clock, log } = options;
  const gate = createRefreshGate({
    total: options.maxRefreshes ?? MAX_REFRESHES,
    perTenant: Math.min(options.maxRefreshes ?? MAX_REFRESHES, MAX_REFRESHES_PER_TENANT),
  });
  const flights = new Map<string, Promise<SecretValue>>();
  /** Issued and not yet known to be committed. */
  const uncommitted = new Map<string, Issued>();
  const refusals = createRefusalMemory(options.clock);

  async function obtain(key: ProviderKey, isForced: boolean): Promise<SecretValue> {
    const isSaved = !uncommitted.has(nameOf(key));
    const stored = isForced
      ? null
      : await database.withTenant(key.tenant, (trx) => readAccessToken(trx, secrets, key));
    if (isSaved && stored !== null && lasts(stored)) return stored.token;
    const askedMs = clock.monotonicMs();
    try {
      return await gate.run(key.tenant, () => refresh(key, isForced));
    } catch (error) {
      const leftMs = (stored?.remainingMs ?? 0) - (clock.monotonicMs() - askedMs);
      if (stored === null || leftMs < LAST_USE_MS || !isUnavailable(error)) throw error;
      return stored.token;
    }
  }

  async function refresh(key: ProviderKey, isForced: boolean): Promise<SecretValue> {
    const fields = { tenantId: key.tenant, providerId: key.id };
    const startedMs = clock.monotonicMs();
    try {
      const token = await refreshTwice(key, isForced);
      options.onRefresh?.('refreshed');
      log.info('OAuth access token refreshed', { ...fields, durationMs: clock.monotonicMs() - startedMs });
      return token;
    } catch (error) {
      const failure = sqlState(error) === LOCK_NOT_AVAILABLE ? lockFault() : error;
      const fault = failure instanceof FaultError ? failure.fault : undefined;
      const { code, detail } = fault ?? {};
      options.onRefresh?.(code ?? 'INTERNAL');
      log.warn('OAuth access token not refreshed', { ...fields, code, detail, error: failure });
      throw failure;
    }
  }

  /** When a commit failed with rotated tokens in hand, they get a second chance at once; later ones come with later calls. */
  async function refreshTwice(key: ProviderKey, isForced: boolean): Promise<SecretValue> {
    try {
      return await refreshOnce(key, isForced);
    } catch (error) {
      if (!uncommitted.has(nameOf(key))) throw error;
      return await refreshOnce(key, isForced);
    }
  }

  async function refreshOnce(key: ProviderKey, isForced: boolean): Promise<SecretValue> {
    const token = await database.withTenant(key.tenant, async (trx) => {
      await lockTokens(trx, key);
      const held = heldFor(key, await readRefreshToken(trx, secrets, key));
      if (held !== null) return await keep(trx, key, held);
      const stored = await readAccessToken(trx, secrets, key);
      if (stored !== null && (isForced ? stored.ageMs < FORCED_MIN_AGE_MS : lasts(stored)))
        return stored.token;
      return await exchange(trx, key, false);
    });
    uncommitted.delete(nameOf(key));
    return token;
  }

  async function exchange(trx: Knex.Transaction, key: ProviderKey, isSecond: boolean): Promise<SecretValue> {
    const settings = await loadOAuthSettings(trx, key);
    if (settings === null) throw missing('the provider does not use OAuth any more');
    const refreshToken = await readRefreshToken(trx, secrets, key);
    const grant = grantOf(refreshToken, settings.scopes);
    refusals.check(nameOf(key), refreshToken);
    const application = { ...settings, clientSecret: await readClientSecret(trx, secrets, key) };
    const askedAtMs = clock.monotonicMs();
    try {
      const tokens = await requestTokens({ fetch: guard.fetch, application, grant, now: () => clock.now() });
      const issued = { replaces: refreshToken, tokens, askedAtMs };
      if (tokens.refreshToken !== null) uncommitted.set(nameOf(key), issued);
      return await keep(trx, key, issued);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      if (!isSecond && error.fault.code === 'OAUTH_REAUTHORIZE') {
        const current = await readRefreshToken(trx, secrets, key);
        if (current !== null && !isSame(current, refreshToken)) return await exchange(trx, key, true);
      }
      refusals.remember(nameOf(key), refreshToken, error.fault);
      throw error;
    }
  }

  async function keep(trx: Knex.Transaction, key: ProviderKey, issued: Issued): Promise<SecretValue> {
    const ageMs = clock.monotonicMs() - issued.askedAtMs;
    await storeTokens(trx, secrets, { key, tokens: issued.tokens, ageMs });
    return issued.tokens.accessToken;
  }

  function heldFor(key: ProviderKey, refreshToken: SecretValue | null): Issued | null {
    const held = uncommitted.get(nameOf(key));
    if (held === undefined) return null;
    if (isSame(held.replaces, refreshToken)) return held;
    // The commit did happen, or a person reconnected: what is stored is newer.
    uncommitted.delete(nameOf(key));
    return null;
  }

  return {
    accessToken({ tenant, id }, { forceRefresh = false } = {}) {
      const key: ProviderKey = { tenant, id };
      const name = `${nameOf(key)} ${forceRefresh}`;
      const running = flights.get(name);
      if (running !== undefined) return running;
      const flight = obtain(key, forceRefresh).finally(() => flights.delete(name));
      flights.set(name, flight);
      return flight;
    },
    async idle() {
      while (flights.size > 0) await Promise.allSettled(flights.values());
    },
  };
}

/** SQLSTATE after `lock_timeout`. */
const LOCK_NOT_AVAILABLE = '55P03';

function nameOf(key: ProviderKey): string {
  return `${key.tenant} ${key.id}`;
}

function lasts(stored: StoredAccessToken): boolean {
  return stored.remainingMs > Math.min(SPARE_MS, stored.lifetimeMs * SPARE_SHARE);
}

/** Microsoft's form of "every permission granted to the application itself" asks for tokens without a user. */
function grantOf(refreshToken: SecretValue | null, scopes: string): TokenGrant {
  if (refreshToken !== null) return { kind: 'refresh_token', refreshToken };
  if (scopes.split(/\s+/).some((scope) => scope.endsWith('/.default')))
    return { kind: 'client_credentials', scopes };
  throw missing('no refresh token is stored');
}

function missing(detail: string): FaultError {
  return new FaultError({ kind: 'auth', code: 'IMAP_CREDENTIALS_MISSING', detail });
}

function isUnavailable(error: unknown): boolean {
  return error instanceof FaultError && error.fault.code === 'OAUTH_UNAVAILABLE';
}

function lockFault(): FaultError {
  return new FaultError(unavailable('another process refreshes this token and takes too long'));
}
