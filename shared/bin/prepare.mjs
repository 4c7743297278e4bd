// What `npm start` and `npm test` do first: install the packages and build, when that is not done yet.
// Run by itself (`node shared/bin/prepare.mjs`) it does only that.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lock } from './lock.mjs';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const CACHE = join(ROOT, 'node_modules', '.cache', 'mailstream');
const BUILD_STAMP = join(CACHE, 'build-stamp');
/** What must be there for a build to count as done. */
const BUILT = [
  'shared/dist/local-stack/start.js',
  'migrations/dist/main.js',
  'services/email-service/dist/main.js',
  'services/workflow-worker/dist/main.js',
  'server/dist/main.js',
  'ee/dist/server/main.js',
];
const SOURCE_FOLDERS = ['shared/src', 'migrations/src', 'services', 'server', 'ee'];
const SKIPPED = new Set(['node_modules', 'dist', 'test', '.data']);

/** A message for the person at the terminal, without a stack. */
export class Refusal extends Error {
  /** @param {string} message @param {number} exitCode */
  constructor(message, exitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * One at a time in a clone: two at once would write the same files.
 * @param {(line: string) => void} say
 */
export async function prepare(say) {
  const release = await lock(join(ROOT, '.data', 'prepare.lock'), (owner) =>
    say(`Waiting for process ${owner.pid}, which installs or builds in this clone …`),
  );
  try {
    if (!isInstalled()) await install(say);
    const stamp = sourcesStamp();
    if (!isBuilt(stamp)) await build(say, stamp);
  } finally {
    release();
  }
}

/** True when node_modules holds what the lock file asks for. */
export function isInstalled() {
  const wanted = packagesOf(join(ROOT, 'package-lock.json'));
  const found = packagesOf(join(ROOT, 'node_modules', '.package-lock.json'));
  if (wanted === null) throw new Refusal('package-lock.json is missing or damaged: restore it from git.', 1);
  if (found === null) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    // Workspaces are no entries of node_modules, only the links to them; optional packages may be for another machine.
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true;
    const installed = found[path];
    if (installed === undefined)
      return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return installed.version === entry.version && installed.link === entry.link;
  });
}

/**
 * @typedef {{ version?: string, link?: boolean, optional?: boolean, devOptional?: boolean, peer?: boolean }} Entry
 * @param {string} file
 * @returns {Record<string, Entry> | null}
 */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}

/** @param {(line: string) => void} say */
async function install(say) {
  say('Installing packages with npm (once; about a minute) …');
  await run('npm', ['ci', '--no-audit', '--no-fund'], 'npm ci');
}

/** @param {(line: string) => void} say @param {string} stamp */
async function build(say, stamp) {
  say('Building …');
  const nx = join(ROOT, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
  const entry = existsSync(nx) ? nx : join(ROOT, 'node_modules', 'nx', 'bin', 'nx.js');
  await run(process.execPath, [entry, 'run-many', '-t', 'build', '--outputStyle=static'], 'The build');
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(BUILD_STAMP, stamp);
}

/** @param {string} stamp */
function isBuilt(stamp) {
  if (!BUILT.every((file) => existsSync(join(ROOT, file)))) return false;
  return existsSync(BUILD_STAMP) && readFileSync(BUILD_STAMP, 'utf8') === stamp;
}

/** Changes when a source does. Nx knows this better, and takes seconds to say so. */
function sourcesStamp() {
  const hash = createHash('sha256');
  const add = (/** @type {string} */ file) => {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  };
  for (const file of ['package-lock.json', 'tsconfig.json', 'nx.json']) add(join(ROOT, file));
  for (const folder of SOURCE_FOLDERS) for (const file of filesBelow(join(ROOT, folder))) add(file);
  return hash.digest('hex');
}

/** @param {string} folder @returns {string[]} */
function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !SKIPPED.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    });
}

let commandsRunning = 0;

/** Then Ctrl-C is passed on to it, and its end comes back as a Refusal. */
export function isRunningCommand() {
  return commandsRunning > 0;
}

/**
 * Runs a command with this terminal as its own.
 * @param {string} command @param {string[]} args @param {string} name
 */
export async function run(command, args, name) {
  const child = spawn(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', NX_NO_CLOUD: 'true' },
    // npm is a script with an ending of its own on Windows.
    shell: process.platform === 'win32',
  });
  commandsRunning += 1;
  const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  try {
    const [code, signal] = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (...outcome) => resolve(outcome));
    });
    if (signal !== null) throw new Refusal(`${name} was ended by ${signal}.`, 130);
    if (code !== 0) throw new Refusal(`${name} failed (exit code ${code}); its output above says why.`, 1);
  } finally {
    commandsRunning -= 1;
    process.off('SIGINT', forward).off('SIGTERM', forward);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await prepare((line) => process.stdout.write(`${line}\n`)).catch((error) => {
    process.stderr.write(`${error instanceof Refusal ? error.message : error.stack}\n`);
    process.exitCode = error instanceof Refusal ? error.exitCode : 1;
  });
}
