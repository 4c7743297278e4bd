// A lock file that a killed owner does not leave shut: it names its owner, and an owner that is gone does not count.
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identityOf } from './process-identity.mjs';

/** @typedef {{ pid: number, identity: string }} Owner */

/** Long enough for the few file operations of a take-over. */
const TAKEOVER_MS = 5_000;

/**
 * @param {string} path
 * @returns {Promise<{ kind: 'taken', release: () => void } | { kind: 'held', owner: Owner }>}
 */
export async function tryLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = { pid: process.pid, identity: identityOf(process.pid) ?? '' };
  for (;;) {
    if (create(path, mine)) return { kind: 'taken', release: () => release(path, mine) };
    const owner = read(path);
    if (owner !== null && identityOf(owner.pid) === owner.identity) return { kind: 'held', owner };
    await removeStale(path);
  }
}

/**
 * Waits until the lock is free.
 * @param {string} path
 * @param {(owner: Owner) => void} onWait called once, when it has to wait.
 * @returns {Promise<() => void>}
 */
export async function lock(path, onWait) {
  let hasWaited = false;
  for (;;) {
    const outcome = await tryLock(path);
    if (outcome.kind === 'taken') return outcome.release;
    if (!hasWaited) onWait(outcome.owner);
    hasWaited = true;
    await delay(300);
  }
}

/**
 * A link of a finished file: whoever reads the lock reads all of it.
 * @param {string} path
 * @param {Owner} owner
 */
function create(path, owner) {
  const draft = `${path}.${owner.pid}`;
  writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** @param {string} path @returns {Owner | null} */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Two that find the same stale lock must not remove each other's new one: only one at a time looks again and removes.
 * @param {string} path
 */
async function removeStale(path) {
  const guard = `${path}.takeover`;
  try {
    mkdirSync(guard);
  } catch {
    const age = ageMs(guard);
    if (age !== null && age > TAKEOVER_MS) rmSync(guard, { recursive: true, force: true });
    await delay(50);
    return;
  }
  const owner = read(path);
  if (owner === null || identityOf(owner.pid) !== owner.identity) rmSync(path, { force: true });
  rmSync(guard, { recursive: true, force: true });
}

/** @param {string} path */
function ageMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return null;
  }
}

/** @param {string} path @param {Owner} mine */
function release(path, mine) {
  const owner = read(path);
  if (owner !== null && owner.pid === mine.pid && owner.identity === mine.identity)
    rmSync(path, { force: true });
}
