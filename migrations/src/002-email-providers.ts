/** Connected mailboxes, their IMAP settings with cursor and lease, and their sealed secrets. Not breaking: first schema. */
import type { Knex } from 'knex';
import { APP_ROLE, DAEMON_ROLE, distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE email_providers (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      provider_type text NOT NULL DEFAULT 'imap' CHECK (provider_type IN ('imap')),
      provider_name text NOT NULL CHECK (length(provider_name) BETWEEN 1 AND 255),
      mailbox text NOT NULL CHECK (length(mailbox) BETWEEN 1 AND 320),
      is_active boolean NOT NULL DEFAULT true,
      status text NOT NULL DEFAULT 'configuring' CHECK (status IN ('configuring', 'connected', 'disconnected', 'error')),
      error_code text,
      error_message text,
      error_at timestamptz,
      last_sync_at timestamptz,
      paused_at timestamptz,
      pause_reason text CHECK (pause_reason IN ('manual', 'auth_failure', 'tenant_cancelled')),
      auth_failure_count integer NOT NULL DEFAULT 0,
      auth_failure_last_at timestamptz,
      auth_failure_code text,
      vendor_config jsonb NOT NULL DEFAULT '{}',
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id),
      CHECK ((paused_at IS NULL) = (pause_reason IS NULL))
    );
    CREATE UNIQUE INDEX email_providers_mailbox ON email_providers (tenant, lower(mailbox));
    ${distribute('email_providers')}
    ${tenantTable('email_providers')}

    CREATE TABLE imap_email_provider_config (
      tenant uuid NOT NULL,
      email_provider_id uuid NOT NULL,
      host text NOT NULL CHECK (length(host) BETWEEN 1 AND 255),
      port integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
      secure boolean NOT NULL DEFAULT true,
      allow_starttls boolean NOT NULL DEFAULT false,
      -- Relaxed only by an operator, for this one mailbox; never by a tenant.
      verify_certificate boolean NOT NULL DEFAULT true,
      auth_type text NOT NULL CHECK (auth_type IN ('password', 'oauth2')),
      username text NOT NULL CHECK (length(username) BETWEEN 1 AND 320),
      folder_filters jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(folder_filters) = 'array'),
      start_from jsonb NOT NULL DEFAULT '{"kind":"now"}',
      oauth_authorize_url text,
      oauth_token_url text,
      oauth_client_id text,
      oauth_scopes text,
      token_expires_at timestamptz,
      -- { folder: {uid_validity, baseline_uid, last_uid, holes, publish_seq, last_seen_at} }: one key per statement, fenced.
      folder_state jsonb NOT NULL DEFAULT '{}',
      -- { folder: {state, code, message, since} }: what each listener last said, for people; never read by the protocol.
      folder_health jsonb NOT NULL DEFAULT '{}',
      server_capabilities jsonb NOT NULL DEFAULT '[]',
      last_processed_message_id text,
      -- Grows with each change of settings or secrets.
      config_version bigint NOT NULL DEFAULT 1,
      -- Grows when a person asks for a reconnect or a sync now.
      poke_version bigint NOT NULL DEFAULT 0,
      lease_owner uuid,
      lease_expires_at timestamptz,
      lease_epoch bigint NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, email_provider_id),
      FOREIGN KEY (tenant, email_provider_id) REFERENCES email_providers ON DELETE CASCADE,
      CHECK (auth_type <> 'oauth2' OR (oauth_token_url IS NOT NULL AND oauth_client_id IS NOT NULL))
    );
    CREATE INDEX imap_email_provider_config_lease ON imap_email_provider_config (lease_owner);
    ${distribute('imap_email_provider_config')}
    ${tenantTable('imap_email_provider_config')}

    -- The daemon's view over all tenants: who is there, who holds what. No settings, no secrets.
    CREATE POLICY discovery ON email_providers FOR SELECT TO ${DAEMON_ROLE} USING (true);
    GRANT SELECT (tenant, id, provider_type, is_active, paused_at) ON email_providers TO ${DAEMON_ROLE};
    CREATE POLICY discovery ON imap_email_provider_config FOR SELECT TO ${DAEMON_ROLE} USING (true);
    CREATE POLICY leases ON imap_email_provider_config FOR UPDATE TO ${DAEMON_ROLE} USING (true) WITH CHECK (true);
    GRANT SELECT (tenant, email_provider_id, folder_filters, config_version, poke_version, lease_owner, lease_expires_at, lease_epoch)
      ON imap_email_provider_config TO ${DAEMON_ROLE};
    GRANT UPDATE (lease_owner, lease_expires_at, lease_epoch) ON imap_email_provider_config TO ${DAEMON_ROLE};

    -- AES-256-GCM envelopes, bound to (tenant, provider, name): useless in another row.
    CREATE TABLE provider_secrets (
      tenant uuid NOT NULL,
      email_provider_id uuid NOT NULL,
      name text NOT NULL,
      sealed text NOT NULL,
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, email_provider_id, name),
      FOREIGN KEY (tenant, email_provider_id) REFERENCES email_providers ON DELETE CASCADE
    );
    ${distribute('provider_secrets')}
    ${tenantTable('provider_secrets')}

    -- Processes that are alive, for shares, takeover and the operator's page. Not of any tenant.
    CREATE TABLE service_instances (
      instance_id uuid PRIMARY KEY,
      service text NOT NULL,
      host text NOT NULL,
      version text NOT NULL,
      state text NOT NULL CHECK (state IN ('running', 'draining')),
      started_at timestamptz NOT NULL DEFAULT now(),
      heartbeat_at timestamptz NOT NULL DEFAULT now(),
      details jsonb NOT NULL DEFAULT '{}'
    );
    GRANT SELECT, INSERT, UPDATE, DELETE ON service_instances TO ${DAEMON_ROLE};
    GRANT SELECT ON service_instances TO ${APP_ROLE};
  `);
}
