/**
 * The return of a browser from a login service; `oauth-logins.ts` has its departure. What must always hold:
 *
 * - The state is random, kept as a hash, good once, for ten minutes, and for the browser that departed.
 * - Before the code is sent anywhere, `iss` has to be that of the service that was asked (RFC 9207).
 * - Nothing is kept of an account that is not the mailbox's: its address has to fit, and the mail server has to let it in.
 * - Where the browser goes afterwards is from a fixed list.
 */
import { timingSafeEqual } from 'node:crypto';
import { providerId } from '@mailstream/shared/domain/ids';
import { isErrorCode, type ErrorCode } from '@mailstream/shared/errors/catalogue';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { ApiError } from '../api-error.ts';
import type { CallbackQuery } from '../contracts/oauth.ts';
import { isExpectedIssuer, matchAccount, missingScopes } from '../core/oauth-grant.ts';
import type { ProviderSettings } from '../ports.ts';
import type { AuthorizationRecord, Departure, FoundAuthorization, GrantSettings } from '../ports/oauth.ts';
import type { Grant } from '../ports/oauth-grant.ts';
import { imapProvider } from './mailbox-test.ts';
import { grantedSecrets } from './oauth-grants.ts';
import { grantSettings, hashOf, type OAuthLoginPorts } from './oauth-logins.ts';
import { planChange } from './provider-rules.ts';

/** What a request tells of the browser that sends it. */
export interface Visitor {
  /** Of a session whose user may change mailboxes. */
  readonly sessionId: string | null;
  /** Of the cookie that a link's login sets. */
  readonly browserToken: string | null;
}

/** @returns the path of our UI where the browser goes next; never rejects for what a stranger can send */
export type OAuthCallback = (query: CallbackQuery, visitor: Visitor, signal: AbortSignal) => Promise<string>;

/** To test, to choose folders, and to save. */
const PENDING_GRANT_MS = 30 * 60_000;
const NOWHERE = '/connect/done?error=OAUTH_STATE_INVALID';

export function createOAuthCallback(ports: OAuthLoginPorts): OAuthCallback {
  const { authorizations, oauthClient, providers, mailServer, changes, now } = ports;

  async function callback(query: CallbackQuery, visitor: Visitor, signal: AbortSignal): Promise<string> {
    if (query.state === undefined || query.state === '') return NOWHERE;
    const stateHash = hashOf(query.state);
    const found = await authorizations.byState(stateHash);
    if (found === null || !isOpen(found, now()) || !isSameBrowser(found, visitor)) return NOWHERE;
    const taken = await authorizations.take(found.tenant, found.id, stateHash);
    if (taken === null) return NOWHERE;
    const { record } = taken;
    try {
      const grant = await obtain(record, taken.departure, query, signal);
      if (record.isApplied) await apply(record, grant);
      await authorizations.succeed(found.tenant, found.id, {
        account: grant.account,
        grant: record.isApplied ? null : grant,
        expiresAt: new Date(now().getTime() + PENDING_GRANT_MS),
      });
      return returnPath(record, null);
    } catch (error) {
      const code = codeOf(error);
      await authorizations.fail(found.tenant, found.id, code);
      if (code === 'INTERNAL') throw error;
      return returnPath(record, code);
    }
  }

  /** @throws FaultError */
  async function obtain(
    record: AuthorizationRecord,
    departure: Departure,
    { code, iss, error }: CallbackQuery,
    signal: AbortSignal,
  ): Promise<Grant> {
    const { settings } = record;
    if (iss !== undefined && !isExpectedIssuer(iss, settings.oauthIssuer, settings.oauthAuthorizeUrl ?? ''))
      throw refusal('OAUTH_ISSUER_MISMATCH', 'the answer names another issuer');
    if (error !== undefined) throw refusal(answerCode(error), 'the login service answered with an error');
    if (code === undefined || code === '') throw refusal('OAUTH_STATE_INVALID', 'an answer without a code');
    const { tokens, addresses } = await oauthClient.exchange(settings, departure, new SecretValue(code));
    if (tokens.refreshToken === null || missingScopes(settings.oauthScopes ?? '', tokens.scope).length > 0)
      throw refusal('OAUTH_SCOPE_MISSING', 'not all that is needed was granted');
    await proveAccount(record, addresses, tokens.accessToken, signal);
    const { username } = settings;
    const account =
      addresses?.includes(username.toLowerCase()) === true ? username : (addresses?.[0] ?? null);
    return { tokens, account, clientSecret: departure.clientSecret, grantedAt: now() };
  }

  /** By its address, and by the mail server, which alone knows who may open a shared mailbox. */
  async function proveAccount(
    { settings, actor, id }: AuthorizationRecord,
    addresses: readonly string[] | null,
    accessToken: SecretValue,
    signal: AbortSignal,
  ): Promise<void> {
    const { username, oauthSharedMailbox: isShared } = settings;
    const match = matchAccount(addresses, { username, isShared });
    if (match === 'other') throw refusal('OAUTH_WRONG_ACCOUNT', 'the account has another address');
    const provider = imapProvider(actor.tenant, providerId(id), wholeSettings(settings));
    const { steps } = await mailServer.probe(provider, { kind: 'accessToken', accessToken }, signal);
    const login = steps.find(({ name }) => name === 'login');
    if (login?.outcome === 'ok') return;
    const failed = steps.find(({ outcome }) => outcome === 'failed');
    const isRefused = failed?.name === 'login' && failed.code === 'IMAP_AUTH_REJECTED';
    if (isRefused && match === 'unknown')
      throw refusal('OAUTH_WRONG_ACCOUNT', 'the mail server does not let this account into the mailbox');
    // The address fits, and the mail server is away: the daemon goes on trying.
    if (match === 'same' && failed !== undefined && failed.name !== 'login') return;
    const code = failed?.code ?? '';
    throw refusal(isErrorCode(code) ? code : 'IMAP_UNREACHABLE', 'the mail server could not be asked');
  }

  /** @throws FaultError CONFLICT where the mailbox was changed or removed meanwhile */
  async function apply(record: AuthorizationRecord, grant: Grant): Promise<void> {
    const { providerId: id, settings, actor, returnTo } = record;
    if (id === null) throw refusal('CONFLICT', 'no mailbox to give the grant to');
    const adopted = { grant, authorizationId: null };
    const action = returnTo === 'link' ? 'provider.authorized_by_link' : 'provider.authorized';
    const result = await providers.change(
      actor,
      id,
      (current) => {
        const isSame =
          JSON.stringify(grantSettings(current.settings)) === JSON.stringify(grantSettings(settings));
        if (!isSame || current.settings.authType !== 'oauth2')
          throw refusal('CONFLICT', 'the settings of the mailbox were changed during the login');
        const change = planChange(current, current.settings, grantedSecrets(adopted), adopted);
        return change === null ? null : { ...change, action };
      },
      { replacesSecrets: true },
    );
    if (result.kind !== 'changed') throw refusal('CONFLICT', 'the mailbox is gone');
    changes.tell(actor.tenant, 'providers');
  }

  return callback;
}

