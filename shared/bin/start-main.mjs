// The part of `npm start` that may use today's JavaScript.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from './lock.mjs';
import { isRunningCommand, prepare, Refusal, ROOT } from './prepare.mjs';
import { identityOf } from './process-identity.mjs';

const USAGE = `Usage: npm start [-- --ports=random]

  --ports=random   free ports instead of the fixed ones (those of the last start again, where they are still free)

Starts PostgreSQL, Redis, a local mail server, the API with the settings UI, the email service and the workflow worker.
Data stays in .data/. DATABASE_URL and REDIS_URL, when set, replace the embedded PostgreSQL and Redis.
Ctrl-C stops everything.
`;

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

/** @param {string[]} args */
export async function main(args) {
  // A terminal that was closed is no reason to leave servers behind.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  try {
    const ports = readArguments(args);
    if (ports === null) return;
    const lock = await tryLock(join(ROOT, '.data', 'start.lock'));
    if (lock.kind === 'held') throw new Refusal(alreadyRunning(lock.owner.pid), 75);
    const quit = () => {
      if (isRunningCommand()) return;
      lock.release();
      process.exit(130);
    };
    process.on('SIGINT', quit).on('SIGTERM', quit).on('SIGHUP', quit);
    try {
      // Of a run that was killed: whoever waits for it would take the old one for ready.
      rmSync(join(ROOT, '.data', 'stack.json'), { force: true });
      await prepare(say);
      const { startStack } = await import('../dist/local-stack/start.js');
      // From here on it listens itself.
      process.off('SIGINT', quit).off('SIGTERM', quit).off('SIGHUP', quit);
      process.exitCode = await startStack({ root: ROOT, ports, identityOf, say });
    } finally {
      lock.release();
    }
  } catch (error) {
    process.stderr.write(`\n${messageOf(error)}\n`);
    process.exitCode = typeof error?.exitCode === 'number' ? error.exitCode : 1;
  }
}

/** A refusal is for the person who starts it; anything else is our mistake, and its stack helps to mend it. */
function messageOf(/** @type {unknown} */ error) {
  if (!(error instanceof Error)) return String(error);
  return 'exitCode' in error ? error.message : (error.stack ?? error.message);
}

/** @param {string[]} args @returns {'fixed' | 'random' | null} */
function readArguments(args) {
  /** @type {'fixed' | 'random'} */
  let ports = 'fixed';
  for (const arg of args) {
    if (arg === '--help' || arg === '-h') {
      say(USAGE);
      return null;
    }
    if (arg === '--ports=random') ports = 'random';
    else if (arg !== '--ports=fixed') throw new Refusal(`Unknown argument "${arg}".\n\n${USAGE}`, 64);
  }
  return ports;
}

/** @param {number} pid */
function alreadyRunning(pid) {
  const file = join(ROOT, '.data', 'stack.json');
  const lines = [`Mailstream is already running in this clone (process ${pid}).`];
  if (existsSync(file)) {
    const { ui, imap } = JSON.parse(readFileSync(file, 'utf8'));
    lines.push(`  UI and API   ${ui}`, `  IMAP         ${imap.host}:${imap.port}`);
  } else {
    lines.push('  It is still starting.');
  }
  lines.push(`Stop it with Ctrl-C in its terminal, or: kill ${pid}`);
  return lines.join('\n');
}
