/** Limits of a tenant: see quotas-command.ts. Exit 0 when done, 1 when it could not be, 78 for a wrong setting or argument. */
import { createDatabase } from '@mailstream/shared/db/database';
import { ConfigError, EXIT_CONFIG } from '@mailstream/shared/runtime/env';
import { readConfig, type QuotasConfig } from './config.ts';
import { parseQuotasRequest, runQuotas, type QuotasRequest } from './quotas-command.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const request = parseQuotasRequest(argv);
  if (request.kind === 'problem') {
    process.stderr.write(`${request.text}\n`);
    return EXIT_CONFIG;
  }
  try {
    process.stdout.write(`${(await run(readConfig(process.env), request)).join('\n')}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof ConfigError ? EXIT_CONFIG : 1;
  }
}

async function run(
  { databaseUrl: url, isCitus }: QuotasConfig,
  request: Exclude<QuotasRequest, { readonly kind: 'problem' }>,
): Promise<readonly string[]> {
  const database = createDatabase({ url, isCitus, applicationName: 'mailstream-quotas', poolMax: 1 });
  try {
    return await runQuotas(database, request);
  } finally {
    await database.close();
  }
}
