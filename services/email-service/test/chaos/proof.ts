/**
 * Proof that the oracle sees: every mutant is caught in its directed schedule, and the same schedule without it is clean.
 *
 *     npm run chaos -- --mutants            all of them
 *     npm run chaos -- --mutants=no-gate    those whose names contain it
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freezeBuild, type Build } from './frozen-build.ts';
import { mutate } from './mutate-build.ts';
import { MUTANTS, type Mutant } from './mutants.ts';
import { COLUMNS, type Column } from './oracle.ts';
import { linesOf } from './report.ts';
import { isClean, runSchedule, type RunResult } from './run-schedule.ts';
import { SCENARIOS, type ScenarioName } from './scenarios.ts';
import type { Template } from './template.ts';

export interface ProofOptions {
  readonly template: Template;
  readonly within: string;
  readonly keepIn: string;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** A mutant that lost something never settles: no need to wait long for it. */
const MUTANT_PATIENCE_MS = 12_000;
/** Whether a fault meets its moment is a matter of milliseconds in real processes. */
const MOST_TRIES = 3;
const CLEAN_PATIENCE_MS = 60_000;

/** @returns names of what went wrong: mutants not caught, scenarios not clean without one. */
export async function prove(options: ProofOptions & { readonly only: string }): Promise<readonly string[]> {
  const { only, say } = options;
  const chosen = MUTANTS.filter(({ name }) => name.includes(only));
  const failures: string[] = [];
  const rows: string[] = [];
  const build = await freezeBuild(join(options.within, 'build-without'));
  for (const scenario of new Set(chosen.map((mutant) => mutant.scenario))) {
    const result = await runScenario(scenario, build, options, CLEAN_PATIENCE_MS);
    if (!isClean(result)) {
      failures.push(`without a mutant: ${scenario}`);
      for (const line of linesOf(result)) say(line);
    }
    rows.push(row('(none)', scenario, isClean(result) ? 'clean' : 'NOT CLEAN', result, []));
    say(rows.at(-1) ?? '');
  }
  for (const mutant of chosen) {
    let { result, caughtIn } = await tryMutant(mutant, options);
    for (let again = 1; again < MOST_TRIES && caughtIn.length === 0; again += 1)
      ({ result, caughtIn } = await tryMutant(mutant, { ...options, seed: options.seed + again }));
    if (caughtIn.length === 0) failures.push(mutant.name);
    rows.push(row(mutant.name, mutant.scenario, caughtIn.length > 0 ? 'caught' : 'MISSED', result, caughtIn));
    say(rows.at(-1) ?? '');
  }
  say('');
  for (const { name, what } of chosen) say(`${name.padEnd(28)}${what}`);
  say(`\n${chosen.length - failures.length} of ${chosen.length} caught`);
  return failures;
}

/** One mutant in its scenario. @returns columns among those in which it should show. */
export async function tryMutant(
  mutant: Mutant,
  options: ProofOptions,
): Promise<{ readonly result: RunResult; readonly caughtIn: readonly Column[] }> {
  const folder = join(options.within, `build-${mutant.name}`);
  const build = await freezeBuild(folder);
  try {
    await mutate(folder, mutant.patches);
    const keepIn = join(options.keepIn, mutant.name);
    const result = await runScenario(mutant.scenario, build, { ...options, keepIn }, MUTANT_PATIENCE_MS);
    return { result, caughtIn: dirty(result).filter((column) => mutant.shows.includes(column)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function runScenario(
  name: ScenarioName,
  build: Build,
  { template, within, keepIn, seed }: ProofOptions,
  patienceMs: number,
): Promise<RunResult> {
  return runSchedule({
    ...SCENARIOS[name],
    seed,
    build,
    template,
    within,
    keepIn: join(keepIn, name.replaceAll(' ', '-')),
    patienceMs,
    withLosses: false,
    say: () => undefined,
  });
}

function dirty({ verdict }: RunResult): readonly Column[] {
  return COLUMNS.filter((column) => verdict.findings[column].length > 0);
}

function row(
  mutant: string,
  scenario: string,
  what: string,
  result: RunResult,
  caughtIn: readonly Column[],
): string {
  const seen = dirty(result).map(
    (column) => `${caughtIn.includes(column) ? '*' : ''}${column} ${result.verdict.findings[column].length}`,
  );
  if (result.convergedInMs === null) seen.push('not converged');
  const took = `${Math.round(result.tookMs / 1000)} s`;
  return `${what.padEnd(10)}${mutant.padEnd(28)}${scenario.padEnd(26)}${took.padEnd(6)}${seen.join(', ')}`;
}
