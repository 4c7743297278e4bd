/** Exit codes: see `runProcess`. Everything else is imported late, so that the process can be stopped from the beginning. */
import { runProcess } from '@mailstream/shared/runtime/lifecycle';

await runProcess({
  name: 'server',
  config: async () => (await import('./config.ts')).readConfig(process.env),
  compose: async (config) => (await import('./compose.ts')).compose(config),
});
