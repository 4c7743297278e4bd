/** Tenants and their first user, made from a terminal. Types only. */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Role } from '../contracts/users.ts';
import type { StoredLink } from './accounts.ts';

export interface NewTenant {
  readonly tenant: TenantId;
  readonly name: string;
  readonly user: {
    readonly id: string;
    readonly email: string;
    readonly displayName: string;
    readonly role: Role;
    /** Null with a link. */
    readonly passwordHash: string | null;
  };
  /** Null with a password. */
  readonly link: StoredLink | null;
}

export interface KnownUser {
  readonly tenant: TenantId;
  readonly id: string;
  readonly role: Role;
  readonly state: 'active' | 'invited' | 'disabled';
}

export type TenantResult =
  | { readonly kind: 'made' }
  /** A tenant of that name has that user already: nothing was changed. */
  | { readonly kind: 'known'; readonly user: KnownUser }
  /** The address has as many accounts as a login looks at: one more could not log in. */
  | { readonly kind: 'tooMany'; readonly accounts: number };

export interface TenantStore {
  /** All or nothing, with its lines in the audit log. Two calls at once take turns: the second finds what the first made. */
  create(wanted: NewTenant): Promise<TenantResult>;
  /** The user of that address in a tenant of that name; both compared without regard to case. */
  find(name: string, email: string): Promise<KnownUser | null>;
  /** Ends older links of the user. */
  putLink(user: Pick<KnownUser, 'tenant' | 'id'>, link: StoredLink): Promise<void>;
}
