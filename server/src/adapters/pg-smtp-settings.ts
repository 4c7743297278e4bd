/** Where a mailbox sends through. Settings, password, audit log: one transaction, all of it or nothing. */
import type { ProviderId } from '@mailstream/shared/domain/ids';
import type { Database } from '@mailstream/shared/db/database';
import { loadSmtpSettings, smtpColumns, type SmtpSettings } from '@mailstream/shared/mail/smtp-settings';
import type { SecretStore } from '@mailstream/shared/secrets/secret-store';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import type { Knex } from 'knex';
import type { Smtp } from '../contracts/outbound.ts';
import type { Actor, SmtpStore } from '../ports.ts';
import { isSameServer, toSettings } from '../use-cases/smtp.ts';
import { auditLine } from './pg-audit-line.ts';

export function createSmtpStore(options: {
  readonly database: Database;
  readonly secrets: SecretStore;
}): SmtpStore {
  const { database, secrets } = options;
  const secretOf = (actor: Pick<Actor, 'tenant'>, id: ProviderId) =>
    ({ tenant: actor.tenant, providerId: id, name: 'smtp_password' }) as const;

  return {
    get: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        const settings = await loadSmtpSettings(trx, tenant, id);
        if (settings === null) return null;
        return view(settings, (await secrets.read(secretOf({ tenant }, id), trx)) !== null);
      }),
    mailbox: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        const row: { mailbox: string; usesOauth: boolean } | undefined = await trx('email_providers as p')
          .join('imap_email_provider_config as c', (on) => {
            on.on('c.tenant', 'p.tenant').andOn('c.email_provider_id', 'p.id');
          })
          .where({ 'p.tenant': tenant, 'p.id': id })
          .first('p.mailbox', trx.raw(`c.auth_type = 'oauth2' AS "usesOauth"`));
        return row ?? null;
      }),
    password: async (tenant, id) => (await secrets.read(secretOf({ tenant }, id)))?.reveal() ?? null,
    set: (actor, id, body, fromEmail) =>
      database.withTenant(actor.tenant, async (trx) => {
        if (!(await lockMailbox(trx, actor, id))) return 'notFound';
        const before = await loadSmtpSettings(trx, actor.tenant, id);
        const next = toSettings(body, fromEmail);
        const values = smtpColumns(next);
        await trx('smtp_settings')
          .insert({ tenant: actor.tenant, provider_id: id, ...values })
          .onConflict(['tenant', 'provider_id'])
          .merge({ ...values, updated_at: trx.fn.now() });
        if (body.password !== undefined)
          await secrets.write(trx, secretOf(actor, id), new SecretValue(body.password));
        else if (before === null || !isSameServer(view(before, false), body))
          await secrets.remove(trx, { tenant: actor.tenant, providerId: id }, ['smtp_password']);
        await auditLine(trx, actor, 'smtp.set', { type: 'email_provider', id }, { before, after: next });
        return 'changed';
      }),
    remove: (actor, id) =>
      database.withTenant(actor.tenant, async (trx) => {
        const before = await loadSmtpSettings(trx, actor.tenant, id);
        if (before === null) return 'notFound';
        await trx('smtp_settings').where({ tenant: actor.tenant, provider_id: id }).delete();
        await secrets.remove(trx, { tenant: actor.tenant, providerId: id }, ['smtp_password']);
        await auditLine(trx, actor, 'smtp.remove', { type: 'email_provider', id }, { before, after: null });
        return 'changed';
      }),
  };
}

function view({ security, ...settings }: SmtpSettings, hasPassword: boolean): Smtp {
  return { ...settings, secure: security === 'tls', allowStarttls: security === 'starttls', hasPassword };
}

/** Two requests for one mailbox take turns. */
async function lockMailbox(trx: Knex.Transaction, { tenant }: Actor, id: ProviderId): Promise<boolean> {
  return (await trx('email_providers').where({ tenant, id }).forUpdate().first('id')) !== undefined;
}
