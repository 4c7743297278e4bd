import { runProcess } from '@mailstream/shared/runtime/lifecycle';
import { compose } from './compose.ts';
import { readConfig } from './config.ts';

await runProcess({ name: 'server', config: () => readConfig(process.env), compose });
