/** Making a tenant from a terminal. Nobody is logged in there: the audit log says `system`. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import type { Role } from '../contracts/users.ts';
import type { KnownUser, NewTenant, TenantStore } from '../ports/tenants.ts';
import { MAX_ACCOUNTS_PER_ADDRESS } from './pg-accounts.ts';
import { putPasswordLink } from './pg-users.ts';

/** Who the audit log names. */
const ACTOR = 'create-tenant';
/** Any constant: it only has to be ours. Whoever makes a tenant waits for whoever else does. */
const ADVISORY_LOCK = 7263528172n;

interface AccountRow {
  readonly tenant: string;
  readonly id: string;
  readonly role: Role;
  readonly password_hash: string | null;
  readonly disabled_at: Date | null;
}

export function createTenantStore(database: Database): TenantStore {
  const accountsOf = (email: string): Promise<readonly AccountRow[]> =>
    database.asAuth((trx) =>
      trx<AccountRow>('users').whereRaw('lower(email) = lower(?)', [email]).orderBy('created_at'),
    );

  const nameOf = (tenant: TenantId): Promise<string> =>
    database.withTenant(tenant, async (trx) => {
      const row = await trx<{ tenant: string; name: string }>('tenants').where({ tenant }).first('name');
      return row?.name ?? '';
    });

  const named = async (name: string, accounts: readonly AccountRow[]): Promise<KnownUser | null> => {
    for (const row of accounts) {
      const tenant = tenantId(row.tenant);
      if ((await nameOf(tenant)).toLowerCase() === name.toLowerCase()) return toKnownUser(tenant, row);
    }
    return null;
  };

  return {
    create: (wanted) =>
      database.withTenant(wanted.tenant, async (trx) => {
        await trx.raw('SELECT pg_advisory_xact_lock(?)', [ADVISORY_LOCK.toString()]);
        const accounts = await accountsOf(wanted.user.email);
        const user = await named(wanted.name, accounts);
        if (user !== null) return { kind: 'known', user };
        if (accounts.length >= MAX_ACCOUNTS_PER_ADDRESS)
          return { kind: 'tooMany', accounts: accounts.length };
        await insert(trx, wanted);
        return { kind: 'made' };
      }),

    find: async (name, email) => named(name, await accountsOf(email)),

    putLink: ({ tenant, id }, link) =>
      database.withTenant(tenant, async (trx) => {
        await putPasswordLink(trx, tenant, id, link);
        await auditLine(trx, tenant, 'user.password_link', ['user', id], null);
      }),
  };
}

async function insert(trx: Knex.Transaction, { tenant, name, user, link }: NewTenant): Promise<void> {
  const { id, email, displayName, role, passwordHash } = user;
  await trx('tenants').insert({ tenant, name });
  await trx('users').insert({
    tenant,
    id,
    email,
    display_name: displayName,
    role,
    password_hash: passwordHash,
  });
  if (link !== null) await putPasswordLink(trx, tenant, id, link);
  await auditLine(trx, tenant, 'tenant.created', ['tenant', tenant], { name });
  await auditLine(trx, tenant, 'user.created', ['user', id], { email, displayName, role });
}

async function auditLine(
  trx: Knex.Transaction,
  tenant: TenantId,
  action: string,
  [type, id]: readonly [type: 'tenant' | 'user', id: string],
  after: object | null,
): Promise<void> {
  await trx('audit_log').insert({
    tenant,
    id: randomUUID(),
    actor_type: 'system',
    actor_id: ACTOR,
    action,
    subject_type: type,
    subject_id: id,
    before: null,
    after: after === null ? null : JSON.stringify(after),
  });
}

function toKnownUser(tenant: TenantId, { id, role, password_hash, disabled_at }: AccountRow): KnownUser {
  const state = disabled_at !== null ? 'disabled' : password_hash === null ? 'invited' : 'active';
  return { tenant, id, role, state };
}
