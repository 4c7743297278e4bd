/**
 * How fresh each watched folder is, what its last audit found, and audits that people ask for.
 * Not breaking: old code neither reads nor writes any of it.
 */
import type { Knex } from 'knex';
import { DAEMON_ROLE, distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE imap_email_provider_config
      -- Grows with each audit that a person asks for; a folder whose audit_version is lower still owes one.
      ADD COLUMN audit_version bigint NOT NULL DEFAULT 0,
      ADD COLUMN audit_requested_at timestamptz,
      ADD COLUMN audit_requested_by_type text,
      ADD COLUMN audit_requested_by_id text;
    GRANT SELECT (audit_version) ON imap_email_provider_config TO ${DAEMON_ROLE};
    -- A mailbox without any proof is stale some time after it was connected.
    GRANT SELECT (created_at) ON email_providers TO ${DAEMON_ROLE};

    -- Narrow on purpose: freshness changes all the time, settings and cursors do not.
    CREATE TABLE folder_status (
      tenant uuid NOT NULL,
      provider_id uuid NOT NULL,
      folder text NOT NULL,
      -- Last time the mail server's own list proved that nothing newer than the cursor was there.
      proven_at timestamptz,
      -- When that proof is too old, by the daemon's own limit.
      stale_at timestamptz,
      -- Messages that the server lists and the ledger does not have, and since when the oldest and newest of them are known.
      unseen bigint NOT NULL DEFAULT 0,
      oldest_unseen_at timestamptz,
      newest_unseen_at timestamptz,
      -- The last whole audit.
      audit_version bigint NOT NULL DEFAULT 0,
      audit_reason text CHECK (audit_reason IN ('schedule', 'request')),
      audited_at timestamptz,
      audit_duration_ms bigint,
      audit_uid_validity bigint,
      audit_checked bigint,
      audit_missing bigint,
      audit_found bigint,
      audit_waiting bigint,
      audit_unpublished bigint,
      PRIMARY KEY (tenant, provider_id, folder),
      FOREIGN KEY (tenant, provider_id) REFERENCES email_providers (tenant, id) ON DELETE CASCADE
    ) WITH (fillfactor = 70);
    ${distribute('folder_status')}
    ${tenantTable('folder_status')}
    -- One statement of an instance stamps all its folders; numbers and times only, over all tenants.
    CREATE POLICY freshness_read ON folder_status FOR SELECT TO ${DAEMON_ROLE} USING (true);
    CREATE POLICY freshness_insert ON folder_status FOR INSERT TO ${DAEMON_ROLE} WITH CHECK (true);
    CREATE POLICY freshness_update ON folder_status FOR UPDATE TO ${DAEMON_ROLE} USING (true) WITH CHECK (true);
    GRANT SELECT ON folder_status TO ${DAEMON_ROLE};
    GRANT INSERT (tenant, provider_id, folder, proven_at, stale_at, unseen, oldest_unseen_at, newest_unseen_at) ON folder_status TO ${DAEMON_ROLE};
    GRANT UPDATE (proven_at, stale_at, unseen, oldest_unseen_at, newest_unseen_at) ON folder_status TO ${DAEMON_ROLE};
  `);
}
