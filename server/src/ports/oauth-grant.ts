/** What a login with OAuth brings. Types only. */
import type { IssuedTokens } from '@mailstream/shared/oauth/token-endpoint';
import type { SecretValue } from '@mailstream/shared/secrets/secret-value';

export interface Grant {
  readonly tokens: IssuedTokens;
  /** The address that logged in, where the service told. */
  readonly account: string | null;
  readonly clientSecret: SecretValue | null;
  readonly grantedAt: Date;
}

export interface AdoptedGrant {
  readonly grant: Grant;
  /** Where it was kept until now, to be removed from there in the same transaction; null for one that was just given. */
  readonly authorizationId: string | null;
}
