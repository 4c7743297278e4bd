/** Tenants, the people and programs that may act for them, and the log of what they changed. Not breaking: first schema. */
import type { Knex } from 'knex';
import { APP_ROLE, AUTH_ROLE, DAEMON_ROLE, createRole, distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ${createRole(APP_ROLE)}
    ${createRole(DAEMON_ROLE)}
    ${createRole(AUTH_ROLE)}

    CREATE TABLE tenants (
      tenant uuid PRIMARY KEY,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
      created_at timestamptz NOT NULL DEFAULT now()
    );
    ${distribute('tenants')}
    ${tenantTable('tenants', 'SELECT')}

    CREATE TABLE users (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      email text NOT NULL,
      display_name text NOT NULL DEFAULT '',
      role text NOT NULL CHECK (role IN ('viewer', 'admin', 'operator')),
      password_hash text,
      disabled_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id)
    );
    CREATE UNIQUE INDEX users_email ON users (tenant, lower(email));
    CREATE INDEX users_login ON users (lower(email));
    ${distribute('users')}
    ${tenantTable('users')}
    CREATE POLICY login ON users FOR SELECT TO ${AUTH_ROLE} USING (true);
    GRANT SELECT ON users TO ${AUTH_ROLE};

    -- Session and API tokens are random; only their SHA-256 is kept.
    CREATE TABLE sessions (
      tenant uuid NOT NULL,
      id uuid NOT NULL,
      token_hash bytea NOT NULL,
      user_id uuid NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      last_used_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, user_id) REFERENCES users ON DELETE CASCADE
    );
    CREATE INDEX sessions_token ON sessions (token_hash);
    ${distribute('sessions')}
    ${tenantTable('sessions')}
    CREATE POLICY login ON sessions FOR SELECT TO ${AUTH_ROLE} USING (true);
    GRANT SELECT ON sessions TO ${AUTH_ROLE};

    CREATE TABLE api_tokens (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      name text NOT NULL,
      token_hash bytea NOT NULL,
      scopes jsonb NOT NULL DEFAULT '[]',
      created_by uuid,
      created_at timestamptz NOT NULL DEFAULT now(),
      last_used_at timestamptz,
      expires_at timestamptz,
      revoked_at timestamptz,
      PRIMARY KEY (tenant, id)
    );
    CREATE INDEX api_tokens_token ON api_tokens (token_hash);
    ${distribute('api_tokens')}
    ${tenantTable('api_tokens')}
    CREATE POLICY login ON api_tokens FOR SELECT TO ${AUTH_ROLE} USING (true);
    GRANT SELECT ON api_tokens TO ${AUTH_ROLE};

    -- Append only for the application: no UPDATE, no DELETE.
    CREATE TABLE audit_log (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      at timestamptz NOT NULL DEFAULT now(),
      actor_type text NOT NULL CHECK (actor_type IN ('user', 'api_token', 'system')),
      actor_id text,
      action text NOT NULL,
      subject_type text NOT NULL,
      subject_id text NOT NULL,
      before jsonb,
      after jsonb,
      PRIMARY KEY (tenant, id)
    );
    CREATE INDEX audit_log_subject ON audit_log (tenant, subject_type, subject_id, at DESC);
    CREATE INDEX audit_log_time ON audit_log (tenant, at DESC);
    ${distribute('audit_log')}
    ${tenantTable('audit_log', 'SELECT, INSERT')}
  `);
}
