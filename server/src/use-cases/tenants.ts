/** A tenant begins with one person who lets others in, and ends when one of them closes it. */
import { randomUUID } from 'node:crypto';
import { tenantId } from '@mailstream/shared/domain/ids';
import { ApiError } from '../api-error.ts';
import type { NewTenant, NewTenantBody, Tenant } from '../contracts/tenants.ts';
import type { Role } from '../contracts/users.ts';
import type { Actor } from '../ports.ts';
import type { TenantStore } from '../ports/accounts.ts';
import { createPasswordLink } from './password-link.ts';

export interface TenantUseCases {
  get(actor: Actor): Promise<Tenant>;
  /**
   * The first one of an installation comes from `create-tenant`.
   * @param role of the first user
   */
  create(actor: Actor, body: NewTenantBody, role: Role): Promise<NewTenant>;
  rename(actor: Actor, name: string): Promise<Tenant>;
  /** Nobody can log in any more, no mail is fetched or sent, and no secret is left. @throws ApiError VALIDATION_FAILED for another name */
  close(actor: Actor, name: string): Promise<void>;
}

export function createTenantUseCases(ports: {
  readonly tenants: TenantStore;
  readonly now: () => Date;
}): TenantUseCases {
  const { tenants, now } = ports;
  const existing = (tenant: Tenant | null): Tenant => {
    if (tenant === null) throw new ApiError('NOT_FOUND');
    return tenant;
  };
  return {
    get: async (actor) => existing(await tenants.get(actor.tenant)),
    create: async (actor, { name, administrator }, role) => {
      const link = createPasswordLink(now());
      const user = { id: randomUUID(), ...administrator, role };
      const tenant = await tenants.create(actor, {
        ...{ tenant: tenantId(randomUUID()), name, user },
        link: link.stored,
      });
      return {
        tenant,
        user: { ...user, state: 'invited', lastSeenAt: null, createdAt: tenant.createdAt },
        link: link.shown,
      };
    },
    rename: async (actor, name) => existing(await tenants.rename(actor, name)),
    close: async (actor, name) => {
      const result = await tenants.close(actor, name);
      if (result === 'notFound') throw new ApiError('NOT_FOUND');
      if (result === 'otherName')
        throw new ApiError('VALIDATION_FAILED', {
          fields: [{ field: 'name', code: 'WRONG', message: 'This is not the name of the tenant.' }],
        });
    },
  };
}
