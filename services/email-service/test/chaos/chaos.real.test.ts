/**
 * The short form of `npm run chaos`: real daemons, workers, PostgreSQL, Redis and Dovecot, faults on all of them and on every link,
 * and afterwards each message has had exactly one effect. A failing seed of a long run is added here. And a rolling restart, where nobody
 * is killed.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freezeBuild, repositoryRoot, type Build } from './frozen-build.ts';
import { COLUMNS } from './oracle.ts';
import { linesOf } from './report.ts';
import { MOST_DELAY_MS, rollingFindings, rollingLines } from './rolling-report.ts';
import { measureRollingRestarts } from './rolling-restart.ts';
import { runSchedule } from './run-schedule.ts';
import { makeTemplate, type Template } from './template.ts';

const SEEDS = [2, 3];

let folder: string;
let build: Build;
let template: Template;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mschaos-'));
  await chmod(folder, 0o755);
  build = await freezeBuild(join(folder, 'build'));
  template = await makeTemplate(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it.each(SEEDS)('schedule %i leaves each message with one effect', { timeout: 150_000 }, async (seed) => {
  const said: string[] = [];
  const result = await runSchedule({
    seed,
    build,
    template,
    within: folder,
    size: { tenants: 4, mailboxesPerTenant: 2, daemons: 3, workers: 2 },
    windowMs: 12_000,
    messagesPerSecond: 10,
    withLosses: seed % 3 === 0,
    patienceMs: 90_000,
    keepIn: join(repositoryRoot(), 'test-artifacts', 'chaos'),
    say: (line) => said.push(line),
  });
  const report = [...said, ...linesOf(result)].join('\n');
  for (const column of COLUMNS) expect(result.verdict.findings[column], report).toEqual([]);
  expect(result.verdict.gone, report).toEqual([]);
  expect(result.convergedInMs, report).not.toBeNull();
  expect(result.messages, report).toBeGreaterThan(50);
});

/** What a new daemon needs until it is ready on a machine that does nothing else: most of it is loading its modules. */
const QUIET_READY_MS = 3_000;

it('a rolling restart of three daemons loses, doubles and delays nothing', { timeout: 400_000 }, async () => {
  const result = await measureRollingRestarts({
    rounds: 1,
    build,
    template,
    within: folder,
    size: { tenants: 2, mailboxesPerTenant: 3, workers: 1 },
    messagesPerSecond: 10,
    calmMs: 2_000,
    seed: 1,
    keepIn: join(repositoryRoot(), 'test-artifacts', 'chaos', 'rolling-restart'),
  });
  // A machine that is busy with other things is slow at both, at the same time.
  const slowness = Math.max(1, ...result.restarts.map(({ readyMs }) => readyMs / QUIET_READY_MS));
  const report = rollingLines(result).join('\n');
  expect(rollingFindings(result, slowness * MOST_DELAY_MS), report).toEqual([]);
  expect(result.rollingMs.length, report).toBeGreaterThan(20);
});
