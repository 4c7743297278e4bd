/** Users, sessions and API tokens. Looked up in the role that sees all tenants, written as the tenant that was found. */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { tenantId } from '@mailstream/shared/domain/ids';
import type { AccountStore, ApiToken, Session, User } from '../ports.ts';

/** More accounts than this under one address would make a login a way to burn CPU. */
export const MAX_ACCOUNTS_PER_ADDRESS = 5;

interface UserRow {
  readonly tenant: string;
  readonly id: string;
  readonly email: string;
  readonly display_name: string;
  readonly role: User['role'];
  readonly password_hash: string | null;
  readonly disabled_at: Date | null;
}

interface TokenRow {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly token_hash: Buffer;
  readonly scopes: readonly string[];
  readonly last_used_at: Date | null;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
}

interface SessionRow {
  readonly tenant: string;
  readonly id: string;
  readonly token_hash: Buffer;
  readonly user_id: string;
  readonly created_at: Date;
  readonly last_used_at: Date;
  readonly expires_at: Date;
}

export function createAccountStore(database: Database): AccountStore {
  return {
    apiToken: (tokenHash) =>
      database.asAuth(async (trx) => {
        const row = await trx<TokenRow>('api_tokens')
          .where({ token_hash: Buffer.from(tokenHash) })
          .first();
        return row === undefined ? null : toApiToken(row);
      }),

    touchApiToken: (tenant, id, at) =>
      database.withTenant(tenant, async (trx) => {
        await trx('api_tokens').where({ tenant, id }).update({ last_used_at: at });
      }),

    usersByEmail: (email) =>
      database.asAuth(async (trx) => {
        const rows = await trx<UserRow>('users')
          .whereRaw('lower(email) = lower(?)', [email])
          .orderBy('created_at')
          .limit(MAX_ACCOUNTS_PER_ADDRESS);
        return rows.map(toUser);
      }),

    session: (tokenHash) =>
      database.asAuth(async (trx) => {
        const row = await trx<SessionRow>('sessions')
          .where({ token_hash: Buffer.from(tokenHash) })
          .first();
        return toSession(trx, row);
      }),

    sessionById: (tenant, id) =>
      database.withTenant(tenant, async (trx) =>
        toSession(trx, await trx<SessionRow>('sessions').where({ tenant, id }).first()),
      ),

    apiTokenById: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        const row = await trx<TokenRow>('api_tokens').where({ tenant, id }).first();
        return row === undefined ? null : toApiToken(row);
      }),

    openSession: (user, session) =>
      database.withTenant(user.tenant, async (trx) => {
        // Whoever logs in sweeps: sessions that ended are of no use to anybody.
        await trx('sessions').where({ tenant: user.tenant }).where('expires_at', '<', session.at).delete();
        await trx('sessions').insert({
          tenant: user.tenant,
          id: session.id,
          token_hash: Buffer.from(session.tokenHash),
          user_id: user.id,
          created_at: session.at,
          last_used_at: session.at,
          expires_at: session.expiresAt,
        });
      }),

    touchSession: (tenant, id, at, expiresAt) =>
      database.withTenant(tenant, async (trx) => {
        await trx('sessions').where({ tenant, id }).update({ last_used_at: at, expires_at: expiresAt });
      }),

    endSession: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        await trx('sessions').where({ tenant, id }).delete();
      }),

    describe: (actor) =>
      database.withTenant(actor.tenant, async (trx) => {
        const { tenant, id } = actor;
        const found = await trx<{ tenant: string; name: string }>('tenants').where({ tenant }).first('name');
        if (found === undefined) return null;
        if (actor.kind === 'user') {
          const user = await trx<UserRow>('users').where({ tenant, id }).first('email', 'display_name');
          if (user === undefined) return null;
          return { name: user.display_name || user.email, email: user.email, tenantName: found.name };
        }
        const token = await trx<TokenRow>('api_tokens').where({ tenant, id }).first('name');
        return token === undefined ? null : { name: token.name, email: null, tenantName: found.name };
      }),
  };
}

function toUser(row: UserRow): User {
  return {
    tenant: tenantId(row.tenant),
    id: row.id,
    email: row.email,
    displayName: row.display_name,
    role: row.role,
    passwordHash: row.password_hash,
    disabledAt: row.disabled_at,
  };
}

function toApiToken(row: TokenRow): ApiToken {
  return {
    tenant: tenantId(row.tenant),
    id: row.id,
    name: row.name,
    tokenHash: row.token_hash,
    scopes: row.scopes,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}

async function toSession(trx: Knex.Transaction, row: SessionRow | undefined): Promise<Session | null> {
  if (row === undefined) return null;
  const user = await trx<UserRow>('users').where({ tenant: row.tenant, id: row.user_id }).first();
  if (user === undefined) return null;
  return {
    tenant: tenantId(row.tenant),
    id: row.id,
    tokenHash: row.token_hash,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    user: toUser(user),
  };
}
