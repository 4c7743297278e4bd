/** Grants that wait for the settings they were given for. Whoever made the login may use it, once, for exactly that account. */
import type { ProviderId } from '@mailstream/shared/domain/ids';
import { ApiError, fieldError } from '../api-error.ts';
import type { Actor, EnteredSecret, ProviderSettings } from '../ports.ts';
import type { AdoptedGrant } from '../ports/oauth-grant.ts';
import type { AuthorizationRecord, AuthorizationStore } from '../ports/oauth.ts';
import { isAnotherAccount, isAnotherApplication } from './provider-rules.ts';

/**
 * @param authorizationId as the request names it; undefined finds nothing
 * @param use.provider null for a mailbox that is being added
 * @throws ApiError OAUTH_STATE_INVALID, VALIDATION_FAILED
 */
export type FindGrant = (
  actor: Actor,
  authorizationId: string | undefined,
  use: { readonly provider: ProviderId | null; readonly settings: ProviderSettings },
) => Promise<AdoptedGrant | null>;

export function createFindGrant(ports: {
  readonly authorizations: Pick<AuthorizationStore, 'get' | 'pendingGrant'>;
  readonly now: () => Date;
}): FindGrant {
  return async (actor, authorizationId, { provider, settings }) => {
    if (authorizationId === undefined) return null;
    const record = await ports.authorizations.get(actor.tenant, authorizationId);
    if (record === null || !mayUse(record, actor, provider, ports.now())) throw invalid();
    if (isAnotherAccount(record.settings, settings) || isAnotherApplication(record.settings, settings))
      throw new ApiError('VALIDATION_FAILED', {
        message: 'Server, account or OAuth application are not those of the login any more.',
        hint: 'Log in again with these settings.',
        fields: [fieldError('imap.oauthAuthorizationId', 'OAUTH_STATE_INVALID')],
      });
    const grant = await ports.authorizations.pendingGrant(actor.tenant, authorizationId);
    if (grant === null) throw invalid();
    return { grant, authorizationId };
  };
}

function mayUse(record: AuthorizationRecord, actor: Actor, provider: ProviderId | null, now: Date): boolean {
  return (
    record.state === 'granted' &&
    !record.isApplied &&
    record.expiresAt > now &&
    record.actor.kind === actor.kind &&
    record.actor.id === actor.id &&
    record.providerId === provider
  );
}

function invalid(): ApiError {
  return new ApiError('OAUTH_STATE_INVALID', {
    fields: [fieldError('imap.oauthAuthorizationId', 'OAUTH_STATE_INVALID')],
  });
}

/** What of a grant is stored with the mailbox's secrets. */
export function grantedSecrets(adopted: AdoptedGrant | null): Partial<Record<EnteredSecret, string>> {
  if (adopted === null) return {};
  const { tokens, clientSecret } = adopted.grant;
  return {
    ...(tokens.refreshToken === null ? {} : { imap_refresh_token: tokens.refreshToken.reveal() }),
    ...(clientSecret === null ? {} : { imap_oauth_client_secret: clientSecret.reveal() }),
  };
}
