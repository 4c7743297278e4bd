/**
 * What an operator grants a tenant, and what is counted of it. Not breaking: without a row there is no limit, and old code reads
 * neither table.
 *
 * Messages of a day are not counted here: the ledger has them.
 */
import type { Knex } from 'knex';
import { DAEMON_ROLE, distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Null is no limit. Written by operators' commands alone, which step into the daemon's role; a tenant can only look.
    CREATE TABLE tenant_quotas (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      mailboxes bigint CHECK (mailboxes >= 0),
      folders bigint CHECK (folders >= 0),
      messages_per_day bigint CHECK (messages_per_day >= 0),
      storage_bytes bigint CHECK (storage_bytes >= 0),
      api_calls_per_day bigint CHECK (api_calls_per_day >= 0),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant)
    );
    ${distribute('tenant_quotas')}
    ${tenantTable('tenant_quotas', 'SELECT')}
    CREATE POLICY limits ON tenant_quotas TO ${DAEMON_ROLE} USING (true) WITH CHECK (true);
    GRANT SELECT, INSERT, UPDATE ON tenant_quotas TO ${DAEMON_ROLE};

    -- Days are those of UTC.
    CREATE TABLE tenant_api_calls (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      day date NOT NULL,
      calls bigint NOT NULL,
      PRIMARY KEY (tenant, day)
    );
    ${distribute('tenant_api_calls')}
    ${tenantTable('tenant_api_calls')}

    -- Bytes of originals that were received up to a moment; what came since is added when somebody asks.
    CREATE TABLE tenant_stored_bytes (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      bytes bigint NOT NULL,
      counted_until timestamptz NOT NULL,
      -- What was removed is seen by counting everything again.
      recounted_at timestamptz NOT NULL,
      PRIMARY KEY (tenant)
    );
    ${distribute('tenant_stored_bytes')}
    ${tenantTable('tenant_stored_bytes')}
  `);
}
