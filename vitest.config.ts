import { defineConfig } from 'vitest/config';

/** Packages of this repository are tested from their sources; everything else resolves as usual. */
const conditions = ['mailstream-source', 'node', 'import', 'default'];

const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions: ['mailstream-source'] } },
};

export default defineConfig({
  test: {
    // Two cores, shared with PostgreSQL, Redis and Dovecot.
    maxWorkers: 2,
    // A process of its own for each file: a leak or a crash is one file's.
    pool: 'forks',
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          setupFiles: ['shared/src/testing/leak-check.ts'],
          include: ['**/src/**/*.test.ts', '**/test/**/*.test.ts', '**/bench/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.real.test.ts'],
          // Against what hangs; a busy machine is no fault.
          testTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'real',
          setupFiles: ['shared/src/testing/leak-check.ts'],
          include: ['**/test/**/*.real.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          globalSetup: ['shared/test/global-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
