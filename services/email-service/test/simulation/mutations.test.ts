/** The checks see what they are there for: each deliberate fault is caught within some hundred schedules. */
import { expect, test } from 'vitest';
import { NO_MUTATIONS, type Mutations } from './mutations.ts';
import { runSimulation } from './run.ts';

const WITHIN_SEEDS = 1_500;
/** Those that show only, or sooner, where a store loses data. */
const NEED_LOSSES: readonly (keyof Mutations)[] = ['noReconciliation', 'noStoreWatch', 'blindCursor'];

for (const name of Object.keys(NO_MUTATIONS) as (keyof Mutations)[])
  test(
    `catches the fault ${name}`,
    async () => {
      const report = await runSimulation({
        first: 0,
        count: WITHIN_SEEDS,
        losses: NEED_LOSSES.includes(name),
        mutations: { [name]: true },
        stopsAtFailure: true,
      });
      expect(report.failures[0]?.failure ?? 'not caught').not.toBe('not caught');
    },
    WITHIN_SEEDS * 100,
  );
