/**
 * The protocol under 10,000 schedules of faults, each decided by one seed (see world.ts). More, or others:
 * `SIMULATION_SEEDS=100000 SIMULATION_FIRST=50000 npx vitest run --project unit services/email-service/test/simulation/simulation.test.ts`
 */
import { env } from 'node:process';
import { describe, expect, test } from 'vitest';
import type { SimulationSettings } from './options.ts';
import { explain, runSimulation } from './run.ts';
import { simulate } from './world.ts';

const SEEDS = Number(env['SIMULATION_SEEDS'] ?? 10_000);
const FIRST = Number(env['SIMULATION_FIRST'] ?? 0);
/** Seeds per test: short enough that one shows progress. */
const PART = Math.max(1, Math.ceil(SEEDS / 20));
/** A seed takes some five milliseconds of a core that is ours alone. */
const MS_PER_SEED = 100;

interface Plan {
  readonly name: string;
  /** Of all seeds. */
  readonly share: number;
  readonly settings: Partial<SimulationSettings>;
}

// Not in the plans yet, because schedules with them find faults that are still open: `commitLosses`, `renumbering`, `late`.
const PLANS: readonly Plan[] = [
  {
    name: 'no store loses data',
    share: 0.75,
    settings: { losses: false, renumbering: false, late: false },
  },
  {
    name: 'Redis loses data',
    share: 0.25,
    settings: { losses: true, commitLosses: false, renumbering: false, late: false },
  },
];

for (const { name, share, settings } of PLANS)
  describe(`where ${name}, whatever else fails`, () => {
    for (let first = FIRST; first < FIRST + SEEDS * share; first += PART)
      test(
        `nothing is lost, doubled or out of order in schedules from ${first} on`,
        async () => {
          const { failures } = await runSimulation({ ...settings, first, count: PART, stopsAtFailure: true });
          const [failed] = failures;
          expect(failed === undefined ? null : await explain(failed, settings)).toBeNull();
        },
        PART * MS_PER_SEED + 10_000,
      );
  });

test('the same seed gives the same schedule, byte for byte', async () => {
  for (const seed of [1, 2, 3]) {
    const [once, again] = [
      await simulate({ seed, losses: true, trace: true }),
      await simulate({ seed, losses: true, trace: true }),
    ];
    expect(again.trace.join('\n')).toBe(once.trace.join('\n'));
    expect(again.digest).toBe(once.digest);
    expect(once.steps).toBeGreaterThan(100);
  }
});
