/** People of a tenant. Whatever takes a right away ends the sessions that used it, in the same transaction. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { sqlState } from '@mailstream/shared/db/database-faults';
import { tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import type { AccountUser, Role } from '../contracts/users.ts';
import type { Actor } from '../ports.ts';
import type { UserResult, UserStore } from '../ports/accounts.ts';
import { contains, decodeCursor, iso, isoOrNull, toPage } from './page-cursor.ts';
import { auditLine } from './pg-audit-line.ts';

const UNIQUE_VIOLATION = '23505';

interface UserRow {
  readonly id: string;
  readonly email: string;
  readonly display_name: string;
  readonly role: Role;
  readonly has_password: boolean;
  readonly disabled_at: Date | null;
  readonly created_at: Date;
  readonly last_seen_at: Date | null;
  readonly sort_email: string;
}

export function createUserStore(database: Database): UserStore {
  return {
    list: (tenant, query) =>
      database.withTenant(tenant, async (trx) => {
        const rows = users(trx, tenant);
        const { search, cursor } = query;
        if (search !== undefined)
          void rows.where((either) =>
            either.whereILike('u.email', contains(search)).orWhereILike('u.display_name', contains(search)),
          );
        if (cursor !== undefined) {
          const [email, id] = decodeCursor(cursor, 'text');
          void rows.whereRaw('(lower(u.email), u.id) > (?, ?::uuid)', [email, id]);
        }
        const found = await rows.orderByRaw('lower(u.email), u.id').limit(query.limit + 1);
        return toPage(found, query.limit, toUser, (row) => [row.sort_email, row.id]);
      }),

    get: (tenant, id) => database.withTenant(tenant, (trx) => one(trx, tenant, id)),

    create: async (actor, id, body, link) => {
      try {
        return await database.withTenant(actor.tenant, async (trx) => {
          const { email, displayName, role } = body;
          await trx('users').insert({ tenant: actor.tenant, id, email, display_name: displayName, role });
          await putPasswordLink(trx, actor.tenant, id, link);
          await auditLine(trx, actor, 'user.created', { type: 'user', id }, { before: null, after: body });
          const user = await one(trx, actor.tenant, id);
          return user === null ? { kind: 'notFound' } : { kind: 'changed', user };
        });
      } catch (error) {
        if (sqlState(error) === UNIQUE_VIOLATION) return { kind: 'emailTaken' };
        throw error;
      }
    },

    change: (actor, id, decide) =>
      refusingTheLast(
        database.withTenant(actor.tenant, async (trx) => {
          const { tenant } = actor;
          // Whoever takes the last administrator's right away waits for whoever else is about to.
          await trx('users')
            .where({ tenant })
            .whereIn('role', ['admin', 'operator'])
            .orderBy('id')
            .forUpdate()
            .select('id');
          const before = await one(trx, tenant, id);
          if (before === null) return { kind: 'notFound' };
          const patch = decide(before);
          const after = {
            displayName: patch.displayName ?? before.displayName,
            role: patch.role ?? before.role,
            isDisabled: patch.isDisabled ?? before.state === 'disabled',
          };
          await trx('users')
            .where({ tenant, id })
            .update({
              display_name: after.displayName,
              role: after.role,
              disabled_at: after.isDisabled ? trx.raw('coalesce(disabled_at, now())') : null,
              updated_at: trx.fn.now(),
            });
          if (await isLeaderless(trx, tenant)) throw new LastAdministrator();
          if (after.isDisabled) {
            await trx('sessions').where({ tenant, user_id: id }).delete();
            await trx('password_links').where({ tenant, user_id: id }).delete();
          }
          const was = {
            displayName: before.displayName,
            role: before.role,
            isDisabled: before.state === 'disabled',
          };
          await auditLine(trx, actor, 'user.updated', { type: 'user', id }, { before: was, after });
          const user = await one(trx, tenant, id);
          return user === null ? { kind: 'notFound' } : { kind: 'changed', user };
        }),
      ),

    putLink: (actor, id, link) =>
      database.withTenant(actor.tenant, async (trx) => {
        const found = await trx('users').where({ tenant: actor.tenant, id }).first('id');
        if (found === undefined) return 'notFound';
        await putPasswordLink(trx, actor.tenant, id, link);
        await auditLine(
          trx,
          actor,
          'user.password_link',
          { type: 'user', id },
          { before: null, after: null },
        );
        return 'changed';
      }),

    useLink: async (tokenHash, passwordHash, now) => {
      const found = await database.asAuth(
        async (trx) =>
          (await trx('password_links')
            .where({ token_hash: Buffer.from(tokenHash) })
            .where('expires_at', '>', now)
            .first('tenant', 'user_id')) as { tenant: string; user_id: string } | undefined,
      );
      if (found === undefined) return null;
      const tenant = tenantId(found.tenant);
      return database.withTenant(tenant, async (trx) => {
        // Only one of two that use it at once gets it.
        const used = await trx('password_links')
          .where({ tenant, user_id: found.user_id, token_hash: Buffer.from(tokenHash) })
          .delete();
        if (used === 0) return null;
        return setPassword(trx, tenant, found.user_id, passwordHash, null);
      });
    },

    passwordOf: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        const row = (await trx('users').where({ tenant, id }).first('password_hash')) as
          { password_hash: string | null } | undefined;
        return row?.password_hash ?? null;
      }),

    setPassword: (actor, passwordHash, keepSession) =>
      database.withTenant(actor.tenant, async (trx) => {
        await setPassword(trx, actor.tenant, actor.id, passwordHash, keepSession);
      }),
  };
}

/** Rolls the transaction back; never leaves this file. */
class LastAdministrator extends Error {
  override readonly name = 'LastAdministrator';
}

