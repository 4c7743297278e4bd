/**
 * Links with which a person sets a password: an invitation, or a reset by an administrator; and the times of the ledger for operators'
 * charts. Not breaking: nobody else reads either.
 */
import type { Knex } from 'knex';
import { AUTH_ROLE, DAEMON_ROLE, distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The token in the link is random; only its SHA-256 is kept. A row goes with its use, or with the next link of the user.
    CREATE TABLE password_links (
      tenant uuid NOT NULL,
      id uuid NOT NULL,
      user_id uuid NOT NULL,
      token_hash bytea NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, user_id) REFERENCES users ON DELETE CASCADE
    );
    CREATE UNIQUE INDEX password_links_user ON password_links (tenant, user_id);
    CREATE INDEX password_links_token ON password_links (token_hash);
    ${distribute('password_links')}
    ${tenantTable('password_links')}
    CREATE POLICY login ON password_links FOR SELECT TO ${AUTH_ROLE} USING (true);
    GRANT SELECT ON password_links TO ${AUTH_ROLE};
    -- Ended when somebody is disabled or gets a new password.
    CREATE INDEX sessions_user ON sessions (tenant, user_id);

    -- When, and nothing of what.
    CREATE POLICY times_read ON inbound_messages FOR SELECT TO ${DAEMON_ROLE} USING (true);
    GRANT SELECT (tenant, status, received_at, published_at, processed_at) ON inbound_messages TO ${DAEMON_ROLE};
  `);
}
