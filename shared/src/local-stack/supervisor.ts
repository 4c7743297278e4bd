/** Keeps one process running: starts it again, ever more slowly, when it ends by itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { RegistryClosedError } from './process-registry.ts';
import type { ServerProcess } from './server-process.ts';

export interface Supervised<T extends ServerProcess> {
  /** The process that runs now, or ran last. */
  current(): T;
  /** Idempotent; resolves when it is gone and will not come back. */
  stop(): Promise<void>;
}

export interface SuperviseOptions<T extends ServerProcess> {
  readonly name: string;
  /** Resolves when it is ready. */
  readonly launch: () => Promise<T>;
  readonly onRestarted: () => void;
  readonly say: (line: string) => void;
}

const FIRST_DELAY_MS = 1_000;
const LAST_DELAY_MS = 30_000;
/** Whoever lived this long has not failed at its start: the next restart is quick again. */
const STABLE_MS = 60_000;

/** @throws what the first launch throws: a start that fails is for the caller. */
export async function supervise<T extends ServerProcess>(
  options: SuperviseOptions<T>,
): Promise<Supervised<T>> {
  let current = await options.launch();
  const stopping = new AbortController();
  const watching = watch();

  async function watch(): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      const since = Date.now();
      const { code, signal } = await current.exited;
      if (stopping.signal.aborted) return;
      if (Date.now() - since > STABLE_MS) failures = 0;
      const how = signal === null ? `exit code ${code}` : signal;
      options.say(
        `${options.name} ended by itself (${how}). Its last lines:\n${indented(current.lastLogLines(8))}`,
      );
      if (!(await relaunch(failures))) return;
    }
  }

  /** False when we are stopping. */
  async function relaunch(failures: number): Promise<boolean> {
    for (let attempt = failures; ; attempt += 1) {
      const wait = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
      options.say(`${options.name} is started again in ${wait / 1_000} s`);
      const isStopping = await delay(wait, false, { signal: stopping.signal }).catch(() => true);
      if (isStopping) return false;
      try {
        current = await options.launch();
        options.say(`${options.name} is back (process ${current.pid})`);
        options.onRestarted();
        return true;
      } catch (error) {
        if (stopping.signal.aborted || error instanceof RegistryClosedError) return false;
        options.say(error instanceof Error ? error.message : String(error));
      }
    }
  }

  return {
    current: () => current,
    stop: async () => {
      stopping.abort();
      await current.stop();
      await watching;
      // A relaunch may have been under way.
      await current.stop();
    },
  };
}

function indented(text: string): string {
  return text.replace(/^/gm, '    ');
}
