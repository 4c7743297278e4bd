/** API tokens of a tenant; the token itself is never stored. */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import type { TenantId } from '@mailstream/shared/domain/ids';
import { SCOPES } from '../contracts/session.ts';
import type { AccountToken } from '../contracts/tokens.ts';
import type { ApiTokenStore } from '../ports/accounts.ts';
import { iso, isoOrNull } from './page-cursor.ts';
import { auditLine } from './pg-audit-line.ts';

/** The newest are shown; nobody keeps an eye on more. */
const MAX_SHOWN = 500;

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly created_at: Date;
  readonly created_by_name: string | null;
  readonly last_used_at: Date | null;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly is_expired: boolean;
}

export function createApiTokenStore(database: Database): ApiTokenStore {
  return {
    list: (tenant) =>
      database.withTenant(tenant, async (trx) =>
        (await tokens(trx, tenant).orderBy('t.created_at', 'desc').limit(MAX_SHOWN)).map(toToken),
      ),

    create: (actor, id, { name, scopes, expiresAt }, tokenHash) =>
      database.withTenant(actor.tenant, async (trx) => {
        const { tenant } = actor;
        await trx('api_tokens').insert({
          ...{ tenant, id, name },
          token_hash: Buffer.from(tokenHash),
          scopes: JSON.stringify(scopes),
          created_by: actor.kind === 'user' ? actor.id : null,
          expires_at: expiresAt ?? null,
        });
        const after = { name, scopes, expiresAt: expiresAt ?? null };
        await auditLine(trx, actor, 'api_token.created', { type: 'api_token', id }, { before: null, after });
        const [row] = await tokens(trx, tenant).where('t.id', id);
        if (row === undefined) throw new Error('a token is not there after it was made');
        return toToken(row);
      }),

    revoke: (actor, id) =>
      database.withTenant(actor.tenant, async (trx) => {
        const { tenant } = actor;
        const [row] = await tokens(trx, tenant).where('t.id', id).forUpdate('t');
        if (row === undefined) return 'notFound';
        if (row.revoked_at !== null) return 'changed';
        await trx('api_tokens').where({ tenant, id }).update({ revoked_at: trx.fn.now() });
        const before = { name: row.name, scopes: row.scopes };
        await auditLine(trx, actor, 'api_token.revoked', { type: 'api_token', id }, { before, after: null });
        return 'changed';
      }),
  };
}

function tokens(trx: Knex.Transaction, tenant: TenantId): Knex.QueryBuilder<object, TokenRow[]> {
  return trx('api_tokens as t')
    .leftJoin('users as u', (on) => {
      on.on('u.tenant', 't.tenant').andOn('u.id', 't.created_by');
    })
    .where('t.tenant', tenant)
    .select(
      't.id',
      't.name',
      't.scopes',
      't.created_at',
      't.last_used_at',
      't.expires_at',
      't.revoked_at',
      trx.raw(`coalesce(nullif(u.display_name, ''), u.email) AS created_by_name,
        coalesce(t.expires_at <= now(), false) AS is_expired`),
    ) as unknown as Knex.QueryBuilder<object, TokenRow[]>;
}

function toToken(row: TokenRow): AccountToken {
  return {
    id: row.id,
    name: row.name,
    // What a newer version granted is not known here.
    scopes: SCOPES.filter((scope) => row.scopes.includes(scope)),
    state: row.revoked_at !== null ? 'revoked' : row.is_expired ? 'expired' : 'active',
    createdAt: iso(row.created_at),
    createdBy: row.created_by_name,
    lastUsedAt: isoOrNull(row.last_used_at),
    expiresAt: isoOrNull(row.expires_at),
    revokedAt: isoOrNull(row.revoked_at),
  };
}
