/**
 * `--check`: has something become worse than what is kept in the repository? Compared are ratios to the floor of the same run, counts and
 * sizes, which say the same on another machine; and times that are processor time for the most part, less what a slower machine adds to
 * them. How much slower it is the floor of ingest says, imapflow + simpleParser, which is processor time alone.
 */
import type { Figures } from './figures.ts';
import { number } from './goals.ts';

export interface Loss {
  readonly figure: string;
  readonly kept: number;
  readonly now: number;
  /** Times that the machine may be slower for this figure: 1 where it should be the same. */
  readonly slowness: number;
}

interface Compared {
  readonly figure: string;
  readonly of: (figures: Figures) => number | undefined;
  readonly better: 'more' | 'less';
  /** A difference below this is noise, whatever its share. */
  readonly slack: number;
  /** A slow machine takes longer; default false. */
  readonly isProcessorTime?: boolean;
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
    isProcessorTime: true,
  },
  {
    figure: 'latency p99 above the floor, ms',
    of: ({ latency }) => latency && latency.p99Ms - latency.floorP99Ms,
    better: 'less',
    slack: 25,
    isProcessorTime: true,
  },
  { figure: 'listener.kibEach', of: ({ listener }) => listener?.kibEach, better: 'less', slack: 1 },
  {
    figure: 'listener.idleCpuPercent',
    of: ({ listener }) => listener?.idleCpuPercent,
    better: 'less',
    slack: 1,
    isProcessorTime: true,
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
    isProcessorTime: true,
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
  const slower = slownessOf(kept, now);
  return COMPARED.flatMap(({ figure, of, better, slack, isProcessorTime = false }) => {
    const [before, after] = [of(kept), of(now)];
    if (before === undefined || after === undefined) return [];
    const slowness = isProcessorTime ? slower : 1;
    const worseBy = better === 'more' ? before - after : after / slowness - before;
    const isLost = worseBy > slack && worseBy > ALLOWED_LOSS * Math.abs(before);
    return isLost ? [{ figure, kept: before, now: after, slowness }] : [];
  });
}

/** 1 where this machine is not slower, or where not both have measured ingest: then it counts as the same. */
function slownessOf(kept: Figures, now: Figures): number {
  const [before, after] = [floorRate(kept), floorRate(now)];
  return before === null || after === null ? 1 : Math.max(1, before / after);
}

/** Messages a second of imapflow + simpleParser. */
function floorRate({ ingest }: Figures): number | null {
  return ingest === undefined ? null : ingest.msgPerSecond / ingest.ratioToSimpleParser;
}

/** How many figures both hold: with none, nothing was checked. */
export function comparedCount(kept: Figures, now: Figures): number {
  return COMPARED.filter(({ of }) => of(kept) !== undefined && of(now) !== undefined).length;
}

export function lossLines(found: readonly Loss[]): readonly string[] {
  return found.map(({ figure, kept, now, slowness }) => {
    const machine = slowness === 1 ? '' : `, on a machine that is ${number(slowness)} times slower`;
    return `lost: ${figure} was ${number(kept)}, is ${number(now)}${machine}`;
  });
}
