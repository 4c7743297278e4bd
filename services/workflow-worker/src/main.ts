/** Exit codes: see `runProcess`. Everything else is imported late, so that the process can be stopped from the beginning. */
import { runProcess } from '@mailstream/shared/runtime/lifecycle';

await runProcess({
  name: 'workflow-worker',
  config: async () => (await import('./config.ts')).loadConfig(process.env),
  compose: async (config) => (await import('./compose.ts')).compose(config),
});
