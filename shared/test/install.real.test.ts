/** The database step of the guide to install, as it stands there, on a server of its own, by an administrator who is no superuser. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { useOwnPostgres } from '@mailstream/shared/testing/own-servers';
import { expect, test } from 'vitest';
import { ROOT } from './container-files.ts';
import { readDocument } from './documents.ts';

const postgres = await useOwnPostgres();
const node = (program: string, argv: readonly string[], env: Readonly<Record<string, string>>) =>
  promisify(execFile)(process.execPath, [join(ROOT, program), ...argv], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });

async function query(url: string, ...statements: readonly string[]): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let result = await client.query('SELECT 1');
    for (const statement of statements) result = await client.query(statement);
    return result;
  } finally {
    await client.end();
  }
}

test('the roles of the guide, the migration and the first tenant fit together', async () => {
  const [block] = readDocument('helm/README.md').blocks.filter(({ language }) => language === 'sql');
  const statements = (block?.text ?? '').split(/;\n?/).filter((statement) => statement.trim() !== '');
  expect(statements).toHaveLength(6);
  const superuser = new URL(postgres.server.adminUrl);
  await query(superuser.href, `CREATE ROLE cloud_admin LOGIN CREATEROLE CREATEDB PASSWORD 'admin'`);
  const urlOf = (user: string, password: string, database: string): string =>
    `postgres://${user}:${encodeURIComponent(password)}@${superuser.host}/${database}`;
  await query(urlOf('cloud_admin', 'admin', 'postgres'), ...statements);

  const migrationUrl = urlOf('cloud_admin', 'admin', 'mailstream');
  const migrated = await node('migrations/dist/main.js', [], { MIGRATION_DATABASE_URL: migrationUrl });
  expect(migrated.stdout).toContain('Applied: 001-');
  const env = {
    DATABASE_URL: urlOf('mailstream', 'a password of its own', 'mailstream'),
    PUBLIC_URL: 'https://mail.example',
  };
  const made = await node(
    'server/dist/create-tenant/main.js',
    ['--name=Example', '--email=admin@example.org', '--operator'],
    env,
  );
  expect(made.stdout).toContain('https://mail.example/password#');

  // The login may do nothing before it steps into a role.
  await expect(query(env.DATABASE_URL, 'SELECT * FROM users')).rejects.toThrow('permission denied');
  expect((await query(postgres.server.urlOf('mailstream'), 'SELECT email FROM users')).rows).toEqual([
    { email: 'admin@example.org' },
  ]);
});
