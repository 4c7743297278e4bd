/** Rows of a mailbox as the API shows them. */
import { decodeFolderState } from '@mailstream/shared/domain/folder-state';
import { watchedFolders, type PauseReason, type ProviderStatus } from '@mailstream/shared/domain/provider';
import type { FolderStatus, Provider } from '../contracts/providers.ts';
import { startFromSchema } from '../contracts/provider-settings.ts';
import type { ProviderRecord, ProviderSettings, StoredSecret } from '../ports.ts';
import {
  errorHint,
  errorText,
  folderStateText,
  mustReconnect,
  providerState,
  providerStatusText,
} from '../use-cases/status-text.ts';
import {
  FOLDER_STATUS_COLUMNS,
  type FolderStatusRow,
  folderResync,
  folderStatus,
  providerAudit,
  providerFreshness,
} from './folder-status-view.ts';
import { iso, isoOrNull } from './page-cursor.ts';

/** `email_providers` joined with `imap_email_provider_config`; `lease_is_held` by the database's clock. */
export interface ProviderRow extends FolderStatusRow {
  readonly id: string;
  readonly provider_name: string;
  readonly mailbox: string;
  readonly is_active: boolean;
  readonly status: ProviderStatus;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly error_at: Date | null;
  readonly last_sync_at: Date | null;
  readonly last_message_at: Date | null;
  readonly paused_at: Date | null;
  readonly pause_reason: PauseReason | null;
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly allow_starttls: boolean;
  readonly verify_certificate: boolean;
  readonly auth_type: 'password' | 'oauth2';
  readonly username: string;
  readonly folder_filters: readonly string[];
  readonly start_from: unknown;
  readonly oauth_authorize_url: string | null;
  readonly oauth_token_url: string | null;
  readonly oauth_client_id: string | null;
  readonly oauth_scopes: string | null;
  readonly oauth_issuer: string | null;
  readonly oauth_shared_mailbox: boolean;
  readonly oauth_account: string | null;
  readonly token_expires_at: Date | null;
  readonly folder_state: Readonly<Record<string, unknown>>;
  readonly folder_health: Readonly<Record<string, unknown>>;
  readonly config_version: number;
  readonly lease_owner: string | null;
  readonly lease_expires_at: Date | null;
  readonly lease_epoch: number;
  readonly lease_is_held: boolean;
  readonly updated_at: Date;
}

/** Of each folder the message with the highest UID, by the ledger's own index; nothing checks what is in jsonb. */
const LAST_MESSAGE = `
  (SELECT max(l.received_at)
     FROM jsonb_each(c.folder_state) AS f (name, state)
    CROSS JOIN LATERAL (
      SELECT m.received_at FROM inbound_messages m
       WHERE m.tenant = c.tenant AND m.provider_id = c.email_provider_id AND m.folder = f.name
         AND m.uid_validity = CASE WHEN f.state ->> 'uid_validity' ~ '^[0-9]{1,18}$' THEN (f.state ->> 'uid_validity')::bigint END
       ORDER BY m.uid DESC LIMIT 1) l)`;

/** The columns of a `ProviderRow`, of `email_providers as p` and `imap_email_provider_config as c`. */
export const PROVIDER_COLUMNS = `
  p.id, p.provider_name, p.mailbox, p.is_active, p.status, p.error_code, p.error_message, p.error_at, p.last_sync_at,
  p.paused_at, p.pause_reason, p.created_at, p.updated_at,
  c.host, c.port, c.secure, c.allow_starttls, c.verify_certificate, c.auth_type, c.username, c.folder_filters, c.start_from,
  c.oauth_authorize_url, c.oauth_token_url, c.oauth_client_id, c.oauth_scopes,
  c.oauth_issuer, c.oauth_shared_mailbox, c.oauth_account, c.token_expires_at,
  c.folder_state, c.folder_health, c.config_version, c.lease_owner, c.lease_expires_at, c.lease_epoch,
  (c.lease_owner IS NOT NULL AND c.lease_expires_at > now()) AS lease_is_held,
  ${LAST_MESSAGE} AS last_message_at,
  ${FOLDER_STATUS_COLUMNS}`;

export function toSettings(row: ProviderRow): ProviderSettings {
  return {
    providerName: row.provider_name,
    mailbox: row.mailbox,
    isActive: row.is_active,
    host: row.host,
    port: row.port,
    secure: row.secure,
    allowStarttls: row.allow_starttls,
    verifyCertificate: row.verify_certificate,
    authType: row.auth_type,
    username: row.username,
    folderFilters: row.folder_filters,
    startFrom: startFromSchema.catch({ kind: 'now' }).parse(row.start_from),
    oauthAuthorizeUrl: row.oauth_authorize_url,
    oauthTokenUrl: row.oauth_token_url,
    oauthClientId: row.oauth_client_id,
    oauthScopes: row.oauth_scopes,
    oauthIssuer: row.oauth_issuer,
    oauthSharedMailbox: row.oauth_shared_mailbox,
  };
}

