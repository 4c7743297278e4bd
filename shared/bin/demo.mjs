#!/usr/bin/env node
// One step of docker-compose.dev.yml: `demo.mjs tenant` before the services start, `demo.mjs mailbox` once they are ready.
// Exit codes: 0 done; 1 it did not work; 64 called wrongly; 78 wrong settings.
import { makeDemoTenant, tryDemoMailbox } from '../dist/local-stack/compose-demo.js';

const STEPS = { tenant: makeDemoTenant, mailbox: tryDemoMailbox };
const step = STEPS[process.argv[2] ?? ''];
if (step === undefined) {
  process.stderr.write('Usage: node shared/bin/demo.mjs tenant|mailbox\n');
  process.exit(64);
}
try {
  process.stdout.write(`${await step(process.env)}\n`);
} catch (error) {
  const { name, message, stack } = /** @type {Error} */ (error);
  const isForPerson = name === 'ConfigError' || name === 'SetupError';
  process.stderr.write(`${isForPerson ? message : stack}\n`);
  process.exit(name === 'ConfigError' ? 78 : 1);
}
