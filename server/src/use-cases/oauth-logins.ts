/**
 * The departure of a browser to a login service; `oauth-returns.ts` has its return.
 *
 *   initiate ──► started ──browser──► login service ──browser──► callback ──► answered ──► granted
 *                   │ 10 minutes, once                              │ not this browser: refused   └─► failed
 */
import { createHash, randomUUID } from 'node:crypto';
import { providerId, type ProviderId, type TenantId } from '@mailstream/shared/domain/ids';
import { errorEntry } from '@mailstream/shared/errors/catalogue';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { ApiError } from '../api-error.ts';
import type { Authorization, InitiateBody, Initiated } from '../contracts/oauth.ts';
import { newImapSettingsSchema } from '../contracts/provider-settings.ts';
import type { Actor, ProviderRecord, ProviderSettings, ProviderStore } from '../ports.ts';
import type { MailServer } from '../ports/mail-server.ts';
import type {
  AuthorizationRecord,
  AuthorizationStore,
  Browser,
  GrantSettings,
  OAuthClient,
} from '../ports/oauth.ts';
import {
  isApplicationLogin,
  loginServiceErrors,
  patched,
  secretsOf,
  secretsToRemove,
  settingsOf,
} from './provider-rules.ts';
import { checkServer, refuseRelaxedCertificate } from './providers.ts';

export interface OAuthLoginPorts {
  readonly authorizations: AuthorizationStore;
  readonly oauthClient: OAuthClient;
  readonly providers: Pick<ProviderStore, 'record' | 'change' | 'readSecret'>;
  readonly mailServer: MailServer;
  /** Tells open pages to look again: nobody is logged in who changes something here. */
  readonly changes: { tell(tenant: TenantId, topic: 'providers'): void };
  readonly now: () => Date;
}

export interface OAuthLoginUseCases {
  initiate(actor: Actor, sessionId: string, body: InitiateBody, redirectUri: string): Promise<Initiated>;
  status(actor: Actor, id: string): Promise<Authorization>;
  /** Also for links, whose browser is another one. */
  depart(work: {
    readonly tenant: TenantId;
    readonly id: string;
    readonly settings: GrantSettings;
    readonly clientSecret: string | null;
    readonly browser: Browser;
    readonly redirectUri: string;
  }): Promise<{ readonly authorizeUrl: string; readonly expiresAt: Date }>;
}

const LOGIN_MS = 10 * 60_000;

export function createOAuthLoginUseCases(ports: OAuthLoginPorts): OAuthLoginUseCases {
  const { authorizations, oauthClient, providers, mailServer, now } = ports;

  const later = (ms: number): Date => new Date(now().getTime() + ms);

  async function initiate(
    actor: Actor,
    sessionId: string,
    body: InitiateBody,
    redirectUri: string,
  ): Promise<Initiated> {
    const target = body.providerId === undefined ? newTarget(body) : await storedTarget(actor, body);
    const { settings, clientSecret } = target;
    refuseRelaxedCertificate(actor, settings, target.before);
    requireInteractive(settings);
    await checkServer(mailServer, settings);
    const id = randomUUID();
    await authorizations.open(
      actor,
      {
        id,
        providerId: body.providerId === undefined ? null : providerId(body.providerId),
        isApplied: body.providerId !== undefined && body.imap === undefined,
        settings: grantSettings(settings),
        returnTo: body.providerId === undefined ? 'newMailbox' : body.returnTo,
        expiresAt: later(LOGIN_MS),
      },
      null,
    );
    const { authorizeUrl, expiresAt } = await depart({
      ...{ tenant: actor.tenant, id, settings, clientSecret, redirectUri },
      browser: { kind: 'session', sessionId },
    });
    return { authorizationId: id, authorizeUrl, expiresAt: expiresAt.toISOString() };
  }

  async function storedTarget(actor: Actor, body: InitiateBody): Promise<LoginTarget> {
    const id = providerId(body.providerId ?? '');
    const current = await providers.record(actor.tenant, id);
    if (current === null) throw new ApiError('NOT_FOUND');
    const settings = patched(current.settings, { imap: body.imap });
    const entered = secretsOf(body.imap ?? {});
    const isLost = secretsToRemove(current, settings, entered).includes('imap_oauth_client_secret');
    const stored = isLost ? null : await clientSecretOf(actor.tenant, id, current);
    return {
      settings,
      before: current.settings,
      clientSecret: entered.imap_oauth_client_secret ?? stored,
    };
  }

  async function clientSecretOf(
    tenant: TenantId,
    id: ProviderId,
    { secrets }: ProviderRecord,
  ): Promise<string | null> {
    if (!secrets.has('imap_oauth_client_secret')) return null;
    return await providers.readSecret(tenant, id, 'imap_oauth_client_secret');
  }

  const depart: OAuthLoginUseCases['depart'] = async (work) => {
    const { tenant, id, settings, clientSecret, browser, redirectUri } = work;
    const { authorizeUrl, state, codeVerifier, nonce } = await oauthClient.depart(settings, redirectUri);
    const expiresAt = later(LOGIN_MS);
    await authorizations.start(tenant, id, {
      stateHash: hashOf(state),
      stateExpiresAt: expiresAt,
      browser,
      departure: {
        codeVerifier,
        nonce,
        redirectUri,
        clientSecret: clientSecret === null ? null : new SecretValue(clientSecret),
      },
    });
    return { authorizeUrl, expiresAt };
  };

  return {
    initiate,
    depart,
    async status(actor, id) {
      const record = await authorizations.get(actor.tenant, id);
      if (record === null || record.actor.id !== actor.id || record.expiresAt <= now())
        throw new ApiError('NOT_FOUND');
      return toAuthorization(record);
    },
  };
}

