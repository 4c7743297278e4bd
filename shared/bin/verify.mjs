#!/usr/bin/env node
// `npm run verify`: makes every generated file again and fails on a difference. With --write the new text is kept.
import { checkNode } from './node-version.mjs';

checkNode();
const { main } = await import('./verify-main.mjs');
await main(process.argv.slice(2));
