/** What a person reads: one line for a clean schedule, everything for another, and the figures at the end. */
import { COLUMNS } from './oracle.ts';
import { isClean, type Outcome, type RunResult } from './run-schedule.ts';
import { PHASES } from './takeover-phases.ts';
import type { Takeovers } from './takeover.ts';

const MOST_FINDINGS = 8;

export function linesOf(outcome: Outcome): readonly string[] {
  if ('brokenOff' in outcome) return [`  broken off: ${outcome.brokenOff}`];
  const { verdict, messages, entries, convergedInMs, tookMs } = outcome;
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
  if (outcome.keptIn !== null) {
    lines.push(`  logs and evidence: ${outcome.keptIn}`);
    lines.push(`  again: npm run chaos -- --seed=${outcome.seed} --schedules=1 (and the same other options)`);
  }
  return lines;
}

export function summary(outcomes: readonly Outcome[]): readonly string[] {
  const results = outcomes.flatMap((outcome) => ('brokenOff' in outcome ? [] : [outcome]));
  const total = (of: (result: RunResult) => number): number =>
    results.reduce((sum, result) => sum + of(result), 0);
  const faults = new Map<string, number>();
  for (const { schedule } of results)
    for (const { fault } of schedule) faults.set(fault.kind, (faults.get(fault.kind) ?? 0) + 1);
  const failed = outcomes.filter((outcome) => !isClean(outcome)).map(({ seed }) => seed);
  const convergence = results.flatMap(({ convergedInMs }) => (convergedInMs === null ? [] : [convergedInMs]));
  const figures: readonly (readonly [string, number])[] = [
    ['schedules', outcomes.length],
    ['deliveries', total(({ delivered }) => delivered)],
    ['messages', total(({ messages }) => messages)],
    ['stream entries', total(({ entries }) => entries)],
    ['effects', total(({ effects }) => effects)],
    ['faults', total(({ schedule }) => schedule.length)],
    ...[...faults].sort(([, a], [, b]) => b - a).map(([kind, count]) => [`  ${kind}`, count] as const),
    ['processes killed', total(({ kills }) => kills)],
    ['not converged', results.filter(({ convergedInMs }) => convergedInMs === null).length],
    ['broken off', outcomes.length - results.length],
    ['dead letters', total(({ verdict }) => verdict.deadLettered.length)],
  ];
  return [
    '',
    ...figures.map(([name, count]) => `${name.padEnd(20)}${count}`),
    ...(convergence.length === 0 ? [] : [`${'convergence'.padEnd(20)}${spread(convergence)}`]),
    '',
    ...COLUMNS.map(
      (column) => `${column.padEnd(20)}${total(({ verdict }) => verdict.findings[column].length)}`,
    ),
    '',
    failed.length === 0 ? 'all clean' : `failed seeds: ${failed.join(', ')}`,
  ];
}

export function takeoverLines(takeovers: Takeovers, leaseTtlMs: number): readonly string[] {
  const goalMs = { SIGKILL: leaseTtlMs + 2_000, SIGTERM: 1_000 };
  return [
    `takeover, from the signal (lease TTL ${seconds(leaseTtlMs)}; goals: TTL + 2 s after SIGKILL, 1 s after SIGTERM)`,
    ...(['SIGKILL', 'SIGTERM'] as const).flatMap((signal) => {
      const runs = takeovers[signal];
      return [
        `  ${signal}  leases held by others  ${spread(runs.map(({ leasesMs }) => leasesMs))}, ${runs.filter(({ leasesMs }) => leasesMs <= goalMs[signal]).length} within the goal`,
        `  ${signal}  next mail published    ${spread(runs.map(({ mailMs }) => mailMs))}`,
        `  ${signal}  process ended          ${spread(runs.map(({ endedMs }) => endedMs))}`,
        ...PHASES.map((phase) => {
          const seen = runs.flatMap(({ phases }) => phases.flatMap((each) => each[phase] ?? []));
          return `  ${signal}    ${phase.padEnd(10)}          ${seen.length === 0 ? '-' : spread(seen)}`;
        }),
      ];
    }),
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