async function refusingTheLast(work: Promise<UserResult>): Promise<UserResult> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof LastAdministrator) return { kind: 'lastAdministrator' };
    throw error;
  }
}

/** Nobody is left who can log in and let others in. */
async function isLeaderless(trx: Knex.Transaction, tenant: TenantId): Promise<boolean> {
  const left = await trx('users')
    .where({ tenant })
    .whereIn('role', ['admin', 'operator'])
    .whereNull('disabled_at')
    .whereNotNull('password_hash')
    .first('id');
  return left === undefined;
}

async function setPassword(
  trx: Knex.Transaction,
  tenant: TenantId,
  id: string,
  passwordHash: string,
  keepSession: string | null,
): Promise<{ readonly tenant: TenantId; readonly id: string } | null> {
  const changed = await trx('users')
    .where({ tenant, id })
    .whereNull('disabled_at')
    .update({ password_hash: passwordHash, updated_at: trx.fn.now() });
  if (changed === 0) return null;
  const others = trx('sessions').where({ tenant, user_id: id });
  await (keepSession === null ? others : others.whereNot('id', keepSession)).delete();
  await trx('password_links').where({ tenant, user_id: id }).delete();
  const actor: Actor = { tenant, kind: 'user', id, scopes: new Set() };
  await auditLine(trx, actor, 'user.password_set', { type: 'user', id }, { before: null, after: null });
  return { tenant, id };
}

/** Replaces older links of the user. */
export async function putPasswordLink(
  trx: Knex.Transaction,
  tenant: TenantId,
  userId: string,
  link: { readonly tokenHash: Uint8Array; readonly expiresAt: Date },
): Promise<void> {
  await trx('password_links').where({ tenant, user_id: userId }).delete();
  await trx('password_links').insert({
    tenant,
    id: randomUUID(),
    user_id: userId,
    token_hash: Buffer.from(link.tokenHash),
    expires_at: link.expiresAt,
  });
}

function users(trx: Knex.Transaction, tenant: TenantId): Knex.QueryBuilder<object, UserRow[]> {
  return trx('users as u')
    .where('u.tenant', tenant)
    .select(
      'u.id',
      'u.email',
      'u.display_name',
      'u.role',
      'u.disabled_at',
      'u.created_at',
      trx.raw(`u.password_hash IS NOT NULL AS has_password, lower(u.email) AS sort_email,
        (SELECT max(s.last_used_at) FROM sessions s WHERE s.tenant = u.tenant AND s.user_id = u.id) AS last_seen_at`),
    ) as unknown as Knex.QueryBuilder<object, UserRow[]>;
}

async function one(trx: Knex.Transaction, tenant: TenantId, id: string): Promise<AccountUser | null> {
  const [row] = await users(trx, tenant).where('u.id', id);
  return row === undefined ? null : toUser(row);
}

function toUser(row: UserRow): AccountUser {
  return {
    id: row.id,
    email: row.email,
    displayName: row.display_name,
    role: row.role,
    state: row.disabled_at !== null ? 'disabled' : row.has_password ? 'active' : 'invited',
    lastSeenAt: isoOrNull(row.last_seen_at),
    createdAt: iso(row.created_at),
  };
}
