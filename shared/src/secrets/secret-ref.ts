import type { ProviderId, TenantId } from '../domain/ids.ts';

export const SECRET_NAMES = [
  'imap_password',
  'imap_oauth_client_secret',
  'imap_refresh_token',
  'imap_access_token',
  'smtp_password',
] as const;

export type SecretName = (typeof SECRET_NAMES)[number];

/** Names one secret of one provider. A sealed secret is bound to all three and opens nowhere else. */
export interface SecretRef {
  readonly tenant: TenantId;
  readonly providerId: ProviderId;
  readonly name: SecretName;
}

/** How rows, variables and files call it: `imap_password_<providerId>`. */
export function storedName(ref: Pick<SecretRef, 'providerId' | 'name'>): string {
  return `${ref.name}_${ref.providerId}`;
}
