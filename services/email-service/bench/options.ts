/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

/** In the order in which they run: short ones first. Each fills one group of the figures; `growth` has series only. */
export const PARTS = [
  'ingest',
  'database',
  'latency',
  'fairness',
  'growth',
  'takeover',
  'memory',
  'cold-start',
  'listeners',
] as const;
/** Kept apart from section 9: only when they are named. They run in vitest, with the fixtures of the tests. */
export const EXTRA_PARTS = { fleet: 'fleet.bench', worker: 'throughput.bench' } as const;

export type PartName = (typeof PARTS)[number];
export type ExtraName = keyof typeof EXTRA_PARTS;

export interface BenchOptions {
  readonly parts: readonly PartName[];
  readonly extras: readonly ExtraName[];
  readonly quick: boolean;
  /** File for the figures; null for none. */
  readonly json: string | null;
  /** File for every run of every series; null for none. */
  readonly runs: string | null;
  /** Figures are read from this file and nothing is measured; null measures. */
  readonly from: string | null;
  /** Compare with the kept figures. */
  readonly check: boolean;
  /** Keep the figures in the repository, with chart and table. */
  readonly keep: boolean;
}

export const USAGE = `npm run bench -- [parts] [options]
  parts           ${PARTS.join(' ')} (default: all of these)
                  ${Object.keys(EXTRA_PARTS).join(' ')} (only when named)
  --quick         small sizes, about two minutes in all
  --json=FILE     the figures, for machines
  --runs=FILE     every run of everything that was measured
  --check         fail when a figure is more than 20 % worse than the one kept in the repository
  --keep          keep the figures in the repository, with the chart and the table of the README
  --from=FILE     no measuring: --check, --keep and the table for figures that --json wrote`;

/** @returns what is wrong, in words, when something is. */
export function readOptions(argv: readonly string[]): BenchOptions | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        runs: { type: 'string' },
        from: { type: 'string' },
        check: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
      },
    });
    const unknown = positionals.find((name) => !isPart(name) && !isExtra(name));
    if (unknown !== undefined) return `there is no part "${unknown}"`;
    if (values.from !== undefined && positionals.length > 0) return '--from measures nothing: name no parts';
    return {
      parts: positionals.length === 0 ? PARTS : PARTS.filter((name) => positionals.includes(name)),
      extras: positionals.filter(isExtra),
      quick: values.quick,
      json: values.json ?? null,
      runs: values.runs ?? null,
      from: values.from ?? null,
      check: values.check,
      keep: values.keep,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function isPart(name: string): name is PartName {
  return (PARTS as readonly string[]).includes(name);
}

function isExtra(name: string): name is ExtraName {
  return Object.hasOwn(EXTRA_PARTS, name);
}
