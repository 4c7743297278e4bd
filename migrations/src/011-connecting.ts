/**
 * Logins with OAuth that are under way, and resyncs that people ask for. Not breaking: new tables, and columns that old code leaves at
 * their defaults.
 */
import type { Knex } from 'knex';
import { AUTH_ROLE, DAEMON_ROLE, distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(OAUTH_AUTHORIZATIONS);
  await knex.raw(FOLDER_RESYNCS);
}

const OAUTH_AUTHORIZATIONS = `
    ALTER TABLE imap_email_provider_config
      -- Of RFC 9207 and ID tokens; may hold {tenantid}.
      ADD COLUMN oauth_issuer text,
      -- The mailbox is opened by accounts that have another address.
      ADD COLUMN oauth_shared_mailbox boolean NOT NULL DEFAULT false,
      -- The address that logged in last, where the provider told.
      ADD COLUMN oauth_account text;

    -- One login: by a user in their session, or by the owner of a mailbox through a link. Short-lived.
    CREATE TABLE oauth_authorizations (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      -- waiting (a link that nobody used) -> started -> answered (the code is being exchanged) -> granted or failed
      state text NOT NULL CHECK (state IN ('waiting', 'started', 'answered', 'granted', 'failed')),
      -- Null for a mailbox that is not saved yet.
      email_provider_id uuid,
      -- True: what is granted goes to the mailbox at once. False: it is kept here, sealed, until the settings are saved.
      is_applied boolean NOT NULL,
      created_by_type text NOT NULL CHECK (created_by_type IN ('user', 'api_token')),
      created_by_id text NOT NULL,
      -- Random values, of which only the SHA-256 is kept.
      link_hash bytea,
      state_hash bytea,
      -- When the login that was started last has to be back.
      state_expires_at timestamptz,
      -- Whose browser has to come back: that of a session, or that of a cookie of the link.
      session_id uuid,
      browser_hash bytea,
      -- Server, account and OAuth settings that the grant is for; no secret.
      settings jsonb NOT NULL,
      return_to text NOT NULL,
      -- AES-256-GCM envelope, bound to (tenant, id): code verifier and client secret, later the tokens.
      sealed text,
      account text,
      error_code text,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, email_provider_id) REFERENCES email_providers ON DELETE CASCADE,
      CHECK (NOT is_applied OR email_provider_id IS NOT NULL)
    );
    CREATE INDEX oauth_authorizations_state ON oauth_authorizations (state_hash);
    CREATE INDEX oauth_authorizations_link ON oauth_authorizations (link_hash);
    ${distribute('oauth_authorizations')}
    ${tenantTable('oauth_authorizations')}
    -- Who comes back from a login service or with a link says no tenant: found by hash, without anything that is sealed.
    CREATE POLICY login ON oauth_authorizations FOR SELECT TO ${AUTH_ROLE} USING (true);
    GRANT SELECT (tenant, id, state, link_hash, state_hash, state_expires_at, session_id, browser_hash, expires_at)
      ON oauth_authorizations TO ${AUTH_ROLE};
`;

const FOLDER_RESYNCS = `
    ALTER TABLE imap_email_provider_config
      -- Grows with each resync that a person asks for.
      ADD COLUMN resync_version bigint NOT NULL DEFAULT 0;
    GRANT SELECT (resync_version) ON imap_email_provider_config TO ${DAEMON_ROLE};

    -- The newest resync of a folder that somebody asked for, and the newest that its listener has answered.
    CREATE TABLE folder_resyncs (
      tenant uuid NOT NULL,
      provider_id uuid NOT NULL,
      folder text NOT NULL,
      version bigint NOT NULL,
      is_dry_run boolean NOT NULL,
      start_from jsonb NOT NULL,
      requested_at timestamptz NOT NULL DEFAULT now(),
      requested_by_type text NOT NULL,
      requested_by_id text NOT NULL,
      answered_version bigint NOT NULL DEFAULT 0,
      answered_at timestamptz,
      answered_dry_run boolean,
      -- Messages from the starting point on that the mail server shows, and of them those that were in the ledger already,
      -- came by this resync, and could not be fetched.
      listed bigint,
      known bigint,
      came bigint,
      missing bigint,
      PRIMARY KEY (tenant, provider_id, folder),
      FOREIGN KEY (tenant, provider_id) REFERENCES email_providers (tenant, id) ON DELETE CASCADE
    );
    ${distribute('folder_resyncs')}
    ${tenantTable('folder_resyncs')}
`;
