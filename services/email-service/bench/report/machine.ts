/** What the figures were measured on. */
import { execFile } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import { findProgram } from '@mailstream/shared/local-stack/find-program';
import type { Machine } from './figures.ts';

const run = promisify(execFile);

/** @param postgresVersion as `SHOW server_version` tells it */
export async function describeMachine(postgresVersion: string): Promise<Machine> {
  const [redis, dovecot] = await Promise.all([
    versionOf(['redis-server', 'valkey-server'], /v=(\S+)/),
    versionOf(['dovecot'], /^(\S+)/),
  ]);
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    postgresql: postgresVersion,
    redis,
    dovecot,
  };
}

async function versionOf(names: readonly string[], pattern: RegExp): Promise<string> {
  const program = await findProgram(...names);
  if (program === null) return 'none';
  const { stdout } = await run(program, ['--version']).catch(() => ({ stdout: '' }));
  return pattern.exec(stdout)?.[1] ?? 'unknown';
}

/** @returns `unknown` outside of a clone */
export async function currentCommit(): Promise<string> {
  try {
    const { stdout: commit } = await run('git', ['rev-parse', 'HEAD']);
    const { stdout: changes } = await run('git', ['status', '--porcelain', '--untracked-files=no']);
    return `${commit.trim()}${changes.trim() === '' ? '' : '-dirty'}`;
  } catch {
    return 'unknown';
  }
}
