/**
 * Spreads the tables over Citus, or with --check only says whether they can be: see distribute.ts. Exit 0 when done or possible, 1
 * when something is in the way, 78 for a wrong setting.
 */
import pg from 'pg';
import { distribute } from './distribute.ts';

const url = process.env['MIGRATION_DATABASE_URL'] ?? process.env['DATABASE_URL'];
const onlyCheck = process.argv.includes('--check');
if (url === undefined || url === '') {
  process.stderr.write(
    'MIGRATION_DATABASE_URL is not set: give the URL that migrations use, of a superuser.\n',
  );
  process.exit(78);
}
const client = new pg.Client({ connectionString: url, application_name: 'mailstream-citus' });
client.on('error', () => undefined);
try {
  await client.connect();
  const result = await distribute(client, { onlyCheck });
  if (result.kind === 'problems') {
    process.stderr.write(`${result.problems.join('\n')}\n`);
    process.exitCode = 1;
  } else if (result.kind === 'notCitus') {
    process.stdout.write('There is no Citus in this database. Its tables could be distributed.\n');
    process.exitCode = onlyCheck ? 0 : 1;
  } else
    process.stdout.write(
      `Distributed: ${result.distributed.join(', ') || 'nothing new'}; ${result.unchanged} were already.\n`,
    );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await client.end();
}
