/**
 * Links for the owner of a mailbox, who logs in without an account here and without telling anybody a password. A link names no mailbox
 * and no tenant: it is a random value, kept as a hash, good for one login, for a week, for one mailbox that is saved already.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { ProviderId } from '@mailstream/shared/domain/ids';
import { errorEntry } from '@mailstream/shared/errors/catalogue';
import { ApiError } from '../api-error.ts';
import type { LinkView, LoginLink } from '../contracts/oauth.ts';
import type { Actor, ProviderStore } from '../ports.ts';
import type { AuthorizationRecord, AuthorizationStore, FoundAuthorization } from '../ports/oauth.ts';
import { grantSettings, hashOf, requireInteractive, type OAuthLoginUseCases } from './oauth-logins.ts';

export interface LoginLinkUseCases {
  /** Withdraws older links of the mailbox. @param origin of the UI, without a slash at its end */
  create(actor: Actor, id: ProviderId, origin: string): Promise<LoginLink>;
  /** @throws ApiError OAUTH_LINK_INVALID, whatever is wrong with it */
  view(token: string): Promise<LinkView>;
  /** @returns where the browser goes, and what it has to bring back in its cookie */
  start(
    token: string,
    redirectUri: string,
  ): Promise<{
    readonly authorizeUrl: string;
    readonly browserToken: string;
    readonly expiresAt: Date;
  }>;
}

const LINK_MS = 7 * 24 * 3_600_000;

export function createLoginLinkUseCases(ports: {
  readonly authorizations: AuthorizationStore;
  readonly providers: Pick<ProviderStore, 'record' | 'readSecret'>;
  readonly logins: Pick<OAuthLoginUseCases, 'depart'>;
  readonly now: () => Date;
}): LoginLinkUseCases {
  const { authorizations, providers, logins, now } = ports;

  async function recordOf(token: string): Promise<AuthorizationRecord> {
    const found = await authorizations.byLink(hashOf(token));
    if (found === null || !isUsable(found, now())) throw new ApiError('OAUTH_LINK_INVALID');
    const record = await authorizations.get(found.tenant, found.id);
    if (record === null) throw new ApiError('OAUTH_LINK_INVALID');
    return record;
  }

  return {
    async create(actor, id, origin) {
      const current = await providers.record(actor.tenant, id);
      if (current === null) throw new ApiError('NOT_FOUND');
      requireInteractive(current.settings);
      const token = randomBytes(32).toString('base64url');
      const expiresAt = new Date(now().getTime() + LINK_MS);
      await authorizations.open(
        actor,
        {
          ...{ id: randomUUID(), providerId: id, isApplied: true, returnTo: 'link', expiresAt },
          settings: grantSettings(current.settings),
        },
        hashOf(token),
      );
      // Behind "#" it reaches no server, no log and no referrer on its way.
      const url = `${origin}/connect#${token}`;
      return { url, mailbox: current.settings.mailbox, expiresAt: expiresAt.toISOString() };
    },

    async view(token) {
      const { actor, settings, expiresAt, errorCode } = await recordOf(token);
      const entry = errorCode === null ? null : errorEntry(errorCode);
      return {
        tenantName: await authorizations.tenantName(actor.tenant),
        mailbox: settings.username,
        loginHost: new URL(settings.oauthAuthorizeUrl ?? '').hostname,
        expiresAt: expiresAt.toISOString(),
        errorCode,
        errorMessage: entry?.message ?? null,
        errorHint: entry?.hint ?? null,
      };
    },

    async start(token, redirectUri) {
      const { id, actor, settings, providerId } = await recordOf(token);
      const current = providerId === null ? null : await providers.record(actor.tenant, providerId);
      if (providerId === null || current === null) throw new ApiError('OAUTH_LINK_INVALID');
      const clientSecret = current.secrets.has('imap_oauth_client_secret')
        ? await providers.readSecret(actor.tenant, providerId, 'imap_oauth_client_secret')
        : null;
      const browserToken = randomBytes(32).toString('base64url');
      const departed = await logins.depart({
        ...{ tenant: actor.tenant, id, settings, clientSecret, redirectUri },
        browser: { kind: 'link', browserHash: hashOf(browserToken) },
      });
      return { ...departed, browserToken };
    },
  };
}

function isUsable({ state, expiresAt }: FoundAuthorization, at: Date): boolean {
  return expiresAt > at && (state === 'waiting' || state === 'started');
}
