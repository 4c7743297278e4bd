/**
 * PostgreSQL refuses to run as root, and Dovecot refuses to touch mail as root. When we are root, both run as an
 * ordinary user that every Unix has; otherwise they run as us.
 *
 * That user must reach its data and its program through every folder above them. In a clone below a closed folder
 * (/root is one) it cannot; there the program keeps the one capability that lets it pass, and nothing else.
 */
import { execFile } from 'node:child_process';
import { chown, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from './find-program.ts';
import { SetupError } from './setup-error.ts';

const run = promisify(execFile);

export interface RunAs {
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  /** For `spawn` and `execFile`: to become that user; empty when there is nothing to change, or `prefix` does it. */
  readonly identity: { readonly uid?: number; readonly gid?: number };
  /** Put before the command line; mostly empty. */
  readonly prefix: readonly string[];
}

type Names = Omit<RunAs, 'identity' | 'prefix'>;

/** `postgres` is made for it where it exists; `nobody` is everywhere. */
const CANDIDATES = ['postgres', 'nobody'];

/**
 * @param dataDir whoever owns it already stays its user: a package installed later may add a better candidate.
 * @param paths what the user must be able to reach.
 * @throws when we are root and no user will do, with what to change.
 */
export async function chooseUser(dataDir: string, paths: readonly string[]): Promise<RunAs> {
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return { ...(await namesOf(String(uid))), identity: {}, prefix: [] };
  const owner = await stat(dataDir).then(
    (found) => found.uid,
    () => 0,
  );
  const user = owner !== 0 ? await namesOf(String(owner)) : await firstExisting();
  const closed = await closedFolders(paths, user.uid);
  if (closed.length === 0) return { ...user, identity: { uid: user.uid, gid: user.gid }, prefix: [] };
  const setpriv = await findProgram('setpriv');
  if (setpriv !== null && (await maySearch())) {
    return { ...user, identity: {}, prefix: [setpriv, ...passing(user)] };
  }
  throw new SetupError(
    `As root, PostgreSQL and Dovecot run as the user "${user.userName}", who may not enter ${closed.join(', ')}. ` +
      `Open it (chmod o+x), put the clone elsewhere, or run as an ordinary user.`,
    1,
  );
}

function passing(user: Names): readonly string[] {
  return [
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    // Without this access(2), with which initdb looks for its parts, leaves capabilities out of account.
    '--securebits=+no_setuid_fixup',
  ];
}

async function firstExisting(): Promise<Names> {
  for (const name of CANDIDATES) {
    try {
      return await namesOf(name);
    } catch {
      // Not on this machine: the next one.
    }
  }
  throw new SetupError(
    `None of the users ${CANDIDATES.join(', ')} exists; run as an ordinary user instead of root.`,
    1,
  );
}

async function namesOf(user: string): Promise<Names> {
  const ask = async (flags: string): Promise<string> => (await run('id', [flags, user])).stdout.trim();
  const [uid, gid, userName, groupName] = await Promise.all([ask('-u'), ask('-g'), ask('-un'), ask('-gn')]);
  return { uid: Number(uid), gid: Number(gid), userName, groupName };
}

/** Folders above the paths that "others" may not pass and that do not belong to the user. */
async function closedFolders(paths: readonly string[], uid: number): Promise<readonly string[]> {
  const closed = new Set<string>();
  for (const path of paths) {
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
      const found = await stat(folder).catch(() => null);
      if (found !== null && found.uid !== uid && (found.mode & 0o001) === 0) closed.add(folder);
    }
  }
  return [...closed];
}

/** True when this (root) process holds CAP_DAC_OVERRIDE (number 1), which containers may take away. */
async function maySearch(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const bounding = /^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  return (BigInt(`0x${bounding}`) & 0b10n) !== 0n;
}

/** Creates the folder, by default for the user's eyes only; harmless when it is there. */
export async function ownFolder(path: string, user: RunAs, mode = 0o700): Promise<void> {
  await mkdir(path, { recursive: true, mode });
  if (process.getuid?.() === 0) await chown(path, user.uid, user.gid);
}
