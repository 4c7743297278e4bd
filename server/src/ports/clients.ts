/** Clients, their domains and their people. */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type {
  Client,
  ClientBody,
  ClientDetail,
  ClientListQuery,
  Contact,
  ContactListQuery,
} from '../contracts/clients.ts';
import type { Page } from '../contracts/paging.ts';
import type { Actor } from '../ports.ts';

export type ClientResult =
  { readonly kind: 'changed'; readonly client: Client } | { readonly kind: 'notFound' | 'domainTaken' };
/** `tickets`, `defaults`, `rule`: what names it, so that it stays. */
export type ClientRemoval = 'changed' | 'notFound' | 'tickets' | 'defaults' | 'rule';

/** Each changing method is one transaction with its line in the audit log. */
export interface ClientStore {
  list(tenant: TenantId, query: ClientListQuery): Promise<Page<Client>>;
  get(tenant: TenantId, id: string): Promise<ClientDetail | null>;
  /** By address. Null where there is no such client. */
  contacts(tenant: TenantId, id: string, query: ContactListQuery): Promise<Page<Contact> | null>;
  create(actor: Actor, id: string, body: ClientBody): Promise<ClientResult>;
  replace(actor: Actor, id: string, body: ClientBody): Promise<ClientResult>;
  /** Its contacts stay, and belong to nobody then. */
  remove(actor: Actor, id: string): Promise<ClientRemoval>;
}
