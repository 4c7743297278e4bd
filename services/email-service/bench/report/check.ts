/**
 * `--check`: has something become worse than what is kept in the repository? Compared are ratios to the floor of the same run, and
 * counts, which say the same on another machine; what is left are times and sizes that hardly depend on it.
 */
import type { Figures } from './figures.ts';
import { number } from './goals.ts';

export interface Loss {
  readonly figure: string;
  readonly kept: number;
  readonly now: number;
}

interface Compared {
  readonly figure: string;
  readonly of: (figures: Figures) => number | undefined;
  readonly better: 'more' | 'less';
  /** A difference below this is noise, whatever its share. */
  readonly slack: number;
}

/** More than this is a loss: 0.2 is a fifth. */
const ALLOWED_LOSS = 0.2;

const COMPARED: readonly Compared[] = [
  { figure: 'ingest.ratioToFetch', of: ({ ingest }) => ingest?.ratioToFetch, better: 'more', slack: 0 },
  {
    figure: 'ingest.ratioToSimpleParser',
    of: ({ ingest }) => ingest?.ratioToSimpleParser,
    better: 'more',
    slack: 0,
  },
  {
    figure: 'latency p50 above the floor, ms',
    of: ({ latency }) => latency && latency.p50Ms - latency.floorP50Ms,
    better: 'less',
    slack: 3,
  },
  {
    figure: 'latency p99 above the floor, ms',
    of: ({ latency }) => latency && latency.p99Ms - latency.floorP99Ms,
    better: 'less',
    slack: 25,
  },
  { figure: 'listener.kibEach', of: ({ listener }) => listener?.kibEach, better: 'less', slack: 1 },
  {
    figure: 'listener.idleCpuPercent',
    of: ({ listener }) => listener?.idleCpuPercent,
    better: 'less',
    slack: 1,
  },
  { figure: 'coldStart.ratio', of: ({ coldStart }) => coldStart?.ratio, better: 'less', slack: 0 },
  {
    figure: 'database.statementsPerBatch',
    of: ({ database }) => database?.statementsPerBatch,
    better: 'less',
    slack: 0.1,
  },
  {
    figure: 'database.renewalsPerBeat',
    of: ({ database }) => database?.renewalsPerBeat,
    better: 'less',
    slack: 0.1,
  },
  {
    figure: 'takeover after SIGKILL, lease TTLs',
    of: ({ takeover }) => takeover && takeover.sigkillSeconds / takeover.leaseTtlSeconds,
    better: 'less',
    slack: 0.05,
  },
  {
    figure: 'takeover.sigtermSeconds',
    of: ({ takeover }) => takeover?.sigtermSeconds,
    better: 'less',
    slack: 0.3,
  },
  {
    figure: 'memory.peakMib500MbMessage',
    of: ({ memory }) => memory?.peakMib500MbMessage,
    better: 'less',
    slack: 10,
  },
  { figure: 'memory.peakMibFlood', of: ({ memory }) => memory?.peakMibFlood, better: 'less', slack: 10 },
  {
    figure: 'fairness.quietP99Ratio',
    of: ({ fairness }) => fairness?.quietP99Ratio,
    better: 'less',
    slack: 0.2,
  },
];

/** Of what both hold. */
export function losses(kept: Figures, now: Figures): readonly Loss[] {
  return COMPARED.flatMap(({ figure, of, better, slack }) => {
    const [before, after] = [of(kept), of(now)];
    if (before === undefined || after === undefined) return [];
    const worseBy = better === 'more' ? before - after : after - before;
    const isLost = worseBy > slack && worseBy > ALLOWED_LOSS * Math.abs(before);
    return isLost ? [{ figure, kept: before, now: after }] : [];
  });
}

/** How many figures both hold: with none, nothing was checked. */
export function comparedCount(kept: Figures, now: Figures): number {
  return COMPARED.filter(({ of }) => of(kept) !== undefined && of(now) !== undefined).length;
}

export function lossLines(found: readonly Loss[]): readonly string[] {
  return found.map(({ figure, kept, now }) => `lost: ${figure} was ${number(kept)}, is ${number(now)}`);
}
