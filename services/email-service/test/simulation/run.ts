/** Many seeds one after the other, for the tests and for `npm run chaos -- --sim=<count>`. */
import type { Mutations } from './mutations.ts';
import type { SimulationSettings } from './options.ts';
import { simulate, type SimulationResult } from './world.ts';

export interface RunRequest extends Partial<SimulationSettings> {
  readonly first: number;
  readonly count: number;
  readonly mutations?: Partial<Mutations>;
  /** Ends at the first seed that fails. */
  readonly stopsAtFailure?: boolean;
  readonly onProgress?: (done: number) => void;
}

export interface RunReport {
  readonly seeds: number;
  readonly steps: number;
  readonly effects: number;
  /** Longest time to come to rest after the faults, virtual milliseconds. */
  readonly longestRestMs: number;
  readonly failures: readonly SimulationResult[];
}

/** Seeds between two reports of progress. */
const PROGRESS_EVERY = 1_000;

export async function runSimulation(request: RunRequest): Promise<RunReport> {
  const { first, count, stopsAtFailure = false, onProgress, ...rest } = request;
  const failures: SimulationResult[] = [];
  let [seeds, steps, effects, longestRestMs] = [0, 0, 0, 0];
  for (let seed = first; seed < first + count; seed += 1) {
    const result = await simulateWatched({ ...rest, seed });
    seeds += 1;
    steps += result.steps;
    effects += result.effects;
    longestRestMs = Math.max(longestRestMs, result.restMs);
    if (result.failure !== null) failures.push(result);
    if (result.failure !== null && stopsAtFailure) break;
    if (seeds % PROGRESS_EVERY === 0) onProgress?.(seeds);
  }
  return { seeds, steps, effects, longestRestMs, failures };
}

/** What to print of a seed that failed: it is run again with a trace. */
export async function explain(
  failed: SimulationResult,
  settings: Partial<SimulationSettings> & { readonly mutations?: Partial<Mutations> },
  lines = 80,
): Promise<string> {
  const again = await simulate({ ...settings, seed: failed.seed, trace: true });
  return [
    `seed ${failed.seed}: ${failed.failure ?? ''}`,
    again.digest === failed.digest ? 'replayed byte for byte' : 'NOT THE SAME SCHEDULE when replayed',
    JSON.stringify(again.options),
    ...again.trace.slice(-lines),
  ].join('\n');
}

/** A rejection that nobody handles is a failure of its seed. */
async function simulateWatched(request: Parameters<typeof simulate>[0]): Promise<SimulationResult> {
  const escaped: unknown[] = [];
  const note = (error: unknown): void => void escaped.push(error);
  process.on('unhandledRejection', note);
  try {
    const result = await simulate(request);
    // Rejections are reported when the queues are empty: one more turn.
    await new Promise<void>((resolve) => void setImmediate(resolve));
    const [error] = escaped;
    if (error === undefined) return result;
    const text = error instanceof Error ? (error.stack ?? error.message) : 'a value that is not an Error';
    return { ...result, failure: result.failure ?? `unhandled rejection: ${text}` };
  } finally {
    process.off('unhandledRejection', note);
  }
}
