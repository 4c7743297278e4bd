/** People, programs, and the log of what they changed. Types only. */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { AuditEntry, AuditListQuery } from '../contracts/audit-log.ts';
import type { Page } from '../contracts/paging.ts';
import type { Tenant } from '../contracts/tenants.ts';
import type { AccountToken, TokenBody } from '../contracts/tokens.ts';
import type { AccountUser, UserBody, UserListQuery, UserPatch } from '../contracts/users.ts';
import type { Actor } from '../ports.ts';

export type UserResult =
  | { readonly kind: 'changed'; readonly user: AccountUser }
  | { readonly kind: 'notFound' | 'emailTaken' | 'lastAdministrator' };

export interface StoredLink {
  readonly tokenHash: Uint8Array;
  readonly expiresAt: Date;
}

/** People of a tenant. Each changing method is one transaction with its line in the audit log. */
export interface UserStore {
  list(tenant: TenantId, query: UserListQuery): Promise<Page<AccountUser>>;
  get(tenant: TenantId, id: string): Promise<AccountUser | null>;
  create(actor: Actor, id: string, body: UserBody, link: StoredLink): Promise<UserResult>;
  /** `decide` sees the user while nobody else can change one; what it throws changes nothing. Disabling ends all sessions. */
  change(actor: Actor, id: string, decide: (current: AccountUser) => UserPatch): Promise<UserResult>;
  /** Replaces older links of the user. */
  putLink(actor: Actor, id: string, link: StoredLink): Promise<'changed' | 'notFound'>;
  /** Sets the password of whoever the link is for and ends all sessions; null for a link that is not valid. A link works once. */
  useLink(
    tokenHash: Uint8Array,
    passwordHash: string,
    now: Date,
  ): Promise<{ readonly tenant: TenantId; readonly id: string } | null>;
  passwordOf(tenant: TenantId, id: string): Promise<string | null>;
  /** The actor's own; ends all sessions but `keepSession`. */
  setPassword(actor: Actor, passwordHash: string, keepSession: string | null): Promise<void>;
}

export interface NewTenantRow {
  readonly tenant: TenantId;
  readonly name: string;
  readonly user: UserBody & { readonly id: string };
  readonly link: StoredLink;
}

/** Each changing method is one transaction with its line in the audit log. */
export interface TenantStore {
  get(tenant: TenantId): Promise<Tenant | null>;
  /** @param actor null when nobody can be logged in yet; then nothing is logged */
  create(actor: Actor, row: NewTenantRow): Promise<Tenant>;
  rename(actor: Actor, name: string): Promise<Tenant | null>;
  close(actor: Actor, name: string): Promise<'closed' | 'notFound' | 'otherName'>;
}

export interface ApiTokenStore {
  list(tenant: TenantId): Promise<readonly AccountToken[]>;
  create(actor: Actor, id: string, body: TokenBody, tokenHash: Uint8Array): Promise<AccountToken>;
  /** Once more changes nothing. */
  revoke(actor: Actor, id: string): Promise<'changed' | 'notFound'>;
}

export interface AuditLogStore {
  list(tenant: TenantId, query: AuditListQuery): Promise<Page<AuditEntry>>;
}
