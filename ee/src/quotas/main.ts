/** Limits of a tenant: see quotas-command.ts. Exit 0 when done, 1 when it could not be, 78 for a wrong setting or argument. */
import { createDatabase } from '@mailstream/shared/db/database';
import { EnvReader } from '@mailstream/shared/runtime/env';
import { parseQuotasRequest, runQuotas } from './quotas-command.ts';

const url = process.env['DATABASE_URL'];
const request = parseQuotasRequest(process.argv.slice(2));
if (url === undefined || url === '' || request.kind === 'problem') {
  process.stderr.write(request.kind === 'problem' ? `${request.text}\n` : 'DATABASE_URL is not set.\n');
  process.exit(78);
}
const isCitus = new EnvReader(process.env).boolean('DATABASE_IS_CITUS', { default: false });
const database = createDatabase({ url, isCitus, applicationName: 'mailstream-quotas', poolMax: 1 });
try {
  process.stdout.write(`${(await runQuotas(database, request)).join('\n')}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await database.close();
}
