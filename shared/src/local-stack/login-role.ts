/** The role that services log in with: a member of the roles that may read and write, and nothing by itself. */
import pg from 'pg';

/** Names of roles are in `migrations/src/sql.ts`, which makes them. */
const MEMBER_OF = ['mailstream_app', 'mailstream_daemon', 'mailstream_auth'];

/**
 * Creates the login, or gives it this password again. Needs the roles, so migrate first.
 * @param adminUrl superuser, any database of the cluster.
 */
export async function createLogin(
  adminUrl: string,
  login: { readonly user: string; readonly password: string },
): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const user = client.escapeIdentifier(login.user);
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [login.user]);
    if (rowCount === 0) await client.query(`CREATE ROLE ${user}`);
    // NOINHERIT: it has rights only after stepping into a role, so forgetting to is an error, not a leak.
    await client.query(
      `ALTER ROLE ${user} LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD ${client.escapeLiteral(login.password)}`,
    );
    await client.query(`GRANT ${MEMBER_OF.join(', ')} TO ${user}`);
  } finally {
    await client.end();
  }
}
