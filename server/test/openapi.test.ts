import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openApiText } from '../src/openapi.ts';

test('the golden copy of the API’s description is the one that the routes give (else: npm run verify -- --write)', async () => {
  const golden = await readFile(new URL('../openapi.json', import.meta.url), 'utf8');
  expect(golden).toBe(await openApiText());
});