function wholeSettings(settings: GrantSettings): ProviderSettings {
  return {
    ...settings,
    ...{ providerName: 'login', mailbox: settings.username, isActive: true, authType: 'oauth2' },
    ...{ folderFilters: [], startFrom: { kind: 'now' } },
  };
}

function isOpen(found: FoundAuthorization, at: Date): boolean {
  const { state, stateExpiresAt, expiresAt } = found;
  return state === 'started' && stateExpiresAt !== null && stateExpiresAt > at && expiresAt > at;
}

function isSameBrowser({ sessionId, browserHash }: FoundAuthorization, visitor: Visitor): boolean {
  if (sessionId !== null) return visitor.sessionId === sessionId;
  if (browserHash === null || visitor.browserToken === null) return false;
  const given = hashOf(visitor.browserToken);
  return given.length === browserHash.length && timingSafeEqual(given, browserHash);
}

function returnPath(record: AuthorizationRecord, failure: ErrorCode | null): string {
  const { id, providerId: provider, returnTo } = record;
  switch (returnTo) {
    case 'newMailbox':
      return `/mailboxes/new?authorization=${id}`;
    case 'mailbox':
      return `/mailboxes/${provider ?? ''}?authorization=${id}`;
    case 'editMailbox':
      return `/mailboxes/${provider ?? ''}/edit?authorization=${id}`;
    case 'link':
      return failure === null ? '/connect/done' : `/connect/done?error=${failure}`;
  }
}

/** `error` of RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6. */
function answerCode(error: string): ErrorCode {
  if (error === 'server_error' || error === 'temporarily_unavailable') return 'OAUTH_UNAVAILABLE';
  const isOurs = ['invalid_request', 'unauthorized_client', 'unsupported_response_type', 'invalid_scope'];
  return isOurs.includes(error) ? 'OAUTH_CLIENT_REJECTED' : 'OAUTH_DENIED';
}

function refusal(code: ErrorCode, detail: string): FaultError {
  return new FaultError({ kind: 'misconfigured', code, detail });
}

function codeOf(error: unknown): ErrorCode {
  const code = error instanceof FaultError ? error.fault.code : error instanceof ApiError ? error.code : '';
  // Of a code exchange: the code was not good (any more), which is no end of a permission.
  if (code === 'OAUTH_REAUTHORIZE') return 'OAUTH_STATE_INVALID';
  return isErrorCode(code) ? code : 'INTERNAL';
}
