/** The daemon as it is shipped, as a child process: its log lines, its metrics, its end. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { searchPath } from '@mailstream/shared/local-stack/find-program';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { DAEMON_NODE_OPTIONS } from '@mailstream/shared/local-stack/services';

export interface LogLine {
  /** Milliseconds since 1970, by the daemon. */
  readonly time: number;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface DaemonProcess {
  readonly pid: number;
  /** Warnings and errors so far. */
  readonly troubles: readonly LogLine[];
  /** The first line from now on that matches. */
  nextLine(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** Until `/health/ready` says yes. */
  ready(withinMs: number): Promise<void>;
  /** Folders that are watched and in sync. */
  watching(): Promise<number>;
  /** @throws when fewer are after that long */
  untilWatching(count: number, withinMs: number): Promise<void>;
  /** SIGTERM, and the end of the process. @throws when it did not end well */
  stop(): Promise<void>;
  /** SIGKILL, if it still runs. */
  kill(): Promise<void>;
}

const ASK_EVERY_MS = 250;
/**
 * Each look at the listeners costs the daemon as much as it has of them: at thousands, seldom, and at the end often enough to know
 * when it was.
 */
const ASK_MANY = { from: 1_000, mostMs: 1_000, leastMs: 50, ofTimeLeft: 0.7 };

export async function startDaemon(options: {
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
}): Promise<DaemonProcess> {
  const port = await freePort();
  // As the package's own start script does it.
  const child = spawn(process.execPath, [...DAEMON_NODE_OPTIONS, options.main], {
    env: { PATH: searchPath(), ...options.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const atExit = (): void => void child.kill('SIGKILL');
  process.once('exit', atExit);
  const troubles: LogLine[] = [];
  const waiting = new Set<(line: LogLine) => void>();
  const exited = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => {
      process.off('exit', atExit);
      resolve(code ?? signal ?? 'unknown');
    });
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = readLine(text);
    if (line === null) return;
    if (line.level === 'warn' || line.level === 'error') troubles.push(line);
    for (const tell of waiting) tell(line);
  });
  const endedEarly = exited.then((how) => {
    throw new Error(`the daemon has ended (${how}): ${JSON.stringify(troubles.slice(-3))}`);
  });
  endedEarly.catch(() => undefined);
  const ask = async (path: string): Promise<string | null> => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
    const text = (await reply?.text()) ?? '';
    return reply?.ok === true ? text : null;
  };
  const until = async (
    what: string,
    withinMs: number,
    isTrue: () => Promise<boolean>,
    everyMs: () => number = () => ASK_EVERY_MS,
  ): Promise<void> => {
    const deadline = performance.now() + withinMs;
    while (!(await Promise.race([isTrue(), endedEarly]))) {
      if (performance.now() > deadline) throw new Error(`${what}: not after ${withinMs} ms`);
      await delay(everyMs());
    }
  };
  const watching = async (): Promise<number> => {
    const metrics = (await ask('/metrics')) ?? '';
    return Number(/^mailstream_listeners\{[^}]*state="watching"[^}]*\} (\d+)/m.exec(metrics)?.[1] ?? 0);
  };
  return {
    pid: child.pid ?? 0,
    troubles,
    nextLine: (matches) =>
      Promise.race([
        endedEarly,
        new Promise<LogLine>((resolve) => {
          const tell = (line: LogLine): void => {
            if (!matches(line)) return;
            waiting.delete(tell);
            resolve(line);
          };
          waiting.add(tell);
        }),
      ]),
    ready: (withinMs) =>
      until('the daemon is ready', withinMs, async () => (await ask('/health/ready')) !== null),
    watching,
    untilWatching: (count, withinMs) => {
      let before = { seen: 0, atMs: performance.now() };
      let leftMs = Infinity;
      return until(
        `${count} folders are watched`,
        withinMs,
        async () => {
          const seen = await watching();
          const atMs = performance.now();
          leftMs = ((count - seen) * (atMs - before.atMs)) / Math.max(1, seen - before.seen);
          before = { seen, atMs };
          return seen >= count;
        },
        () => {
          if (count < ASK_MANY.from) return ASK_EVERY_MS;
          return Math.min(ASK_MANY.mostMs, Math.max(ASK_MANY.leastMs, ASK_MANY.ofTimeLeft * leftMs));
        },
      );
    },
    stop: async () => {
      child.kill('SIGTERM');
      const how = await exited;
      if (how !== 0) throw new Error(`the daemon did not stop cleanly: ${how}`);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function readLine(text: string): LogLine | null {
  try {
    const line = JSON.parse(text) as Record<string, unknown>;
    const time = typeof line['time'] === 'number' ? line['time'] : Date.parse(String(line['time']));
    return { ...line, time, level: String(line['level']), message: String(line['message']) };
  } catch {
    return null;
  }
}
