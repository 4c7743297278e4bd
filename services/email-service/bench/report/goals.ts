/** DESIGN section 9 as data: goal, floor and measured value of each figure, for the table and the chart. */
import type { Figures } from './figures.ts';

export interface GoalRow {
  readonly what: string;
  /** Measured beside it in the same run; empty where there is none. */
  readonly floor: string;
  readonly goal: string;
  readonly measured: string;
  readonly isMet: boolean;
}

const MIB = 512;

/** Only of what was measured. */
export function goalRows(figures: Figures): readonly GoalRow[] {
  return [
    ...ingestRows(figures.ingest),
    ...latencyRows(figures.latency),
    ...listenerRows(figures.listener),
    ...startRows(figures),
    ...databaseRows(figures.database),
    ...takeoverRows(figures.takeover),
    ...memoryRows(figures.memory),
    ...fairnessRows(figures.fairness),
  ];
}

function ingestRows(ingest: Figures['ingest']): readonly GoalRow[] {
  if (ingest === undefined) return [];
  const { msgPerSecond, ratioToFetch, ratioToSimpleParser } = ingest;
  return [
    {
      what: 'ingest, fetch to stream, raw and attachments stored',
      floor: `imapflow fetch alone ${number(msgPerSecond / ratioToFetch)} msg/s`,
      goal: '≥ 1,500 msg/s',
      measured: `${number(msgPerSecond)} msg/s`,
      isMet: msgPerSecond >= 1_500,
    },
    {
      what: 'the same beside imapflow + simpleParser',
      floor: `${number(msgPerSecond / ratioToSimpleParser)} msg/s`,
      goal: '≥ 3x',
      measured: `${number(ratioToSimpleParser)}x`,
      isMet: ratioToSimpleParser >= 3,
    },
  ];
}

function latencyRows(latency: Figures['latency']): readonly GoalRow[] {
  if (latency === undefined) return [];
  const row = (name: string, ms: number, floorMs: number, allowedMs: number): GoalRow => ({
    what: `latency ${name}, delivery accepted to entry on the stream`,
    floor: `bare imapflow IDLE + fetch ${number(floorMs)} ms`,
    goal: `≤ floor + ${allowedMs} ms`,
    measured: `${number(ms)} ms (${ms < floorMs ? '−' : '+'}${number(Math.abs(ms - floorMs))})`,
    isMet: ms <= floorMs + allowedMs,
  });
  return [
    row('p50', latency.p50Ms, latency.floorP50Ms, 10),
    row('p99', latency.p99Ms, latency.floorP99Ms, 50),
  ];
}

function listenerRows(listener: Figures['listener']): readonly GoalRow[] {
  if (listener === undefined) return [];
  const { count, kibEach, idleCpuPercent } = listener;
  return [
    {
      what: `idle folder listener, ${number(count)} in one process`,
      floor: 'imapflow alone 30 to 48 KiB',
      goal: '≤ 64 KiB each',
      measured: `${number(kibEach)} KiB`,
      isMet: kibEach <= 64,
    },
    {
      what: `idle processor time of ${number(count)} listeners`,
      floor: '',
      goal: '< 5 % of a core',
      measured: `${number(idleCpuPercent)} %`,
      isMet: idleCpuPercent < 5,
    },
  ];
}

function startRows({ coldStart }: Figures): readonly GoalRow[] {
  if (coldStart === undefined) return [];
  const { seconds, ratio } = coldStart;
  return [
    {
      what: 'cold start of 3,000 folders on one local server',
      floor: `bare imapflow ${number(seconds / ratio)} s`,
      goal: '≤ 1.2x',
      measured: `${number(seconds)} s (${number(ratio)}x)`,
      isMet: ratio <= 1.2,
    },
  ];
}

function databaseRows(database: Figures['database']): readonly GoalRow[] {
  if (database === undefined) return [];
  return [
    {
      what: 'statements per batch of messages',
      floor: '',
      goal: '≤ 3',
      measured: number(database.statementsPerBatch),
      isMet: database.statementsPerBatch <= 3,
    },
    {
      what: 'statements per beat to renew all leases of an instance',
      floor: '',
      goal: '1',
      measured: number(database.renewalsPerBeat),
      isMet: database.renewalsPerBeat <= 1.05,
    },
  ];
}

function takeoverRows(takeover: Figures['takeover']): readonly GoalRow[] {
  if (takeover === undefined) return [];
  const { sigkillSeconds, sigtermSeconds, leaseTtlSeconds } = takeover;
  return [
    {
      what: `takeover after SIGKILL, lease TTL ${number(leaseTtlSeconds)} s`,
      floor: '',
      goal: '≤ TTL + 2 s',
      measured: `${number(sigkillSeconds)} s`,
      isMet: sigkillSeconds <= leaseTtlSeconds + 2,
    },
    {
      what: 'takeover after SIGTERM',
      floor: '',
      goal: '≤ 1 s',
      measured: `${number(sigtermSeconds)} s`,
      isMet: sigtermSeconds <= 1,
    },
  ];
}

function memoryRows(memory: Figures['memory']): readonly GoalRow[] {
  if (memory === undefined) return [];
  const row = (what: string, mib: number): GoalRow => ({
    what: `peak memory, ${what}`,
    floor: '',
    goal: `< ${MIB} MiB`,
    measured: `${number(mib)} MiB`,
    isMet: mib < MIB,
  });
  return [
    row('one message of 500 MB', memory.peakMib500MbMessage),
    row('1,000 of 25 MB at once', memory.peakMibFlood),
  ];
}

function fairnessRows(fairness: Figures['fairness']): readonly GoalRow[] {
  if (fairness === undefined) return [];
  return [
    {
      what: 'p99 of a quiet tenant while another has 100,000 messages',
      floor: 'its p99 alone',
      goal: '≤ 2x',
      measured: `${number(fairness.quietP99Ratio)}x`,
      isMet: fairness.quietP99Ratio <= 2,
    },
  ];
}

/** As people write it: `2,700`, `64`, `1.23`. */
export function number(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
