/** Runs a floor program as a process of its own and reads its one line of JSON. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BareFetchOptions, BareFetchResult } from './bare-fetch.ts';
import type { BareIdleOptions } from './bare-idle.ts';

export async function bareFetch(options: BareFetchOptions): Promise<BareFetchResult> {
  const child = await startFloor<BareFetchResult>('bare-fetch.js', options);
  const result = await child.result;
  await child.end();
  return result;
}

/** Resolves when all idle, `ms` after the start of the process; `end` closes them. */
export async function bareIdle(
  options: BareIdleOptions,
): Promise<{ readonly pid: number; readonly ms: number; end(): Promise<void> }> {
  const begunMs = performance.now();
  const child = await startFloor<object>('bare-idle.js', options);
  await child.result;
  return { pid: child.pid, ms: performance.now() - begunMs, end: () => child.end() };
}

async function startFloor<Result>(
  program: string,
  options: object,
): Promise<{ readonly pid: number; readonly result: Promise<Result>; end(): Promise<void> }> {
  const main = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, [main, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const atExit = (): void => void child.kill('SIGKILL');
  process.once('exit', atExit);
  const exited = once(child, 'exit').finally(() => process.off('exit', atExit));
  const result = new Promise<Result>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Result));
    void exited.then(() => reject(new Error(`${program} has ended without a result`)));
  });
  result.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    result,
    end: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
