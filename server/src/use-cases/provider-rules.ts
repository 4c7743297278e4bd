/**
 * What a change of a mailbox's settings means, as pure functions: which fields clash, which stored secrets must go,
 * and what the status becomes.
 *
 * Secrets belong to the server and account they were entered for. When host, port, user name or the protection of the
 * connection changes, a stored secret would be sent to somebody it was not meant for; so it is erased unless the same
 * request brings a new one (likewise for the OAuth token address and client).
 *
 * The cursor (`folder_state`) is kept through every change, also of host and user name. It names a UIDVALIDITY, which
 * another server or account does not share: the daemon then lists the folder anew and matches it with the ledger by content
 * (DESIGN section 5), so that mail moved to a new server comes neither twice nor not at all. Starting from a fresh baseline instead
 * would lose whatever arrived between the last pass and the change.
 */
import type { ErrorCode } from '@mailstream/shared/errors/catalogue';
import { transportSecurity } from '@mailstream/shared/domain/provider';
import type { FieldError } from '../contracts/errors.ts';
import { isOneLoginService } from '../core/login-services.ts';
import { loginFieldErrors } from '../contracts/login-fields.ts';
import type {
  ImapPatch,
  ImapSettingsBody,
  ProviderBody,
  ProviderPatch,
} from '../contracts/provider-settings.ts';
import type { AdoptedGrant } from '../ports/oauth-grant.ts';
import type { GrantSettings } from '../ports/oauth.ts';
import type {
  EnteredSecret,
  ProviderChange,
  ProviderRecord,
  ProviderSettings,
  StoredSecret,
} from '../ports.ts';

const PROTECTION = { tls: 2, starttls: 1, plain: 0 } as const;
const OAUTH_SECRETS = [
  'imap_oauth_client_secret',
  'imap_refresh_token',
  'imap_access_token',
] as const satisfies StoredSecret[];

export function settingsOf(body: ProviderBody): ProviderSettings {
  const {
    password: _p,
    oauthClientSecret: _c,
    oauthRefreshToken: _r,
    oauthAuthorizationId: _a,
    ...imap
  } = body.imap;
  return { providerName: body.providerName, mailbox: body.mailbox, isActive: body.isActive, ...imap };
}

export function secretsOf(imap: ImapPatch | ImapSettingsBody): Partial<Record<EnteredSecret, string>> {
  return {
    ...(imap.password === undefined ? {} : { imap_password: imap.password }),
    ...(imap.oauthClientSecret === undefined ? {} : { imap_oauth_client_secret: imap.oauthClientSecret }),
    ...(imap.oauthRefreshToken === undefined ? {} : { imap_refresh_token: imap.oauthRefreshToken }),
  };
}

/** The settings after a PATCH. A new host takes back a relaxed certificate check: it was granted for the old one. */
export function patched(current: ProviderSettings, patch: ProviderPatch): ProviderSettings {
  const {
    password: _p,
    oauthClientSecret: _c,
    oauthRefreshToken: _r,
    oauthAuthorizationId: _a,
    ...imap
  } = patch.imap ?? {};
  const given = Object.fromEntries(
    Object.entries({
      providerName: patch.providerName,
      mailbox: patch.mailbox,
      isActive: patch.isActive,
      ...imap,
    }).filter(([, value]) => value !== undefined),
  ) as Partial<ProviderSettings>;
  const next = { ...current, ...given };
  const serverMoved = !sameHost(next.host, current.host);
  return serverMoved && given.verifyCertificate === undefined ? { ...next, verifyCertificate: true } : next;
}

/** Login fields that clash, each named; `imap.password` is only asked for where none is stored. */
export function clashes(
  settings: ProviderSettings,
  entered: Partial<Record<EnteredSecret, string>>,
  isPasswordRequired: boolean,
): readonly FieldError[] {
  const fields = {
    ...settings,
    password: entered.imap_password,
    oauthClientSecret: entered.imap_oauth_client_secret,
    oauthRefreshToken: entered.imap_refresh_token,
  };
  const missing = loginFieldErrors(fields, isPasswordRequired).map((error) => ({
    ...error,
    field: `imap.${error.field}`,
  }));
  return [...missing, ...loginServiceErrors(settings)];
}

/** Whether page and tokens of the login are of one service, where we know the service. */
export function loginServiceErrors(settings: ProviderSettings): readonly FieldError[] {
  if (settings.authType !== 'oauth2' || isOneLoginService(settings.oauthAuthorizeUrl, settings.oauthTokenUrl))
    return [];
  const message = 'Authorization address and token address belong to different login services.';
  return [{ field: 'imap.oauthTokenUrl', code: 'NOT_ALLOWED', message }];
}

