/**
 * Without arguments the server; `create-tenant` is the one thing that can be done beside it. Exit codes: see `runProcess` and `createTenant`.
 * Everything else is imported late, so that the process can be stopped from the beginning.
 */
import { runProcess } from '@mailstream/shared/runtime/lifecycle';

const config = async () => (await import('./config.ts')).readConfig(process.env);
const args = process.argv.slice(2);

if (args.length === 0)
  await runProcess({
    name: 'server',
    config,
    compose: async (settings) => (await import('./compose.ts')).compose(settings),
  });
else
  process.exitCode = await (
    await import('./create-tenant.ts')
  ).createTenant(args, {
    config,
    compose: async (settings) => (await import('./compose.ts')).composeTenantTools(settings),
    // To a person, not to a log.
    say: (line) => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
  });
