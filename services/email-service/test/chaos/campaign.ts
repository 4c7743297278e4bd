/**
 * `npm run chaos`: schedule after schedule until the time or the number is reached, then the figures.
 *
 *     npm run chaos -- --minutes=60 --seed=1000        as many schedules as fit, seeds 1000, 1001, …
 *     npm run chaos -- --seed=1017 --schedules=1       that schedule again
 *
 *     npm run chaos -- --rolling=5 --schedules=0        five rolling restarts, and no faults
 *
 * Every third seed also makes a store lose data that it had confirmed.
 */
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freezeBuild } from './frozen-build.ts';
import { readOptions, USAGE, type CampaignOptions } from './options.ts';
import { prove } from './proof.ts';
import { linesOf, summary, takeoverLines } from './report.ts';
import { rollingFindings, rollingLines } from './rolling-report.ts';
import { measureRollingRestarts, type RollingRestarts } from './rolling-restart.ts';
import { isClean, runSchedule, type BrokenOff, type Outcome } from './run-schedule.ts';
import { measureTakeovers, type Takeovers } from './takeover.ts';
import { makeTemplate } from './template.ts';

/** Mail before the first and after the last of a run of rolling restarts, milliseconds. */
const ROLLING_CALM_MS = 10_000;

/** @returns the exit code: 0 when every column of every schedule is 0, 1 when not, 64 for arguments that it does not know. */
export async function campaign(argv: readonly string[], say: (line: string) => void): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'string') {
    say(`${options}\n${USAGE}`);
    return 64;
  }
  const folder = await mkdtemp(join(tmpdir(), 'mschaos-'));
  await chmod(folder, 0o755);
  const stop = (): void => {
    // Runs last, when the processes below have been killed.
    process.once('exit', () =>
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
    );
    process.exit(130);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    if (options.mutants !== null) {
      const template = await makeTemplate(folder);
      const failures = await prove({ ...options, only: options.mutants, template, within: folder, say });
      return failures.length === 0 ? 0 : 1;
    }
    return (await runAll(options, folder, say)) ? 0 : 1;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await rm(folder, { recursive: true, force: true });
  }
}

async function runAll(
  options: CampaignOptions,
  folder: string,
  say: (line: string) => void,
): Promise<boolean> {
  const build = await freezeBuild(join(folder, 'build'));
  const template = await makeTemplate(folder);
  const outcomes: Outcome[] = [];
  let takeovers: Takeovers | null = null;
  let rolling: RollingRestarts | null = null;
  /** After each schedule, so that an interrupted run leaves its figures. */
  const keepFigures = async (): Promise<void> => {
    if (options.json !== null)
      await writeFile(options.json, JSON.stringify({ takeovers, rolling, schedules: outcomes }, null, 1));
  };
  if (options.takeovers > 0) {
    takeovers = await measureTakeovers({
      ...options,
      count: options.takeovers,
      build,
      template,
      within: folder,
    });
    for (const line of takeoverLines(takeovers, takeovers.leaseTtlMs)) say(line);
    await keepFigures();
  }
  if (options.rolling > 0) {
    rolling = await measureRollingRestarts({
      ...options,
      rounds: options.rolling,
      calmMs: ROLLING_CALM_MS,
      build,
      template,
      within: folder,
      keepIn: join(options.keepIn, 'rolling-restart'),
    });
    for (const line of rollingLines(rolling)) say(line);
    await keepFigures();
  }
  const until = Date.now() + options.minutes * 60_000;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < options.schedules && Date.now() < until) {
      const seed = options.seed + next;
      next += 1;
      const lines = [`\nschedule ${next}, seed ${seed}`];
      const withLosses = options.withLosses || seed % 3 === 0;
      const outcome = await runSchedule({
        ...options,
        ...{ seed, withLosses, build, template },
        within: folder,
        say: (line) => lines.push(line),
      }).catch((error: unknown) => brokenOff(seed, error));
      outcomes.push(outcome);
      await keepFigures();
      // At once, so that schedules side by side do not mix.
      for (const line of [...lines, ...linesOf(outcome)]) say(line);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, lane));
  if (outcomes.length > 0) for (const line of summary(outcomes)) say(line);
  return outcomes.every(isClean) && (rolling === null || rollingFindings(rolling).length === 0);
}

/** Not a verdict on the product, and not clean either. */
function brokenOff(seed: number, error: unknown): BrokenOff {
  return { seed, brokenOff: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
