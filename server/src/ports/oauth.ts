/** Logins with OAuth: what is kept of them while they are under way, and the login service itself. Types only. */
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { ErrorCode } from '@mailstream/shared/errors/catalogue';
import type { IssuedTokens } from '@mailstream/shared/oauth/token-endpoint';
import type { SecretValue } from '@mailstream/shared/secrets/secret-value';
import type { ReturnTo } from '../contracts/oauth.ts';
import type { Actor, ProviderSettings } from '../ports.ts';
import type { Grant } from './oauth-grant.ts';

/** Server, account and application that a grant is for. Whoever saves other ones has to log in again. */
export type GrantSettings = Pick<
  ProviderSettings,
  | 'host'
  | 'port'
  | 'secure'
  | 'allowStarttls'
  | 'verifyCertificate'
  | 'username'
  | 'oauthAuthorizeUrl'
  | 'oauthTokenUrl'
  | 'oauthClientId'
  | 'oauthScopes'
  | 'oauthIssuer'
  | 'oauthSharedMailbox'
>;

/** Kept sealed between the departure of a browser and its return. */
export interface Departure {
  readonly codeVerifier: SecretValue;
  readonly nonce: string;
  readonly clientSecret: SecretValue | null;
  readonly redirectUri: string;
}

/** Whose browser has to come back. */
export type Browser =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'link'; readonly browserHash: Uint8Array };

export interface NewAuthorization {
  readonly id: string;
  readonly providerId: ProviderId | null;
  /** What is granted goes to the mailbox at once. */
  readonly isApplied: boolean;
  readonly settings: GrantSettings;
  readonly returnTo: ReturnTo | 'link';
  readonly expiresAt: Date;
}

/** What can be found before the tenant is known. */
export interface FoundAuthorization {
  readonly tenant: TenantId;
  readonly id: string;
  readonly state: 'waiting' | 'started' | 'answered' | 'granted' | 'failed';
  readonly stateExpiresAt: Date | null;
  readonly sessionId: string | null;
  readonly browserHash: Uint8Array | null;
  readonly expiresAt: Date;
}

export interface AuthorizationRecord extends NewAuthorization {
  readonly state: FoundAuthorization['state'];
  /** Who began it, or sent the link. */
  readonly actor: Actor;
  readonly account: string | null;
  readonly errorCode: ErrorCode | null;
}

export interface AuthorizationStore {
  /** Also removes what has expired, and (for a link) older links of the same mailbox. */
  open(actor: Actor, authorization: NewAuthorization, linkHash: Uint8Array | null): Promise<void>;
  /** A login begins, or begins anew; an earlier one of the same link can no longer come back. */
  start(
    tenant: TenantId,
    id: string,
    start: {
      readonly stateHash: Uint8Array;
      readonly stateExpiresAt: Date;
      readonly browser: Browser;
      readonly departure: Departure;
    },
  ): Promise<void>;
  byState(stateHash: Uint8Array): Promise<FoundAuthorization | null>;
  byLink(linkHash: Uint8Array): Promise<FoundAuthorization | null>;
  /** Uses the state up: of several calls at once, one gets it. */
  take(
    tenant: TenantId,
    id: string,
    stateHash: Uint8Array,
  ): Promise<{ readonly record: AuthorizationRecord; readonly departure: Departure } | null>;
  /** A grant is kept sealed until the settings are saved; null where the mailbox has it already. */
  succeed(
    tenant: TenantId,
    id: string,
    outcome: { readonly account: string | null; readonly grant: Grant | null; readonly expiresAt: Date },
  ): Promise<void>;
  /** A link can be tried again. */
  fail(tenant: TenantId, id: string, code: ErrorCode): Promise<void>;
  get(tenant: TenantId, id: string): Promise<AuthorizationRecord | null>;
  /** Opens a grant that waits for its settings to be saved. */
  pendingGrant(tenant: TenantId, id: string): Promise<Grant | null>;
  tenantName(tenant: TenantId): Promise<string>;
}

export interface OAuthClient {
  /** Makes the address that the browser goes to. Touches no network. */
  depart(
    settings: GrantSettings,
    redirectUri: string,
  ): Promise<{
    readonly authorizeUrl: string;
    readonly state: string;
    readonly codeVerifier: SecretValue;
    readonly nonce: string;
  }>;
  /**
   * Asks the token endpoint, for at most 10 s.
   * @returns the tokens, and the addresses of the account: null where the service did not tell
   * @throws FaultError as `requestTokens`; OAUTH_ISSUER_MISMATCH for an ID token that must not be believed
   */
  exchange(
    settings: GrantSettings,
    departure: Departure,
    code: SecretValue,
  ): Promise<{ readonly tokens: IssuedTokens; readonly addresses: readonly string[] | null }>;
}
