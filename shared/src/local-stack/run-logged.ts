/** Runs a command to its end, with its output in a log file. */
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { searchPath } from './find-program.ts';
import { lastLines } from './server-process.ts';

/** @throws Error with the last lines of the log when it ends badly. */
export async function runLogged(
  command: string,
  args: readonly string[],
  logFile: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a', 0o600);
  // What an earlier command said would explain nothing.
  const from = fstatSync(log).size;
  try {
    const child = spawn(command, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env, PATH: searchPath() },
      // Ctrl-C must not stop a package manager half-way: it is let finish.
      detached: true,
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (code !== 0) {
      throw new Error(
        `"${command} ${args.join(' ')}" failed (exit code ${code}):\n${lastLines(logFile, 12, from)}`,
      );
    }
  } finally {
    closeSync(log);
  }
}
