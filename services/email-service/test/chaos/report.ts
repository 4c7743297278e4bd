/** What a person reads: one line for a clean schedule, everything for another, and the figures at the end. */
import { COLUMNS } from './oracle.ts';
import type { RunResult } from './run-schedule.ts';
import type { Takeovers } from './takeover.ts';

const MOST_FINDINGS = 8;

export function linesOf(result: RunResult, withLosses: boolean): readonly string[] {
  const { verdict, messages, entries, convergedInMs, tookMs } = result;
  const columns = COLUMNS.map((column) => `${column} ${verdict.findings[column].length}`).join(' · ');
  const converged = convergedInMs === null ? 'did NOT converge' : `converged in ${seconds(convergedInMs)}`;
  const lines = [
    `  ${messages} messages, ${entries} entries, ${converged}, took ${seconds(tookMs)}`,
    `  ${columns}`,
  ];
  if (verdict.deadLettered.length > 0) lines.push(`  dead letters: ${verdict.deadLettered.join(', ')}`);
  if (verdict.gone.length > 0) lines.push(`  accepted, in no mailbox: ${verdict.gone.join(', ')}`);
  for (const column of COLUMNS) {
    const found = verdict.findings[column];
    for (const finding of found.slice(0, MOST_FINDINGS)) lines.push(`    ${column}: ${finding}`);
    if (found.length > MOST_FINDINGS) lines.push(`    ${column}: and ${found.length - MOST_FINDINGS} more`);
  }
  if (result.keptIn !== null) {
    lines.push(`  logs and evidence: ${result.keptIn}`);
    lines.push(
      `  again: npm run chaos -- --seed=${result.seed} --schedules=1${withLosses ? ' --losses' : ''} (and the same --seconds and --rate)`,
    );
  }
  return lines;
}

export function summary(results: readonly RunResult[]): readonly string[] {
  const total = (of: (result: RunResult) => number): number =>
    results.reduce((sum, result) => sum + of(result), 0);
  const faults = new Map<string, number>();
  for (const { schedule } of results)
    for (const { fault } of schedule) faults.set(fault.kind, (faults.get(fault.kind) ?? 0) + 1);
  const failed = results.filter(({ keptIn }) => keptIn !== null).map(({ seed }) => seed);
  const convergence = results.flatMap(({ convergedInMs }) => (convergedInMs === null ? [] : [convergedInMs]));
  return [
    '',
    `${results.length} schedules, ${total(({ messages }) => messages)} messages, ${total(({ schedule }) => schedule.length)} faults`,
    ...[...faults].sort(([, a], [, b]) => b - a).map(([kind, count]) => `  ${kind.padEnd(18)}${count}`),
    ...(convergence.length === 0 ? [] : [`convergence      ${spread(convergence)}`]),
    ...COLUMNS.map(
      (column) => `${column.padEnd(18)}${total(({ verdict }) => verdict.findings[column].length)}`,
    ),
    `dead letters      ${total(({ verdict }) => verdict.deadLettered.length)}`,
    failed.length === 0 ? 'all clean' : `failed seeds: ${failed.join(', ')}`,
  ];
}

export function takeoverLines(takeovers: Takeovers, leaseTtlMs: number): readonly string[] {
  return [
    `takeover, from the signal (lease TTL ${seconds(leaseTtlMs)}; goals: TTL + 2 s after SIGKILL, 1 s after SIGTERM)`,
    ...Object.entries(takeovers).flatMap(([signal, runs]) => [
      `  ${signal}  leases held by others  ${spread(runs.map(({ leasesMs }) => leasesMs))}`,
      `  ${signal}  next mail published    ${spread(runs.map(({ mailMs }) => mailMs))}`,
    ]),
  ];
}

/** Least, middle and most. */
export function spread(valuesMs: readonly number[]): string {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
  return `min ${seconds(at(0))}, median ${seconds(at(0.5))}, max ${seconds(at(1))} (${sorted.length})`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
