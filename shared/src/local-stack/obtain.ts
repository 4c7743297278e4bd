/**
 * Finds a server program that the machine has, else installs it, else falls back to its Docker image.
 * Order (DESIGN section 3): a binary on PATH, the OS package manager (apt-get as root, brew), Docker.
 */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { installWithApt } from './apt.ts';
import { findProgram, searchPath } from './find-program.ts';
import { runLogged } from './run-logged.ts';
import { EXIT_MISSING, SetupError } from './setup-error.ts';

const run = promisify(execFile);

export interface Need {
  readonly what: string;
  readonly programs: readonly string[];
  /** Whether the program that was found can do all we ask of it. */
  readonly isComplete?: (program: string) => Promise<boolean>;
  readonly apt: readonly string[];
  readonly brew: string;
  /** Absent where a container would be no use. */
  readonly image?: string;
}

export type Means =
  | { readonly kind: 'program'; readonly path: string }
  | { readonly kind: 'docker'; readonly docker: string; readonly image: string };

export const REDIS: Need = {
  what: 'Redis',
  programs: ['redis-server', 'valkey-server'],
  apt: ['redis-server'],
  brew: 'redis',
  image: 'redis:7.4.2-alpine',
};

/** Docker cannot run Dovecot as we configure it; GreenMail keeps mail in memory, which is enough to look around. */
export const MAIL_SERVER: Need = {
  what: 'The mail server Dovecot',
  programs: ['dovecot'],
  isComplete: hasImapAndLmtp,
  apt: ['dovecot-imapd', 'dovecot-lmtpd'],
  brew: 'dovecot',
  image: 'greenmail/standalone:2.1.5',
};

/** For tests alone: what an operator may put between us and PostgreSQL. */
export const POOLER: Need = {
  what: 'The connection pooler PgBouncer',
  programs: ['pgbouncer'],
  apt: ['pgbouncer'],
  brew: 'pgbouncer',
};

/** Debian packs the protocols apart from the master: each is a program of its own in the folder of helpers. */
async function hasImapAndLmtp(program: string): Promise<boolean> {
  const prefix = dirname(dirname(program));
  for (const helpers of [
    join(prefix, 'lib/dovecot'),
    join(prefix, 'libexec/dovecot'),
    '/usr/lib/dovecot',
    '/usr/libexec/dovecot',
  ]) {
    const found = await Promise.all(['imap', 'lmtp'].map((name) => isThere(join(helpers, name))));
    if (found.every(Boolean)) return true;
  }
  return false;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export interface ObtainOptions {
  readonly say: (line: string) => void;
  /** Output of package managers goes there. */
  readonly logFile: string;
  /** False where a container will not do. */
  readonly mayUseDocker: boolean;
}

/** @throws SetupError naming what to install and how, when nothing works. */
export async function obtain(need: Need, options: ObtainOptions): Promise<Means> {
  const found = await find(need);
  if (found !== null) return { kind: 'program', path: found };
  const failure = await install(need, options);
  const installed = await find(need);
  if (installed !== null) return { kind: 'program', path: installed };
  const docker = options.mayUseDocker && need.image !== undefined ? await workingDocker() : null;
  if (docker !== null && need.image !== undefined) {
    options.say(`${need.what} is not installed: running ${need.image} with Docker instead`);
    return { kind: 'docker', docker, image: need.image };
  }
  throw new SetupError(missing(need, failure, options), EXIT_MISSING);
}

async function find(need: Need): Promise<string | null> {
  const program = await findProgram(...need.programs);
  if (program === null || need.isComplete === undefined) return program;
  return (await need.isComplete(program)) ? program : null;
}

/** @returns why it did not work, null when it did or there was nothing to try. */
async function install(need: Need, { say, logFile }: ObtainOptions): Promise<string | null> {
  try {
    const apt = process.getuid?.() === 0 ? await findProgram('apt-get') : null;
    if (apt !== null) {
      say(`Installing ${need.apt.join(' and ')} with apt-get …`);
      await installWithApt(apt, need.apt, logFile, say);
      return null;
    }
    const brew = await findProgram('brew');
    if (brew !== null) {
      say(`Installing ${need.brew} with Homebrew …`);
      await runLogged(brew, ['install', need.brew], logFile, {});
    }
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Having the client says nothing: the daemon must answer. */
async function workingDocker(): Promise<string | null> {
  const docker = await findProgram('docker');
  if (docker === null) return null;
  return run(docker, ['info'], { env: { ...process.env, PATH: searchPath() }, timeout: 10_000 }).then(
    () => docker,
    () => null,
  );
}

function missing(need: Need, failure: string | null, { mayUseDocker }: ObtainOptions): string {
  return [
    `${need.what} is not installed, and it could not be installed from here.`,
    ...(failure === null ? [] : [failure]),
    'Install it and run the same command again:',
    `  Debian, Ubuntu   sudo apt-get install ${need.apt.join(' ')}`,
    `  macOS            brew install ${need.brew}`,
    ...(mayUseDocker ? ['  or start Docker: its image is used then.'] : []),
  ].join('\n');
}
