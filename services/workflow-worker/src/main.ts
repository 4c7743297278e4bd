/** Exit codes: see `runProcess`. */
import { runProcess } from '@mailstream/shared/runtime/lifecycle';
import { compose } from './compose.ts';
import { loadConfig } from './config.ts';

await runProcess({ name: 'workflow-worker', config: () => loadConfig(process.env), compose });
