/**
 * Start and stop of a process and its parts.
 *
 * Exit codes: 0 stopped as asked · 1 a start failed, a part would not stop, or something threw where nobody listened ·
 * 78 wrong settings (every problem is on stderr) · 128 + signal number when a second signal cut the stop short.
 *
 * A process may be asked to stop at any moment. Its handlers are there before its settings are read and its own modules are
 * loaded (`main.ts` imports them late); until the first service starts there is nothing to stop, and it exits with 0 at once.
 * Only while Node itself is on its way up, some 50 ms, the signal takes its default action: ended by SIGTERM, 143 for a shell.
 *
 * An unhandled rejection or exception ends the process at once: the state of a process in which an unknown part broke is
 * unknown, and everything it had begun is safe to redo after a restart.
 */
import { ConfigError, EXIT_CONFIG, signalExitCode } from './env.ts';
import { describeError } from './error-fields.ts';
import type { Logger } from './logger.ts';

/** Something long-lived. `start` resolves when it works (not when its dependencies are up); both may be called again. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  /** Ends everything that was started and resolves when nothing of it is left. */
  stop(): Promise<void>;
}

/**
 * Makes start and stop idempotent: calls that come together share one promise, stop waits for a start in flight, start waits
 * for a stop in flight, stop without start does nothing. A start that fails may be tried again.
 */
export function createService(
  name: string,
  parts: { readonly start: () => Promise<void>; readonly stop: () => Promise<void> },
): Service {
  let running: Promise<void> | null = null;
  let stopping: Promise<void> | null = null;
  return {
    name,
    start: () => {
      if (running !== null && stopping === null) return running;
      const before = stopping ?? Promise.resolve();
      const started = before.catch(() => undefined).then(parts.start);
      running = started;
      stopping = null;
      started.catch(() => {
        if (running === started) running = null;
      });
      return started;
    },
    stop: () => {
      if (stopping !== null) return stopping;
      if (running === null) return Promise.resolve();
      const started = running;
      const stopped: Promise<void> = started
        .then(parts.stop, () => undefined)
        .finally(() => {
          // A start that came in between has taken over.
          if (stopping !== stopped) return;
          running = null;
          stopping = null;
        });
      stopping = stopped;
      return stopped;
    },
  };
}

export interface ServiceList {
  /** In order; when one fails, those before it are stopped in reverse and the failure is thrown. */
  start(): Promise<void>;
  /** In reverse, each with a deadline. @returns names of services that failed to stop or did not stop in time. */
  stop(): Promise<readonly string[]>;
}

export interface ServiceListOptions {
  readonly services: readonly Service[];
  readonly log: Logger;
  /** For each service, milliseconds. */
  readonly stopDeadlineMs: number;
}

export function createServiceList({ services, log, stopDeadlineMs }: ServiceListOptions): ServiceList {
  const startedServices: Service[] = [];
  let stopRequested = false;
  let stopped: Promise<readonly string[]> | null = null;

  const stopAll = async (): Promise<readonly string[]> => {
    const stuck: string[] = [];
    for (let service = startedServices.pop(); service !== undefined; service = startedServices.pop()) {
      const name = service.name;
      try {
        if (await settlesWithin(service.stop(), stopDeadlineMs)) continue;
        log.error('service did not stop in time', { name, durationMs: stopDeadlineMs });
      } catch (error) {
        log.error('service failed to stop', { name, error });
      }
      stuck.push(name);
    }
    return stuck;
  };

  return {
    start: async () => {
      for (const service of services) {
        if (stopRequested) return;
        // Remembered before it starts: a stop that comes in between, or a start that fails half-way, must reach it too.
        startedServices.push(service);
        try {
          await service.start();
        } catch (error) {
          if (!stopRequested) await stopAll();
          throw error;
        }
      }
    },
    stop: () => {
      stopRequested = true;
      stopped ??= stopAll();
      return stopped;
    },
  };
}

async function settlesWithin(work: Promise<void>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs);
  });
  try {
    return await Promise.race([work.then(() => true), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** What `runProcess` uses of Node's process; another one in tests. */
export interface ProcessHost {
  on(
    event: 'SIGTERM' | 'SIGINT' | 'unhandledRejection' | 'uncaughtException',
    listener: (value: unknown) => void,
  ): void;
  exit(code: number): void;
  writeError(text: string): void;
}

export interface Program<Config> {
  readonly name: string;
  /** @throws ConfigError with every problem of the settings. */
  readonly config: () => Config | Promise<Config>;
  readonly compose: (config: Config) => Composition | Promise<Composition>;
  /** Each service's time to stop, milliseconds; the sum should stay below the orchestrator's grace period. */
  readonly stopDeadlineMs?: number;
}

export interface Composition {
  /** In the order of their start; stopped in reverse. */
  readonly services: readonly Service[];
  readonly log: Logger;
}

const STOP_DEADLINE_MS = 10_000;

/** Runs a process until a signal ends it. Resolves after `host.exit` was called; a real process never comes that far. */
export async function runProcess<Config>(
  program: Program<Config>,
  host: ProcessHost = nodeHost(),
): Promise<void> {
  let running: { readonly list: ServiceList; readonly log: Logger } | null = null;
  let signals = 0;
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const exit = (code: number): void => {
    host.exit(code);
    finish();
  };
  const crash = (message: string) => (error: unknown) => {
    if (running === null)
      host.writeError(`${program.name}: ${message}: ${JSON.stringify(describeError(error))}\n`);
    else running.log.error(message, { code: 'INTERNAL', error });
    exit(1);
  };
  const onSignal = (signal: 'SIGTERM' | 'SIGINT') => () => {
    signals += 1;
    if (signals > 1) return exit(signalExitCode(signal));
    if (running === null) return exit(0);
    const { list, log } = running;
    log.info('stopping', { signal });
    void list.stop().then((stuck) => {
      log.info('stopped', { count: stuck.length });
      exit(stuck.length === 0 ? 0 : 1);
    });
  };
  host.on('SIGTERM', onSignal('SIGTERM'));
  host.on('SIGINT', onSignal('SIGINT'));
  host.on('unhandledRejection', crash('unhandled rejection'));
  host.on('uncaughtException', crash('uncaught exception'));

  try {
    const { services, log } = await program.compose(await program.config());
    if (signals > 0) return await finished;
    const stopDeadlineMs = program.stopDeadlineMs ?? STOP_DEADLINE_MS;
    running = { log, list: createServiceList({ services, log, stopDeadlineMs }) };
  } catch (error) {
    if (!(error instanceof ConfigError)) return crash('could not be set up')(error);
    host.writeError(`${program.name}: ${error.message}\n`);
    return exit(EXIT_CONFIG);
  }

  const { list, log } = running;
  list.start().then(
    () => {
      if (signals === 0) log.info('started', { name: program.name });
    },
    (error: unknown) => {
      // Asked to stop meanwhile: the stop goes on and says how it ended.
      if (signals > 0) return log.warn('start failed while stopping', { error });
      log.error('start failed', { error });
      return exit(1);
    },
  );
  return await finished;
}

function nodeHost(): ProcessHost {
  return {
    on: (event, listener) => void process.on(event, listener),
    exit: (code) => process.exit(code),
    writeError: (text) => void process.stderr.write(text),
  };
}
