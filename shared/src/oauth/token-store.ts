/**
 * The tokens of one provider in the database. All functions are parts of a transaction of its tenant.
 *
 * Time is the database's: a process whose clock is wrong neither refreshes at each use nor uses what has expired.
 */
import type { Knex } from 'knex';
import { loadImapProvider } from '../db/provider-repository.ts';
import type { ProviderId, TenantId } from '../domain/ids.ts';
import type { ImapAuth } from '../domain/provider.ts';
import type { SecretName, SecretRef, SecretStore } from '../secrets/secret-store.ts';
import type { SecretValue } from '../secrets/secret-value.ts';
import type { IssuedTokens } from './token-endpoint.ts';

export interface ProviderKey {
  readonly tenant: TenantId;
  readonly id: ProviderId;
}

export interface StoredAccessToken {
  readonly token: SecretValue;
  /** Milliseconds; negative when expired. */
  readonly remainingMs: number;
  readonly lifetimeMs: number;
  /** Milliseconds since it was stored. */
  readonly ageMs: number;
}

/** Longest wait for another process that refreshes the same provider; its request ends after 10 s. */
const LOCK_TIMEOUT_MS = 20_000;

/**
 * Waits until no other process refreshes this provider, and keeps them out until the transaction ends, however it ends.
 * An advisory lock: a lock on the config row would hold up the renewal of all leases, which is one statement, for as long
 * as somebody else's token endpoint takes.
 * @throws the database's error 55P03 after 20 s
 */
export async function lockTokens(trx: Knex.Transaction, key: ProviderKey): Promise<void> {
  await trx.raw(`SELECT set_config('lock_timeout', ?, true)`, [`${LOCK_TIMEOUT_MS}ms`]);
  const name = `mailstream oauth ${key.tenant} ${key.id}`;
  await trx.raw('SELECT pg_advisory_xact_lock(hashtextextended(?, 0))', [name]);
}

/** The settings as they are now: a listener may hold older ones. Null when the provider is gone or has a password now. */
export async function loadOAuthSettings(
  trx: Knex.Transaction,
  key: ProviderKey,
): Promise<Extract<ImapAuth, { kind: 'oauth2' }> | null> {
  const provider = await loadImapProvider(trx, key.tenant, key.id);
  return provider?.auth.kind === 'oauth2' ? provider.auth : null;
}

export async function readAccessToken(
  trx: Knex.Transaction,
  secrets: SecretStore,
  key: ProviderKey,
): Promise<StoredAccessToken | null> {
  const token = await secrets.read(refOf(key, 'imap_access_token'), trx);
  if (token === null) return null;
  const times: unknown = await trx('imap_email_provider_config as c')
    .join('provider_secrets as s', (on) => {
      on.on('s.tenant', 'c.tenant').andOn('s.email_provider_id', 'c.email_provider_id');
    })
    .where({ 'c.tenant': key.tenant, 'c.email_provider_id': key.id, 's.name': `imap_access_token_${key.id}` })
    .whereNotNull('c.token_expires_at')
    .first(
      trx.raw(`(extract(epoch FROM c.token_expires_at - clock_timestamp()) * 1000)::float8 AS "remainingMs"`),
      trx.raw(`(extract(epoch FROM c.token_expires_at - s.updated_at) * 1000)::float8 AS "lifetimeMs"`),
      trx.raw(`(extract(epoch FROM clock_timestamp() - s.updated_at) * 1000)::float8 AS "ageMs"`),
    );
  return times === undefined ? null : { token, ...(times as Omit<StoredAccessToken, 'token'>) };
}

export async function readRefreshToken(
  trx: Knex.Transaction,
  secrets: SecretStore,
  key: ProviderKey,
): Promise<SecretValue | null> {
  return await secrets.read(refOf(key, 'imap_refresh_token'), trx);
}

export async function readClientSecret(
  trx: Knex.Transaction,
  secrets: SecretStore,
  key: ProviderKey,
): Promise<SecretValue | null> {
  return await secrets.read(refOf(key, 'imap_oauth_client_secret'), trx);
}

/**
 * Stores what a token endpoint issued; the old refresh token stays where no new one came. The config row comes first:
 * whoever changes settings and secrets in one transaction must take them in the same order, or both wait for each other.
 * Does not touch `config_version`: fresh tokens are no reason to reconnect.
 * @param ageMs how long ago the tokens were asked for
 */
export async function storeTokens(
  trx: Knex.Transaction,
  secrets: SecretStore,
  work: { readonly key: ProviderKey; readonly tokens: IssuedTokens; readonly ageMs: number },
): Promise<void> {
  const { key, tokens, ageMs } = work;
  await trx('imap_email_provider_config')
    .where({ tenant: key.tenant, email_provider_id: key.id })
    .update({
      token_expires_at: trx.raw(`clock_timestamp() + ? * interval '1 millisecond'`, [
        tokens.lifetimeMs - ageMs,
      ]),
    });
  if (tokens.refreshToken !== null) {
    await secrets.write(trx, refOf(key, 'imap_refresh_token'), tokens.refreshToken);
  }
  await secrets.write(trx, refOf(key, 'imap_access_token'), tokens.accessToken);
}

function refOf(key: ProviderKey, name: SecretName): SecretRef {
  return { tenant: key.tenant, providerId: key.id, name };
}
