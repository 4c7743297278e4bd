/** A worker with its real composition, in this process or in one of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createServiceList } from '@mailstream/shared/runtime/lifecycle';
import { afterAll } from 'vitest';
import { compose } from '../src/compose.ts';
import { loadConfig } from '../src/config.ts';

/** Environment of a worker that is quick to take over; more or other variables in `change`. */
export function workerEnvironment(
  urls: { readonly database: string; readonly redis: string },
  change: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    DATABASE_URL: urls.database,
    REDIS_URL: urls.redis,
    PORT: '0',
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    WORKER_VISIBILITY_MS: '1500',
    WORKER_HANDLING_DEADLINE_MS: '700',
    WORKER_BLOCK_MS: '500',
    WORKER_STREAM_REFRESH_MS: '200',
    WORKER_RETRY_BASE_MS: '500',
    ...change,
  };
}

export interface RunningWorker {
  /** As SIGTERM does. @returns names of services that did not stop in time. */
  stop(): Promise<readonly string[]>;
}

export async function startWorker(environment: Readonly<Record<string, string>>): Promise<RunningWorker> {
  const list = createServiceList({
    ...compose(loadConfig(environment), { ruleThread: RULE_THREAD }),
    stopDeadlineMs: 10_000,
  });
  await list.start();
  return list;
}

/** Needs a build. */
export const RULE_THREAD = new URL('../dist/adapters/rule-thread.js', import.meta.url);

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** A process of its own, to be killed. Needs a build. */
export function spawnWorker(
  environment: Readonly<Record<string, string>>,
): ChildProcess & { readonly gone: Promise<void> } {
  if (!existsSync(MAIN)) throw new Error('the worker is not built: npm run build');
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  afterAll(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  return Object.assign(child, { gone });
}
