/**
 * One server as a child process, from spawn to its end.
 *
 * The child gets a process group of its own, so that Ctrl-C in a terminal reaches only the launcher, which then stops
 * everything in order. Its output goes straight to a file: a pipe would tie the child's life to ours.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from './setup-error.ts';

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Another user to run as; needs root. */
  readonly identity?: { readonly uid?: number; readonly gid?: number };
  /** Appended to. */
  readonly logFile: string;
  /** What asks this server for a fast but clean end. */
  readonly stopSignal?: NodeJS.Signals;
  /** SIGKILL after this long; default 10 s. */
  readonly stopTimeoutMs?: number;
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process is gone, whoever ended it. */
  readonly exited: Promise<ServerExit>;
  isRunning(): boolean;
  /** At once, without clean-up: for tests of what a crash leaves. */
  kill(): Promise<void>;
  /** Idempotent; resolves when the process is gone. */
  stop(): Promise<void>;
  lastLogLines(count: number): string;
}

export type Spawn = (command: ServerCommand) => Promise<ServerProcess>;

/** Resolves once the process exists, which says nothing about readiness: see `whenReady`. */
export async function spawnServer(command: ServerCommand): Promise<ServerProcess> {
  const log = openSync(command.logFile, 'a', 0o600);
  const from = fstatSync(log).size;
  let child: ChildProcess;
  try {
    child = spawn(command.command, command.args, {
      cwd: command.cwd,
      env: command.env,
      ...command.identity,
      stdio: ['ignore', log, log],
      detached: true,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) =>
        reject(new Error(`${command.name} could not be started: ${cause.message}`, { cause })),
      );
    });
  } finally {
    closeSync(log);
  }
  return managed({ command, child, pid: child.pid as number, logFrom: from });
}

function managed({
  command,
  child,
  pid,
  logFrom,
}: {
  readonly command: ServerCommand;
  readonly child: ChildProcess;
  readonly pid: number;
  /** Where this process begins in the log. */
  readonly logFrom: number;
}): ServerProcess {
  const exited = new Promise<ServerExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  let stopping: Promise<void> | null = null;

  const stop = async (): Promise<void> => {
    if (!isRunning()) return;
    signalTo(pid, command.stopSignal ?? 'SIGTERM');
    const deadline = new AbortController();
    const expired = delay(command.stopTimeoutMs ?? 10_000, 'expired' as const, {
      signal: deadline.signal,
    }).catch(() => 'ended' as const);
    const outcome = await Promise.race([expired, exited.then(() => 'ended' as const)]);
    deadline.abort();
    if (outcome === 'expired') signalTo(-pid, 'SIGKILL');
    await exited;
    await endGroup(pid);
  };

  return {
    name: command.name,
    pid,
    exited,
    isRunning,
    stop: () => (stopping ??= stop()),
    kill: async () => {
      signalTo(-pid, 'SIGKILL');
      await exited;
    },
    lastLogLines: (count) => lastLines(command.logFile, count, logFrom),
  };
}

/** Workers that outlive their master: Dovecot's stay while a client is connected. */
const WORKERS_PATIENCE_MS = 500;

async function endGroup(pid: number): Promise<void> {
  const deadline = Date.now() + WORKERS_PATIENCE_MS;
  while (isGroupAlive(pid)) {
    if (Date.now() > deadline) return signalTo(-pid, 'SIGKILL');
    await delay(20);
  }
}

/** Also true for processes that have ended and that nobody has asked for their result yet. */
function isGroupAlive(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A process that has just ended is what we wanted. */
function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** @param fromByte where to begin to look. */
export function lastLines(file: string, count: number, fromByte = 0): string {
  try {
    return readFileSync(file).subarray(fromByte).toString().trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
}

/**
 * Asks `probe` until it answers true.
 * @throws with the server's last log lines when it ends first or is not ready in time; it is stopped then.
 */
export async function whenReady(
  server: ServerProcess,
  probe: () => Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (!server.isRunning()) {
      throw new SetupError(`${server.name} ended while starting:\n${server.lastLogLines(15)}`, 1);
    }
    if (await probe().catch(() => false)) return;
    await delay(25);
  }
  await server.stop();
  throw new SetupError(`${server.name} was not ready after ${timeoutMs} ms:\n${server.lastLogLines(15)}`, 1);
}
