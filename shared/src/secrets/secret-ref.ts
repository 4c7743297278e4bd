import type { ProviderId, TenantId } from '../domain/ids.ts';

export const SECRET_NAMES = [
  'imap_password',
  'imap_oauth_client_secret',
  'imap_refresh_token',
  'imap_access_token',
  'smtp_password',
] as const;

export type SecretName = (typeof SECRET_NAMES)[number];

/** What is sealed: a secret of a provider, or all that a login with OAuth needs while it is under way. */
export type SealedName = SecretName | 'oauth_authorization';

/** Names one secret of one owner. A sealed secret is bound to all three and opens nowhere else. */
export interface SealedRef {
  readonly tenant: TenantId;
  /** Of the provider, or of the login that is under way. */
  readonly providerId: string;
  readonly name: SealedName;
}

/** One secret of one provider. */
export interface SecretRef extends SealedRef {
  readonly tenant: TenantId;
  readonly providerId: ProviderId;
  readonly name: SecretName;
}

/** How rows, variables and files call it: `imap_password_<providerId>`. */
export function storedName(ref: Pick<SecretRef, 'providerId' | 'name'>): string {
  return `${ref.name}_${ref.providerId}`;
}
