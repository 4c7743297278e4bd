/** `npm run migrate`: exit 0 when the schema is the newest, 78 without DATABASE_URL, 1 when the database refuses. */
import { migrate } from './migrate.ts';

const databaseUrl = process.env['MIGRATION_DATABASE_URL'] ?? process.env['DATABASE_URL'];
if (databaseUrl === undefined || databaseUrl === '') {
  process.stderr.write(
    'DATABASE_URL is not set: give the URL of the PostgreSQL database to migrate (owner or superuser).\n',
  );
  process.exit(78);
}
try {
  const applied = await migrate(databaseUrl);
  process.stdout.write(applied.length === 0 ? 'Schema is up to date.\n' : `Applied: ${applied.join(', ')}\n`);
} catch (error) {
  process.stderr.write(`Migration failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
