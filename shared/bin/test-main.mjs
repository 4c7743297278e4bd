// The part of `npm test` that may use today's JavaScript.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, Refusal, ROOT } from './prepare.mjs';

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

/** @param {string[]} args of vitest */
export async function main(args) {
  try {
    await prepare(say);
    await ensureServers();
    process.exitCode = await runTests(args);
  } catch (error) {
    const isRefusal = error instanceof Error && 'exitCode' in error;
    process.stderr.write(`\n${isRefusal ? error.message : (error?.stack ?? error)}\n`);
    process.exitCode = isRefusal ? Number(error.exitCode) : 1;
  }
}

/** What the tests talk to. PostgreSQL comes with the packages; a container would be no use here. */
async function ensureServers() {
  const { MAIL_SERVER, obtain, POOLER, REDIS } = await import('../dist/local-stack/obtain.js');
  const logFile = join(ROOT, '.data', 'logs', 'install.log');
  for (const need of [REDIS, MAIL_SERVER]) await obtain(need, { say, logFile, mayUseDocker: false });
  // Few machines have one and few need it: without it only the tests behind a pooler are skipped, by name.
  await obtain(POOLER, { say, logFile, mayUseDocker: false }).catch((error) => say(error.message));
}

/** @param {string[]} args @returns {Promise<number>} */
async function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'mailstream-report-'));
  const report = join(folder, 'report.json');
  try {
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const code = await inTerminal(process.execPath, [vitest, 'run', ...reporters, ...args]);
    const { passed, failed, skipped } = count(report);
    // Something outside a test: an error nobody caught, or a file that could not be read. It must not read as success.
    const others = code !== 0 && failed === 0 ? 1 : 0;
    say(`\n${passed} passed, ${failed + others} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} file */
function count(file) {
  /** @type {{ numPassedTests: number, numPendingTests: number, numTodoTests: number, testResults: { status: string, assertionResults: { status: string }[] }[] }} */
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Refusal(
      'The test run ended before it could report; its output above says why.\n0 passed, 1 failed',
      1,
    );
  }
  const failures = report.testResults.map(({ status, assertionResults }) => {
    const tests = assertionResults.filter((test) => test.status === 'failed').length;
    // A file that fails as a whole (import, hook, leak) counts once.
    return status === 'failed' ? Math.max(1, tests) : tests;
  });
  return {
    passed: report.numPassedTests,
    failed: failures.reduce((sum, n) => sum + n, 0),
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * A signal in the terminal reaches vitest by itself; one for us alone is passed on, and its servers are stopped by it.
 * @param {string} command @param {string[]} args @returns {Promise<number>}
 */
async function inTerminal(command, args) {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  let last = 0;
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    if (Date.now() - last > 2_000) child.kill(signal);
    last = Date.now();
  };
  process.on('SIGINT', forward).on('SIGTERM', forward);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 130));
    });
  } finally {
    process.off('SIGINT', forward).off('SIGTERM', forward);
  }
}
