import { describe, expect, test } from 'vitest';
import { mayReadEnvironment, violations, type Edge } from './architecture-rules.ts';
import { edgesOf, sourceFiles } from './import-graph.ts';

const files = sourceFiles();

test('no file imports what it must not know', () => {
  expect(files.flatMap(edgesOf).flatMap(violations)).toEqual([]);
});

test('the environment is read in config files and in the tools around the services only', () => {
  const readers = files.filter(
    ({ path, text }) => /\bprocess\.env\b/.test(text) && !mayReadEnvironment(path),
  );
  expect(readers.map(({ path }) => path)).toEqual([]);
});

test('the walk sees the repository', () => {
  expect(files.length).toBeGreaterThan(100);
  const edges = files.flatMap(edgesOf);
  expect(edges).toContainEqual({
    from: 'shared/src/events/email-received.ts',
    to: 'shared/src/domain/message.ts',
    isTypeOnly: true,
  });
  expect(edges).toContainEqual({ from: 'migrations/src/migrate.ts', to: 'knex', isTypeOnly: false });
});

const bad: readonly (readonly [rule: number, from: string, to: string, isTypeOnly?: boolean])[] = [
  [1, 'shared/src/domain/ids.ts', 'node:crypto'],
  [1, 'shared/src/domain/ids.ts', 'shared/src/events/email-received.ts', true],
  [2, 'services/email-service/src/core/sync-plan.ts', 'node:timers'],
  [2, 'services/email-service/src/core/sync-plan.ts', 'shared/src/runtime/logger.ts', true],
  [2, 'services/email-service/src/core/sync-plan.ts', 'shared/src/events/email-received.ts'],
  [2, 'services/email-service/src/core/sync-plan.ts', 'services/email-service/src/ports/ledger.ts'],
  [2, 'server/src/core/a.ts', 'services/email-service/src/core/sync-plan.ts'],
  [3, 'services/workflow-worker/src/ports.ts', 'shared/src/errors/fault-error.ts'],
  [3, 'services/email-service/src/ports/ledger.ts', 'shared/src/errors/fault-error.ts'],
  [
    4,
    'services/email-service/src/adapters/pg-ledger.ts',
    'services/email-service/src/adapters/redis-publisher.ts',
  ],
  [4, 'services/email-service/src/adapters/pg-ledger.ts', 'services/email-service/src/compose.ts'],
  [5, 'services/email-service/src/folder-listener.ts', 'services/email-service/src/adapters/pg-ledger.ts'],
  [5, 'server/src/routes/providers.ts', 'server/src/adapters/pg-accounts.ts', true],
  [6, 'services/email-service/src/folder-listener.ts', 'services/email-service/src/compose.ts'],
  [7, 'server/src/app.ts', 'services/workflow-worker/src/ports.ts', true],
  [8, 'shared/src/local-stack/start.ts', 'migrations/src/migrate.ts'],
  [8, 'migrations/src/migrate.ts', 'server/src/app.ts'],
  [9, 'server/src/compose.ts', 'ee/src/index.ts'],
  [10, 'server/src/compose.ts', 'shared/src/testing/fixtures.ts'],
  [10, 'services/email-service/src/main.ts', 'shared/src/local-stack/ports.ts'],
  [11, 'server/web/main.tsx', 'server/src/app.ts', true],
  [11, 'server/web/api.ts', 'server/src/contracts/providers.ts'],
  [6, 'ee/src/vault/vault-plug-in.ts', 'server/src/compose.ts'],
  [12, 'ee/src/server/main.ts', 'server/src/app.ts'],
  [12, 'ee/src/email-service/main.ts', 'services/email-service/src/adapters/pg-ledger.ts'],
];

describe('a forbidden edge is named with its rule', () => {
  test.each(bad.map(([rule, from, to, isTypeOnly]) => ({ rule, from, to, isTypeOnly: isTypeOnly ?? false })))(
    'rule $rule: $from imports $to',
    ({ rule, from, to, isTypeOnly }) => {
      const found = violations({ from, to, isTypeOnly });
      expect(
        found.some((line) => line.startsWith(`rule ${rule} `) && line.endsWith(`${from} imports ${to}`)),
      ).toBe(true);
    },
  );
});

const good: readonly Edge[] = [
  { from: 'services/email-service/src/core/a.ts', to: 'shared/src/domain/ids.ts', isTypeOnly: false },
  {
    from: 'services/email-service/src/core/a.ts',
    to: 'services/email-service/src/ports/ledger.ts',
    isTypeOnly: true,
  },
  {
    from: 'services/email-service/src/compose.ts',
    to: 'services/email-service/src/adapters/pg-ledger.ts',
    isTypeOnly: false,
  },
  {
    from: 'services/email-service/test/a.real.test.ts',
    to: 'services/email-service/src/adapters/pg-ledger.ts',
    isTypeOnly: false,
  },
  { from: 'server/web/api.ts', to: 'server/src/contracts/providers.ts', isTypeOnly: true },
  { from: 'ee/src/server/main.ts', to: 'server/src/compose.ts', isTypeOnly: false },
  { from: 'ee/src/server/main.ts', to: 'shared/src/runtime/lifecycle.ts', isTypeOnly: false },
];

test.each(good)('an allowed edge is let pass: $from imports $to', (edge) => {
  expect(violations(edge)).toEqual([]);
});

describe('imports are read from any way of writing them', () => {
  const read = (text: string): readonly Edge[] => edgesOf({ path: 'server/src/app.ts', text });

  test.each<[text: string, to: string, isTypeOnly: boolean]>([
    ["import { a } from './ports.ts';", 'server/src/ports.ts', false],
    ["import type { A } from './ports.ts';", 'server/src/ports.ts', true],
    ["import { type A, type B } from './ports.ts';", 'server/src/ports.ts', true],
    ["import { type A, b } from './ports.ts';", 'server/src/ports.ts', false],
    ["import {\n  a,\n  b,\n} from '../../shared/src/domain/ids.ts';", 'shared/src/domain/ids.ts', false],
    ["import '@mailstream/ee/register';", 'ee/src/register.ts', false],
    ["export { a } from '@mailstream/shared/domain/ids';", 'shared/src/domain/ids.ts', false],
    ["const a = await import('./compose.ts');", 'server/src/compose.ts', false],
    ["import fs, { type A } from 'node:fs';", 'node:fs', false],
  ])('%s', (text, to, isTypeOnly) => {
    expect(read(text)).toEqual([{ from: 'server/src/app.ts', to, isTypeOnly }]);
  });

  test('what stands in a comment is no import', () => {
    expect(read("// import './compose.ts';\n/* import './compose.ts'; */")).toEqual([]);
  });
});
