/** `npm run bench`: measurements beside the floor, on the servers that the tests use. Never part of `npm test`. */
import { defineConfig } from 'vitest/config';

const conditions = ['mailstream-source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions: ['mailstream-source'] } },
  test: {
    root: new URL('../../..', import.meta.url).pathname,
    include: ['services/*/bench/*.bench.ts'],
    globalSetup: ['shared/test/global-setup.ts'],
    // One at a time: they share two cores with the servers.
    fileParallelism: false,
    testTimeout: 600_000,
  },
});
