#!/usr/bin/env node
// `npm test`: installs, builds and runs all tests; arguments go to vitest. The last line is "N passed, N failed".
import { checkNode } from './node-version.mjs';

checkNode();
const { main } = await import('./test-main.mjs');
await main(process.argv.slice(2));