/** A grant is of one login service, for one application. */
export function isAnotherApplication(before: GrantSettings, after: GrantSettings): boolean {
  return before.oauthTokenUrl !== after.oauthTokenUrl || before.oauthClientId !== after.oauthClientId;
}

export function securityOf(
  settings: Pick<ProviderSettings, 'secure' | 'allowStarttls'>,
): 'tls' | 'starttls' | 'plain' {
  return transportSecurity(settings.secure, settings.allowStarttls);
}

/** True when a stored password or token would now go to another server or account, or over a weaker connection. */
export function isAnotherAccount(before: GrantSettings, after: GrantSettings): boolean {
  return (
    !sameHost(before.host, after.host) ||
    before.port !== after.port ||
    before.username !== after.username ||
    PROTECTION[securityOf(after)] < PROTECTION[securityOf(before)] ||
    (before.verifyCertificate && !after.verifyCertificate)
  );
}

/** Stored secrets that must not survive the change. */
export function secretsToRemove(
  current: ProviderRecord,
  next: ProviderSettings,
  entered: Partial<Record<EnteredSecret, string>>,
): readonly StoredSecret[] {
  const before = current.settings;
  const gone = new Set<StoredSecret>();
  if (isAnotherAccount(before, next))
    ['imap_password' as const, ...OAUTH_SECRETS].forEach((name) => gone.add(name));
  if (isAnotherApplication(before, next)) OAUTH_SECRETS.forEach((name) => gone.add(name));
  // Of the login method that is no longer used nothing stays behind.
  if (next.authType === 'password') OAUTH_SECRETS.forEach((name) => gone.add(name));
  else gone.add('imap_password');
  // An access token of the old grant would hide for an hour that the new one does not work.
  if (Object.keys(entered).length > 0) gone.add('imap_access_token');
  return [...gone].filter((name) => current.secrets.has(name) && !Object.hasOwn(entered, name));
}

/** The change that `next` and `entered` make of `current`; null when nothing is different. */
export function planChange(
  current: ProviderRecord,
  next: ProviderSettings,
  entered: Partial<Record<EnteredSecret, string>>,
  grant: AdoptedGrant | null,
): ProviderChange | null {
  const removed = secretsToRemove(current, next, entered);
  const fields = changedFields(current.settings, next);
  const secretsChange = removed.length > 0 || Object.keys(entered).length > 0;
  if (fields.length === 0 && !secretsChange) return null;
  // A new label is no reason to reconnect.
  const bumpsConfig = secretsChange || fields.some((field) => field !== 'providerName');
  const kept = new Set([...current.secrets].filter((name) => !removed.includes(name)));
  const status = !bumpsConfig ? null : statusAfter(next, kept, entered);
  const healsPause = current.pauseReason === 'auth_failure' && Object.keys(entered).length > 0;
  return {
    action: 'provider.updated',
    settings: next,
    status,
    pause: healsPause ? 'resume' : 'keep',
    secretsToWrite: entered,
    secretsToRemove: removed,
    grant,
    bumpsConfig,
    bumpsPoke: false,
  };
}

/** `configuring` until the daemon has connected; an error that says so where there is nothing to log in with. */
export function statusAfter(
  settings: ProviderSettings,
  stored: ReadonlySet<StoredSecret>,
  entered: Partial<Record<EnteredSecret, string>>,
): { readonly status: 'configuring' | 'error'; readonly errorCode: ErrorCode | null } {
  const all = new Set<StoredSecret>([...stored, ...(Object.keys(entered) as EnteredSecret[])]);
  return hasLogin(settings, all)
    ? { status: 'configuring', errorCode: null }
    : { status: 'error', errorCode: 'IMAP_CREDENTIALS_MISSING' };
}

/** Whether these secrets are enough to log in with. */
export function hasLogin(settings: ProviderSettings, secrets: ReadonlySet<StoredSecret>): boolean {
  if (settings.authType === 'password') return secrets.has('imap_password');
  return (
    secrets.has('imap_refresh_token') ||
    (isApplicationLogin(settings) && secrets.has('imap_oauth_client_secret'))
  );
}

/** Microsoft's scope for "all that was granted to the application itself": no user, no refresh token. */
export function isApplicationLogin(settings: ProviderSettings): boolean {
  return (
    settings.authType === 'oauth2' &&
    (settings.oauthScopes ?? '').split(/\s+/).some((scope) => scope.endsWith('/.default'))
  );
}

export function changedFields(
  before: ProviderSettings,
  after: ProviderSettings,
): readonly (keyof ProviderSettings)[] {
  return (Object.keys(after) as (keyof ProviderSettings)[]).filter(
    (field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]),
  );
}

/** Host names compare without case (RFC 4343). */
function sameHost(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
