/** A change of a mailbox as columns of its two tables. None of them belongs to the daemon: no cursor, no lease. */
import type { Knex } from 'knex';
import type { ProviderChange } from '../ports.ts';
import { errorText } from '../use-cases/status-text.ts';

export function providerColumns(trx: Knex.Transaction, change: ProviderChange): Record<string, unknown> {
  const { settings, status, pause } = change;
  return {
    provider_name: settings.providerName,
    mailbox: settings.mailbox,
    is_active: settings.isActive,
    ...(status === null
      ? {}
      : {
          status: status.status,
          error_code: status.errorCode,
          error_message: errorText(status.errorCode),
          error_at: status.errorCode === null ? null : trx.fn.now(),
          auth_failure_count: 0,
          auth_failure_last_at: null,
          auth_failure_code: null,
        }),
    ...(pause === 'pause' ? { paused_at: trx.fn.now(), pause_reason: 'manual' } : {}),
    ...(pause === 'resume' ? { paused_at: null, pause_reason: null } : {}),
  };
}

export function configColumns({ settings }: ProviderChange): Record<string, unknown> {
  return {
    host: settings.host,
    port: settings.port,
    secure: settings.secure,
    allow_starttls: settings.allowStarttls,
    verify_certificate: settings.verifyCertificate,
    auth_type: settings.authType,
    username: settings.username,
    folder_filters: JSON.stringify(settings.folderFilters),
    start_from: JSON.stringify(settings.startFrom),
    oauth_authorize_url: settings.oauthAuthorizeUrl,
    oauth_token_url: settings.oauthTokenUrl,
    oauth_client_id: settings.oauthClientId,
    oauth_scopes: settings.oauthScopes,
    oauth_issuer: settings.oauthIssuer,
    oauth_shared_mailbox: settings.oauthSharedMailbox,
  };
}

export function versionColumns(trx: Knex.Transaction, change: ProviderChange): Record<string, unknown> {
  return {
    ...(change.bumpsConfig ? { config_version: trx.raw('config_version + 1') } : {}),
    ...(change.bumpsPoke ? { poke_version: trx.raw('poke_version + 1') } : {}),
    ...(change.secretsToRemove.includes('imap_access_token') ? { token_expires_at: null } : {}),
    ...accountColumn(change),
  };
}

/** Who logged in belongs to the refresh token: it comes and goes with it. */
export function accountColumn(change: ProviderChange): Record<string, unknown> {
  if (change.grant !== null) return { oauth_account: change.grant.grant.account };
  const isReplaced =
    change.secretsToRemove.includes('imap_refresh_token') ||
    change.secretsToWrite.imap_refresh_token !== undefined;
  return isReplaced ? { oauth_account: null } : {};
}
