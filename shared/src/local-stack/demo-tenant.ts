/** The first tenant, its user and its API token: what no API can make, because nobody could be logged in yet. */
import { createHash } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import pg from 'pg';
import type { Credentials } from './credentials.ts';

export const DEMO_EMAIL = 'admin@demo.example';
/** Every scope there is, as in `server/src/contracts/session.ts`. */
const SCOPES = [
  'providers:read',
  'providers:write',
  'messages:read',
  'messages:write',
  'tickets:read',
  'tickets:write',
  'accounts:read',
  'accounts:write',
  'operator',
];

/** Harmless when they are there already; nothing that somebody changed since is changed back. */
export async function createDemoTenant(
  adminUrl: string,
  credentials: Pick<Credentials, 'tenantId' | 'userId' | 'userPassword' | 'apiTokenId' | 'apiToken'>,
): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query('BEGIN');
    // Row-level security is forced: even the owner sees only the tenant it names.
    await client.query(`SELECT set_config('mailstream.tenant', $1, true)`, [credentials.tenantId]);
    await client.query(`INSERT INTO tenants (tenant, name) VALUES ($1, 'Demo') ON CONFLICT DO NOTHING`, [
      credentials.tenantId,
    ]);
    await client.query(
      `INSERT INTO users (tenant, id, email, display_name, role, password_hash)
       VALUES ($1, $2, $3, 'Demo admin', 'operator', $4) ON CONFLICT DO NOTHING`,
      [credentials.tenantId, credentials.userId, DEMO_EMAIL, await hash(credentials.userPassword)],
    );
    await client.query(
      `INSERT INTO api_tokens (tenant, id, name, token_hash, scopes, created_by)
       VALUES ($1, $2, 'npm start', $3, $4, $5) ON CONFLICT (tenant, id) DO UPDATE SET scopes = EXCLUDED.scopes`,
      [
        credentials.tenantId,
        credentials.apiTokenId,
        createHash('sha256').update(credentials.apiToken).digest(),
        JSON.stringify(SCOPES),
        credentials.userId,
      ],
    );
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}
