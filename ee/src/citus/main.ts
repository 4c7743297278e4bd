/**
 * Spreads the tables over Citus, or with --check only says whether they can be: see distribute.ts. Exit 0 when done or possible, 1
 * when something is in the way, 78 for a wrong setting.
 */
import { connectionSettings } from '@mailstream/shared/db/connection-settings';
import { ConfigError, EXIT_CONFIG } from '@mailstream/shared/runtime/env';
import pg from 'pg';
import { readConfig } from './config.ts';
import { distribute } from './distribute.ts';

process.exitCode = await main(process.argv.includes('--check'));

async function main(onlyCheck: boolean): Promise<number> {
  try {
    return await run(readConfig(process.env).databaseUrl, onlyCheck);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof ConfigError ? EXIT_CONFIG : 1;
  }
}

async function run(databaseUrl: string, onlyCheck: boolean): Promise<number> {
  const client = new pg.Client({
    ...connectionSettings(databaseUrl),
    application_name: 'mailstream-citus',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const result = await distribute(client, { onlyCheck });
    switch (result.kind) {
      case 'problems':
        process.stderr.write(`${result.problems.join('\n')}\n`);
        return 1;
      case 'notCitus':
        process.stdout.write('There is no Citus in this database. Its tables could be distributed.\n');
        return onlyCheck ? 0 : 1;
      default:
        process.stdout.write(
          `Distributed: ${result.distributed.join(', ') || 'nothing new'}; ${result.unchanged} were already.\n`,
        );
        return 0;
    }
  } finally {
    await client.end();
  }
}
