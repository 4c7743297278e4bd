/** apt-get without questions, without starting what it installs, and patient with others that use it. */
import { existsSync } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runLogged } from './run-logged.ts';

const LISTS = '/var/lib/apt/lists';
const POLICY = '/usr/sbin/policy-rc.d';
/** Older lists name versions that the mirror no longer has. */
const LISTS_MAX_AGE_MS = 7 * 24 * 3600 * 1000;
const LOCK_PATIENCE_MS = 10 * 60_000;
const ENVIRONMENT = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

let last: Promise<void> = Promise.resolve();

/** Needs root; one at a time. @throws Error with apt's last words. */
export function installWithApt(
  apt: string,
  packages: readonly string[],
  logFile: string,
  say: (line: string) => void,
): Promise<void> {
  const mine = last.then(() => installNow(apt, packages, logFile, say));
  last = mine.catch(() => undefined);
  return mine;
}

async function installNow(
  apt: string,
  packages: readonly string[],
  logFile: string,
  say: (line: string) => void,
): Promise<void> {
  const patiently = (args: readonly string[]): Promise<void> => waitingForLock(apt, args, logFile, say);
  const install = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=600', ...packages];
  let isFresh = false;
  if (await areListsOld()) {
    await patiently(['update']);
    isFresh = true;
  }
  await withoutStartingServices(async () => {
    try {
      await patiently(install);
    } catch (error) {
      // "Unable to locate package", or a version that the mirror has replaced: once more with new lists.
      if (isFresh) throw error;
      await patiently(['update']);
      await patiently(install);
    }
  });
}

/** `DPkg::Lock::Timeout` covers dpkg's lock, not the one on the package lists. */
async function waitingForLock(
  apt: string,
  args: readonly string[],
  logFile: string,
  say: (line: string) => void,
): Promise<void> {
  const deadline = Date.now() + LOCK_PATIENCE_MS;
  for (let hasSaid = false; ; hasSaid = true) {
    try {
      return await runLogged(apt, args, logFile, ENVIRONMENT);
    } catch (error) {
      const isLocked =
        error instanceof Error && /Could not get lock|Unable to (?:acquire|lock)/.test(error.message);
      if (!isLocked || Date.now() > deadline) throw error;
      if (!hasSaid) say('Another program is installing packages: waiting for it …');
      await delay(2_000);
    }
  }
}

async function areListsOld(): Promise<boolean> {
  const names = await readdir(LISTS).catch(() => []);
  const times = await Promise.all(
    names
      .filter((name) => /_(?:Packages|InRelease|Release)/.test(name))
      .map(async (name) => (await stat(join(LISTS, name))).mtimeMs),
  );
  return times.length === 0 || Date.now() - Math.max(...times) > LISTS_MAX_AGE_MS;
}

/** Debian starts what it installs, unless this script says no (invoke-rc.d(8)); an administrator's own one stays. */
async function withoutStartingServices(work: () => Promise<void>): Promise<void> {
  if (existsSync(POLICY)) return work();
  await writeFile(POLICY, '#!/bin/sh\n# Written by Mailstream while it installs a package.\nexit 101\n', {
    mode: 0o755,
  });
  try {
    await work();
  } finally {
    await rm(POLICY, { force: true });
  }
}