interface LoginTarget {
  readonly settings: ProviderSettings;
  readonly before: ProviderSettings | null;
  readonly clientSecret: string | null;
}

function newTarget(body: InitiateBody): LoginTarget {
  const imap = newImapSettingsSchema.parse(body.imap);
  const settings = settingsOf({
    ...{ providerType: 'imap', providerName: 'new', mailbox: 'new', isActive: true },
    imap,
  });
  return { settings, before: null, clientSecret: imap.oauthClientSecret ?? null };
}

/** @throws ApiError VALIDATION_FAILED where nobody could log in with these settings */
export function requireInteractive(settings: ProviderSettings): void {
  const required = (field: string, isGiven: boolean) =>
    isGiven ? [] : [{ field: `imap.${field}`, code: 'REQUIRED', message: 'This is required to log in.' }];
  const fields = [
    ...(settings.authType === 'oauth2'
      ? []
      : [{ field: 'imap.authType', code: 'NOT_ALLOWED', message: 'This mailbox logs in with a password.' }]),
    ...required('oauthAuthorizeUrl', settings.oauthAuthorizeUrl !== null),
    ...required('oauthScopes', settings.oauthScopes !== null),
    ...loginServiceErrors(settings),
    ...(isApplicationLogin(settings)
      ? [
          {
            ...{ field: 'imap.oauthScopes', code: 'NOT_ALLOWED' },
            message: 'With these scopes the application logs in itself, and nobody else has to.',
          },
        ]
      : []),
  ];
  if (fields.length > 0) throw new ApiError('VALIDATION_FAILED', { fields });
}

/** In one order, so that two can be compared. */
export function grantSettings(settings: GrantSettings): GrantSettings {
  const { host, port, secure, allowStarttls, verifyCertificate, username } = settings;
  const { oauthAuthorizeUrl, oauthTokenUrl, oauthClientId, oauthScopes, oauthIssuer } = settings;
  const { oauthSharedMailbox } = settings;
  return {
    ...{ host, port, secure, allowStarttls, verifyCertificate, username },
    ...{ oauthAuthorizeUrl, oauthTokenUrl, oauthClientId, oauthScopes, oauthIssuer, oauthSharedMailbox },
  };
}

/** Random values are kept as their SHA-256. */
export function hashOf(value: string): Uint8Array {
  return createHash('sha256').update(value, 'utf8').digest();
}

function toAuthorization(record: AuthorizationRecord): Authorization {
  const { id, providerId: provider, state, settings, account, errorCode, expiresAt } = record;
  const entry = errorCode === null ? null : errorEntry(errorCode);
  return {
    id,
    providerId: provider,
    state: state === 'granted' || state === 'failed' ? state : 'pending',
    username: settings.username,
    account,
    errorCode,
    errorMessage: entry?.message ?? null,
    errorHint: entry?.hint ?? null,
    expiresAt: expiresAt.toISOString(),
  };
}
