/** Tenants. A new one has somebody who can let others in; a closed one has nobody, no secret, and no mailbox that runs. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { notifyProviders } from '@mailstream/shared/db/notices';
import { providerId, type TenantId } from '@mailstream/shared/domain/ids';
import type { Tenant } from '../contracts/tenants.ts';
import type { Actor } from '../ports.ts';
import type { TenantStore } from '../ports/accounts.ts';
import { iso } from './page-cursor.ts';
import { auditLine } from './pg-audit-line.ts';

export function createTenantStore(database: Database): TenantStore {
  return {
    get: (tenant) => database.withTenant(tenant, (trx) => read(trx, tenant)),

    create: (actor, { tenant, name, user, link }) =>
      database.withTenant(tenant, async (trx) => {
        await trx('tenants').insert({ tenant, name });
        const { id, email, displayName, role } = user;
        await trx('users').insert({ tenant, id, email, display_name: displayName, role });
        await trx('password_links').insert({
          ...{ tenant, id: randomUUID(), user_id: id },
          ...{ token_hash: Buffer.from(link.tokenHash), expires_at: link.expiresAt },
        });
        const made = await read(trx, tenant);
        if (made === null) throw new Error('a tenant that was just made is not there');
        // Of whoever made it, in the same transaction: nobody in the new tenant did.
        await trx.raw(`SELECT set_config('mailstream.tenant', ?, true)`, [actor.tenant]);
        const after = { name, administrator: email };
        await auditLine(
          trx,
          actor,
          'tenant.created',
          { type: 'tenant', id: tenant },
          { before: null, after },
        );
        return made;
      }),

    rename: (actor, name) =>
      database.withTenant(actor.tenant, async (trx) => {
        const { tenant } = actor;
        const before = await read(trx, tenant, true);
        if (before === null) return null;
        await trx('tenants').where({ tenant }).update({ name });
        const change = { before: { name: before.name }, after: { name } };
        await auditLine(trx, actor, 'tenant.renamed', { type: 'tenant', id: tenant }, change);
        return { ...before, name };
      }),

    close: (actor, name) =>
      database.withTenant(actor.tenant, async (trx) => {
        const { tenant } = actor;
        const found = await read(trx, tenant, true);
        if (found === null) return 'notFound';
        if (found.name !== name) return 'otherName';
        const counts = await closeAll(trx, actor);
        await auditLine(
          trx,
          actor,
          'tenant.closed',
          { type: 'tenant', id: tenant },
          { before: null, after: counts },
        );
        return 'closed';
      }),
  };
}

async function read(trx: Knex.Transaction, tenant: TenantId, isLocked = false): Promise<Tenant | null> {
  const query = trx<{ tenant: string; name: string; created_at: Date }>('tenants').where({ tenant });
  const row = await (isLocked ? query.forUpdate() : query).first('name', 'created_at');
  return row === undefined ? null : { id: tenant, name: row.name, createdAt: iso(row.created_at) };
}

async function closeAll(trx: Knex.Transaction, { tenant }: Actor): Promise<Record<string, number>> {
  await trx('tenants').where({ tenant }).update({ closed_at: trx.fn.now() });
  // In the order in which everybody locks these two.
  await trx('imap_email_provider_config')
    .where({ tenant })
    .update({ config_version: trx.raw('config_version + 1') });
  const mailboxes: readonly { id: string }[] = await trx('email_providers')
    .where({ tenant })
    .update({
      paused_at: trx.raw('coalesce(paused_at, now())'),
      pause_reason: 'tenant_cancelled',
      updated_at: trx.fn.now(),
    })
    .returning('id');
  const secrets = await trx('provider_secrets').where({ tenant }).delete();
  await trx('oauth_authorizations').where({ tenant }).delete();
  await trx('smtp_settings').where({ tenant }).delete();
  const mails = await trx('outbound_messages')
    .where({ tenant, state: 'queued' })
    .update({ state: 'suppressed', error_code: 'TENANT_CLOSED', updated_at: trx.fn.now() });
  await trx('sessions').where({ tenant }).delete();
  await trx('password_links').where({ tenant }).delete();
  await trx('api_tokens').where({ tenant }).whereNull('revoked_at').update({ revoked_at: trx.fn.now() });
  const users = await trx('users')
    .where({ tenant })
    .whereNull('disabled_at')
    .update({ disabled_at: trx.fn.now(), updated_at: trx.fn.now() });
  // Whoever holds one lets go of it at once.
  await notifyProviders(
    trx,
    mailboxes.map(({ id }) => ({ tenant, id: providerId(id) })),
  );
  return { mailboxes: mailboxes.length, secrets, users, mails };
}
