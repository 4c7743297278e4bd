import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Packages of this repository are tested from their sources; everything else resolves as usual. */
const conditions = ['mailstream-source', 'node', 'import', 'default'];

const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions: ['mailstream-source'] } },
};

/** Of each project these begin first, in this order: one that runs alone at the end leaves the other cores idle. */
const LONG = [
  ...['server/test/pages.real', 'server/test/settings-pages.real', 'server/test/connect-pages.real'],
  ...['test/back-pressure.real', 'test/renewals.real', 'test/odd-servers.real', 'test/faults.real'],
  ...['test/chaos/chaos.real', 'test/crash.real', 'test/outbound-faults.real', 'test/audit.real'],
  ...['test/simulation/simulation', 'test/simulation/mutations'],
];

/** What all modules of a process have declared shows in these. */
const ALONE = ['server/test/openapi.test.ts'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // Project by project, and larger files first.
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return projects.indexOf(project) * (LONG.length + 1) + (at === -1 ? LONG.length : at);
    };
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    // Two cores, shared with PostgreSQL, Redis, Dovecot and a browser: a third file only makes the others late.
    maxWorkers: 2,
    // A process of its own for each file that needs servers: a leak or a crash is one file's.
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          // They are many and short: loading what they share for each of them anew took longer than they do.
          isolate: false,
          setupFiles: ['shared/src/testing/leak-check.ts'],
          include: ['**/src/**/*.test.ts', '**/test/**/*.test.ts', '**/bench/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.real.test.ts', ...ALONE],
          // Against what hangs; a busy machine is no fault.
          testTimeout: 60_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      {
        ...shared,
        test: {
          name: 'real',
          setupFiles: ['shared/src/testing/leak-check.ts'],
          include: ['**/test/**/*.real.test.ts', ...ALONE],
          exclude: ['**/node_modules/**', '**/dist/**'],
          globalSetup: ['shared/test/global-setup.ts'],
          // As the daemon: by default Node 24 lets young objects grow to twice what Node 20 does, and tests of memory see it.
          execArgv: ['--max-semi-space-size=16'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 60_000 } },
        },
      },
    ],
  },
});
