/**
 * Pieces of SQL that every table of a tenant needs.
 *
 * Roles (cluster-wide, NOLOGIN): a process logs in as any member of them and steps into one with
 * `set_config('role', …, true)` inside each transaction, so that row-level security holds even where the
 * login itself is an owner or a superuser (a developer's machine), and through a transaction pooler.
 * - `mailstream_app`     sees one tenant: the one in `mailstream.tenant` of the transaction; nothing without it.
 * - `mailstream_daemon`  sees ids, health and leases of all tenants, no settings and no secrets; may only move leases.
 * - `mailstream_auth`    finds a user, session or API token before the tenant is known.
 */
export const APP_ROLE = 'mailstream_app';
export const DAEMON_ROLE = 'mailstream_daemon';
export const AUTH_ROLE = 'mailstream_auth';

/** Two migrations of two databases of one cluster may create the same role at once: losing that race is fine. */
export function createRole(name: string): string {
  return `DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${name}') THEN CREATE ROLE ${name} NOLOGIN; END IF;
  EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
  GRANT ${name} TO CURRENT_USER;`;
}

/** Row-level security, forced, with one policy for the tenant's own rows. */
export function tenantTable(table: string, grants = 'SELECT, INSERT, UPDATE, DELETE'): string {
  const own = `tenant = NULLIF(current_setting('mailstream.tenant', true), '')::uuid`;
  return `
    ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant_isolation ON ${table} TO ${APP_ROLE} USING (${own}) WITH CHECK (${own});
    GRANT ${grants} ON ${table} TO ${APP_ROLE};`;
}

/**
 * A table that is spread by tenant where there is Citus. Not here and now: columns with a CHECK, as later migrations add them, cannot be
 * added to a distributed table. `ee/src/citus` spreads all of them when they are complete, and tests that they can be.
 */
export function distribute(table: string): string {
  return `-- by tenant: ${table}`;
}
