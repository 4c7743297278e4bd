/**
 * `npm run bench`: part after part on servers of its own, then tables, files and verdicts.
 *
 * A part that fails is told, the others go on, and the exit code says it; one that hangs ends the bench. Whatever happens, everything
 * that was started is stopped and the folder is removed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { EXTRA_PARTS, readOptions, USAGE, type BenchOptions, type PartName } from './options.ts';
import { coldStart } from './parts/cold-start.ts';
import { database } from './parts/database.ts';
import { fairness } from './parts/fairness.ts';
import { growth } from './parts/growth.ts';
import { ingest } from './parts/ingest.ts';
import { latency } from './parts/latency.ts';
import { listeners } from './parts/listeners.ts';
import { memory } from './parts/memory.ts';
import type { Part, PartResult } from './parts/part.ts';
import { takeover } from './parts/takeover.ts';
import { comparedCount, losses, lossLines } from './report/check.ts';
import { keep, keptFigures, readReport, writeReport } from './report/kept.ts';
import { roundedReport } from './report/rounding.ts';
import { currentCommit, describeMachine } from './report/machine.ts';
import type { Figures, Report } from './report/figures.ts';
import { goalRows } from './report/goals.ts';
import { spread, type Series } from './report/statistics.ts';
import { goalTable, seriesTable } from './report/table.ts';
import { FULL, QUICK } from './sizes.ts';
import { newFileMs, newFileWarning } from './world/new-file.ts';
import { startServers, type Servers } from './world/servers.ts';

const RUN: Readonly<Record<PartName, Part>> = {
  ...{ ingest, database, latency, fairness, growth, takeover, memory, listeners },
  'cold-start': coldStart,
};
/** Against what hangs: more than any part takes on a busy machine. */
const LONGEST_PART_MS = 45 * 60_000;

interface Measured {
  readonly report: Report;
  readonly series: readonly Series[];
  readonly failed: readonly string[];
}

/** @returns the exit code: 0 when all was measured and nothing lost, 1 when not, 64 for arguments that it does not know. */
export async function bench(argv: readonly string[], say: (line: string) => void): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'string') {
    say(`${options}\n${USAGE}`);
    return 64;
  }
  let failed: readonly string[] = [];
  if (options.parts.length > 0) {
    const { report, series, failed: broken } = await reportOf(options, say);
    failed = broken;
    if (series.length > 0) for (const line of ['', ...seriesTable(series)]) say(line);
    for (const line of ['', ...goalTable(goalRows(report)), '']) say(line);
    if (options.quick) say('Of small sizes: these are not the figures that the goals speak of.\n');
    await writeFiles(options, report, series);
    failed = [...failed, ...(await verdicts(options, report, say))];
  }
  for (const extra of options.extras)
    if (!(await runExtra(EXTRA_PARTS[extra]))) failed = [...failed, `${extra} failed`];
  for (const line of failed) say(line);
  return failed.length === 0 ? 0 : 1;
}

async function reportOf(options: BenchOptions, say: (line: string) => void): Promise<Measured> {
  if (options.from !== null) return { report: await readReport(options.from), series: [], failed: [] };
  return measureAll(options, say);
}

async function writeFiles(options: BenchOptions, report: Report, series: readonly Series[]): Promise<void> {
  if (options.json !== null) await writeReport(options.json, report);
  if (options.runs === null) return;
  const { machine, commit } = report;
  const runs = series.map((each) => ({ ...each, ...spread(each.values) }));
  await writeFile(options.runs, `${JSON.stringify({ machine, commit, runs }, null, 1)}\n`);
}

/** @returns what is to be told as failed */
async function verdicts(
  options: BenchOptions,
  report: Report,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const failed: string[] = [];
  if (options.check) {
    const kept = await keptFigures(options.quick);
    const count = kept === null ? 0 : comparedCount(kept, report);
    const lost = kept === null ? [] : losses(kept, report);
    if (count === 0) failed.push('nothing is kept that these figures could be compared with: --keep');
    else say(`${count} figures compared with those kept, ${lost.length} lost more than 20 %`);
    failed.push(...lossLines(lost));
  }
  if (options.keep) for (const file of await keep(report, options.quick)) say(`written: ${file}`);
  return failed;
}

async function measureAll(options: BenchOptions, say: (line: string) => void): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'msbench-'));
  // When we are root, servers run as another user, who has to reach their folders below.
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
    const warning = newFileWarning(newFileMs(folder));
    if (warning !== null) say(warning);
    const servers = await startServers(folder);
    try {
      return await measureParts(options, servers, say);
    } finally {
      await servers.close();
    }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function measureParts(
  options: BenchOptions,
  servers: Servers,
  say: (line: string) => void,
): Promise<Measured> {
  let figures: Figures = {};
  const series: Series[] = [];
  const failed: string[] = [];
  const sizes = options.quick ? QUICK : FULL;
  for (const name of options.parts) {
    const begunMs = performance.now();
    say(`${name} …`);
    const result = await inTime(RUN[name]({ servers, sizes, say })).catch(toText);
    say(`  took ${((performance.now() - begunMs) / 1000).toFixed(0)} s`);
    if (typeof result === 'string') failed.push(`${name} failed: ${result}`);
    // What it began goes on and would be measured with the next one.
    else if (result === null) failed.push(`${name} hangs: what comes after it was not measured`);
    else {
      figures = { ...figures, ...result.figures };
      series.push(...result.series);
    }
    if (result === null) break;
  }
  const machine = await describeMachine(await postgresVersion(servers));
  const report = roundedReport({ ...figures, machine, commit: await currentCommit() });
  return { report, series, failed };
}

function toText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** @returns null when it is not done in time */
async function inTime(work: Promise<PartResult>): Promise<PartResult | null> {
  const timer = new AbortController();
  const expired = delay(LONGEST_PART_MS, null, { signal: timer.signal });
  expired.catch(() => undefined);
  try {
    return await Promise.race([work, expired]);
  } finally {
    timer.abort();
  }
}

async function postgresVersion(servers: Servers): Promise<string> {
  const client = new pg.Client({ connectionString: servers.postgres.adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? 'unknown';
  } finally {
    await client.end();
  }
}

/** Of what runs in vitest. @returns whether it passed */
async function runExtra(file: string): Promise<boolean> {
  const config = 'services/email-service/bench/vitest.config.ts';
  const child = spawn('npx', ['vitest', 'run', '--config', config, file], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}
