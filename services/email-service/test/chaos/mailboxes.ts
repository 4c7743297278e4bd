/** Tenants and their mailboxes, written as the API writes them. */
import { randomUUID } from 'node:crypto';
import { createDatabase } from '@mailstream/shared/db/database';
import { notifyProvider } from '@mailstream/shared/db/notices';
import { providerId, tenantId, type ProviderId, type TenantId } from '@mailstream/shared/domain/ids';
import { parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import { createSecretBox } from '@mailstream/shared/secrets/secret-box';
import { createSecretStore } from '@mailstream/shared/secrets/secret-store';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';

export interface Mailbox {
  readonly tenant: TenantId;
  readonly id: ProviderId;
  readonly tenantIndex: number;
  readonly index: number;
  readonly user: string;
}

export async function addMailboxes(options: {
  readonly databaseUrl: string;
  readonly masterKey: string;
  /** One for each tenant. */
  readonly imapPorts: readonly number[];
  readonly perTenant: number;
  readonly password: string;
  /** The application may not make tenants. */
  readonly addTenant: (tenant: TenantId) => Promise<unknown>;
}): Promise<readonly Mailbox[]> {
  const ring = parseKeyRing(options.masterKey);
  if (ring.kind === 'problem') throw new Error(ring.text);
  const database = createDatabase({ url: options.databaseUrl, applicationName: 'chaos', poolMax: 1 });
  const secrets = createSecretStore({ database, box: createSecretBox(ring.ring), sources: [] });
  const mailboxes: Mailbox[] = [];
  try {
    for (const [tenantIndex, port] of options.imapPorts.entries()) {
      const tenant = tenantId(randomUUID());
      await options.addTenant(tenant);
      await database.withTenant(tenant, async (trx) => {
        for (let index = 0; index < options.perTenant; index += 1) {
          const mailbox = {
            tenant,
            id: providerId(randomUUID()),
            tenantIndex,
            index,
            user: `t${tenantIndex}m${index}`,
          };
          mailboxes.push(mailbox);
          await trx('email_providers').insert({
            tenant,
            id: mailbox.id,
            provider_name: mailbox.user,
            mailbox: `${mailbox.user}@chaos.test`,
          });
          await trx('imap_email_provider_config').insert({
            tenant,
            email_provider_id: mailbox.id,
            host: '127.0.0.1',
            port,
            secure: false,
            auth_type: 'password',
            username: mailbox.user,
          });
          await secrets.write(
            trx,
            { tenant, providerId: mailbox.id, name: 'imap_password' },
            new SecretValue(options.password),
          );
          await notifyProvider(trx, tenant, mailbox.id);
        }
      });
    }
    return mailboxes;
  } finally {
    await database.close();
  }
}
