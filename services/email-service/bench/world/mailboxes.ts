/** Mailboxes written straight into the tables, a thousand in a statement: what the API would have written. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { PROVIDER_CHANNEL } from '@mailstream/shared/db/notices';
import { providerId, tenantId, type ProviderId, type TenantId } from '@mailstream/shared/domain/ids';
import type { StartFrom } from '@mailstream/shared/domain/provider';
import { parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import { createSecretBox } from '@mailstream/shared/secrets/secret-box';
import { storedName } from '@mailstream/shared/secrets/secret-ref';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';

export interface MailboxSeed {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly startFrom?: StartFrom;
  /** Mailboxes with the same number belong to the same tenant; 0 unless given. */
  readonly tenant?: number;
}

export interface SeededMailbox {
  readonly tenant: TenantId;
  readonly id: ProviderId;
  readonly user: string;
}

const ROWS_AT_ONCE = 1_000;

export function openMailboxes(options: { readonly owner: pg.Client; readonly masterKey: string }): {
  add(seeds: readonly MailboxSeed[]): Promise<readonly SeededMailbox[]>;
} {
  const { owner } = options;
  const ring = parseKeyRing(options.masterKey);
  if (ring.kind === 'problem') throw new Error(ring.text);
  const box = createSecretBox(ring.ring);
  const tenants = new Map<number, TenantId>();

  const tenantOf = async (number: number): Promise<TenantId> => {
    const known = tenants.get(number);
    if (known !== undefined) return known;
    const tenant = tenantId(randomUUID());
    tenants.set(number, tenant);
    await owner.query(`INSERT INTO tenants (tenant, name) VALUES ($1, $2)`, [tenant, `Bench ${number}`]);
    return tenant;
  };

  const insert = async (seeds: readonly MailboxSeed[]): Promise<readonly SeededMailbox[]> => {
    const rows = [];
    for (const seed of seeds) {
      const tenant = await tenantOf(seed.tenant ?? 0);
      const id = providerId(randomUUID());
      const ref = { tenant, providerId: id, name: 'imap_password' as const };
      rows.push({
        tenant,
        id,
        ...{ host: seed.host, port: seed.port, user: seed.user },
        mailbox: `${seed.user}-${id}@example.com`,
        start_from: seed.startFrom ?? { kind: 'now' },
        secret: storedName(ref),
        sealed: box.seal(ref, new SecretValue(seed.password)),
      });
    }
    await owner.query(
      `WITH input AS MATERIALIZED (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS i (tenant uuid, id uuid, host text, port int, "user" text, mailbox text,
                                                           start_from jsonb, secret text, sealed text)
       ), providers AS (
         INSERT INTO email_providers (tenant, id, provider_name, mailbox) SELECT tenant, id, "user", mailbox FROM input
       ), configs AS (
         INSERT INTO imap_email_provider_config (tenant, email_provider_id, host, port, secure, auth_type, username, start_from)
         SELECT tenant, id, host, port, false, 'password', "user", start_from FROM input
       ), secrets AS (
         INSERT INTO provider_secrets (tenant, email_provider_id, name, sealed) SELECT tenant, id, secret, sealed FROM input
       )
       SELECT pg_notify($2, json_build_object('tenant', tenant, 'id', id)::text) FROM input`,
      [JSON.stringify(rows), PROVIDER_CHANNEL],
    );
    return rows.map(({ tenant, id, user }) => ({ tenant, id, user }));
  };

  return {
    add: async (seeds) => {
      const added: SeededMailbox[] = [];
      for (let from = 0; from < seeds.length; from += ROWS_AT_ONCE)
        added.push(...(await insert(seeds.slice(from, from + ROWS_AT_ONCE))));
      return added;
    },
  };
}
