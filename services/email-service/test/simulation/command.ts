/**
 * `npm run chaos -- --sim=<count>`: simulated schedules instead of real processes.
 *
 *     npm run chaos -- --sim=100000                    seeds 0 to 99,999; those with an odd number also lose data of stores
 *     npm run chaos -- --sim=1 --seed=4711             that schedule again, with what happened in it when it fails
 */
import { parseArgs } from 'node:util';
import { explain, runSimulation } from './run.ts';

/** Failures that are explained; more of them have the same reasons. */
const MOST_EXPLAINED = 5;
/** Seeds between two lines of progress. */
const PART = 1_000;

export const SIMULATION_USAGE = `npm run chaos -- --sim=COUNT [options]
  --seed=N        the first seed (default 0)
  --losses        in each schedule stores lose data (else: in every other)
  --lines=N       of the trace of a schedule that failed (default 80)`;

/** @returns the exit code: 0 when no schedule failed, 1 when one did, 64 for arguments that it does not know. */
export async function simulationCommand(
  argv: readonly string[],
  say: (line: string) => void,
): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'string') {
    say(`${options}\n${SIMULATION_USAGE}`);
    return 64;
  }
  const { first, count, lines } = options;
  const startedMs = performance.now();
  const total = { steps: 0, effects: 0, longestRestMs: 0, failures: 0 };
  for (let seed = first; seed < first + count; seed += 1) {
    const losses = options.losses || seed % 2 === 1;
    const report = await runSimulation({ losses, first: seed, count: 1 });
    total.steps += report.steps;
    total.effects += report.effects;
    total.longestRestMs = Math.max(total.longestRestMs, report.longestRestMs);
    for (const failed of report.failures) {
      total.failures += 1;
      if (total.failures <= MOST_EXPLAINED) say(await explain(failed, { losses }, lines));
      else say(`seed ${failed.seed}: ${failed.failure ?? ''}`);
    }
    const done = seed - first + 1;
    if (done % PART === 0) say(`${done} schedules, ${total.failures} failed, ${rate(done, startedMs)}`);
  }
  say(
    `${count} schedules from seed ${first}: ${total.failures} failed; ${rate(count, startedMs)}, ${total.steps} steps, ` +
      `${total.effects} effects, at rest after ${Math.round(total.longestRestMs)} ms of simulated time at most`,
  );
  return total.failures === 0 ? 0 : 1;
}

function rate(count: number, startedMs: number): string {
  return `${Math.round((1000 * count) / (performance.now() - startedMs))} a second`;
}

function readOptions(
  argv: readonly string[],
):
  | { readonly first: number; readonly count: number; readonly losses: boolean; readonly lines: number }
  | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        sim: { type: 'string' },
        seed: { type: 'string', default: '0' },
        losses: { type: 'boolean', default: false },
        lines: { type: 'string', default: '80' },
      },
    });
    const [count, first, lines] = [Number(values.sim), Number(values.seed), Number(values.lines)];
    if (![count, first, lines].every((value) => Number.isSafeInteger(value) && value >= 0))
      return 'numbers only, please';
    return { first, count, losses: values.losses, lines };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
