/**
 * `npm run chaos`: schedule after schedule until the time or the number is reached, then the figures.
 *
 *     npm run chaos -- --minutes=60 --seed=1000        as many schedules as fit, seeds 1000, 1001, …
 *     npm run chaos -- --seed=1017 --schedules=1       that schedule again
 */
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freezeBuild } from './frozen-build.ts';
import { readOptions, USAGE, type CampaignOptions } from './options.ts';
import { linesOf, summary, takeoverLines } from './report.ts';
import { runSchedule, type RunResult } from './run-schedule.ts';
import { measureTakeovers } from './takeover.ts';
import { makeTemplate } from './template.ts';
import { LEASE_TTL_MS } from './world.ts';

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
    return (await runAll(options, folder, say)).every(isClean) ? 0 : 1;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await rm(folder, { recursive: true, force: true });
  }
}

async function runAll(
  options: CampaignOptions,
  folder: string,
  say: (line: string) => void,
): Promise<readonly RunResult[]> {
  const build = await freezeBuild(join(folder, 'build'));
  const template = await makeTemplate(folder);
  if (options.takeovers > 0) {
    const takeovers = await measureTakeovers({
      ...options,
      count: options.takeovers,
      build,
      template,
      within: folder,
    });
    for (const line of takeoverLines(takeovers, LEASE_TTL_MS)) say(line);
  }
  const until = Date.now() + options.minutes * 60_000;
  const results: RunResult[] = [];
  for (let index = 0; index < options.schedules && Date.now() < until; index += 1) {
    const seed = options.seed + index;
    say(`\nschedule ${index + 1}, seed ${seed}`);
    const result = await runSchedule({
      ...options,
      seed,
      build,
      template,
      within: folder,
      keepIn: options.keepIn,
      say,
    });
    results.push(result);
    for (const line of linesOf(result, options.withLosses)) say(line);
  }
  for (const line of summary(results)) say(line);
  return results;
}

export function isClean(result: RunResult): boolean {
  return result.verdict.isClean && result.convergedInMs !== null;
}