export function toRecord(row: ProviderRow, secrets: ReadonlySet<StoredSecret>): ProviderRecord {
  return { settings: toSettings(row), status: row.status, pauseReason: row.pause_reason, secrets };
}

export function toProvider(row: ProviderRow, secrets: ReadonlySet<StoredSecret>): Provider {
  const { providerName, mailbox, isActive, folderFilters, ...imap } = toSettings(row);
  const state = providerState({ isActive, pauseReason: row.pause_reason, status: row.status });
  const folders = toFolders(row);
  const freshness = providerFreshness(folders);
  return {
    id: row.id,
    providerType: 'imap',
    providerName,
    mailbox,
    isActive,
    status: row.status,
    state,
    statusText: providerStatusText(state, row.pause_reason, row.error_code, freshness),
    ...freshness,
    audit: providerAudit(row, folders),
    errorCode: row.error_code,
    errorMessage: row.error_code === null ? null : (errorText(row.error_code) ?? row.error_message),
    errorHint: errorHint(row.error_code),
    errorAt: isoOrNull(row.error_at),
    mustReconnect: mustReconnect(row),
    lastSyncAt: lastSyncOf(row, folders),
    lastMessageAt: isoOrNull(row.last_message_at),
    pausedAt: isoOrNull(row.paused_at),
    pauseReason: row.pause_reason,
    imap: {
      ...imap,
      folderFilters: [...folderFilters],
      oauthAccount: row.oauth_account,
      tokenExpiresAt: isoOrNull(row.token_expires_at),
      hasPassword: secrets.has('imap_password'),
      hasOauthClientSecret: secrets.has('imap_oauth_client_secret'),
      hasOauthRefreshToken: secrets.has('imap_refresh_token'),
    },
    folders,
    lease: toLease(row),
    configVersion: row.config_version,
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
  };
}

export function toLease(row: ProviderRow): Provider['lease'] {
  const { lease_owner: owner, lease_expires_at: expires, lease_is_held: isHeld } = row;
  if (!isHeld || owner === null || expires === null) return null;
  return { owner, expiresAt: iso(expires), epoch: row.lease_epoch };
}

/** The watched folders in their order, then those that are no longer watched but have a position. */
export function toFolders(row: ProviderRow): FolderStatus[] {
  const watched = watchedFolders({ folders: row.folder_filters });
  const known = Object.keys(row.folder_state).filter((name) => !watched.includes(name));
  return [...watched, ...known.sort()].map((name) => toFolder(row, name, watched.includes(name)));
}

function toFolder(row: ProviderRow, name: string, isWatched: boolean): FolderStatus {
  const position = decodeFolderState(row.folder_state[name]);
  const isRunning = isWatched && row.is_active && row.pause_reason === null;
  const status = folderStatus(row, name, isRunning);
  const health = (row.folder_health[name] ?? {}) as Readonly<Record<string, unknown>>;
  const text = (key: string): string | null => {
    const value = health[key];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const code = text('code');
  const state = text('state') ?? 'new';
  return {
    name,
    state,
    stateText: folderStateText(state, code),
    code,
    message: errorText(code) ?? text('message'),
    since: validTime(text('since')),
    isWatched,
    uidValidity: position?.uidValidity ?? null,
    lastUid: position?.lastUid ?? null,
    lastSeenAt: latest(validTime(position?.lastSeenAt ?? null), status.provenAt),
    holes: position?.holes.length ?? 0,
    resync: folderResync(row, name),
    ...status,
  };
}

/** When it was last known that everything is here: said with a change of state, and else stamped for each folder. */
export function lastSyncOf(row: ProviderRow, folders: readonly FolderStatus[]): string | null {
  const proven = folders.filter(({ isWatched }) => isWatched).map(({ provenAt }) => provenAt);
  const oldest = proven.reduce((a, b) => (a === null || b === null ? null : a < b ? a : b));
  return latest(isoOrNull(row.last_sync_at), oldest);
}

function latest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}

/** These come from jsonb, where nothing checks them. */
function validTime(text: string | null): string | null {
  if (text === null || Number.isNaN(Date.parse(text))) return null;
  return new Date(text).toISOString();
}
