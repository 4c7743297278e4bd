#!/usr/bin/env node
// `npm start`: installs, builds and starts everything. Plain JavaScript on Node's own modules: it runs before anything
// is installed. What it starts is in shared/src/local-stack/start.ts.
import { checkNode } from './node-version.mjs';

checkNode();
const { main } = await import('./start-main.mjs');
await main(process.argv.slice(2));
