/** One daemon or worker: a process that is started again and again, and what became of each start. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Ending {
  readonly replica: string;
  readonly incarnation: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Nobody asked for it: the program crashed. */
  readonly isUnexpected: boolean;
}

export interface ReplicaOptions {
  readonly name: string;
  readonly main: string;
  /** Of Node. */
  readonly nodeOptions: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly clockStep: string;
  readonly folder: string;
  readonly logs: string;
  readonly onEnded: (ending: Ending) => void;
}

/** A process that does not end by itself after SIGTERM is killed after this, and that is a finding. */
const STOP_PATIENCE_MS = 30_000;
/** As an orchestrator does. */
const REVIVED_AFTER_MS = 300;
const HANDLER_AFTER_MS = 2_000;
const ASK_EVERY_MS = 20;

export class Replica {
  readonly name: string;
  readonly #options: ReplicaOptions;
  readonly #clockFile: string;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #incarnation = 0;
  #startedMs = 0;
  /** Whether it handled SIGTERM itself when it was told to stop: else the signal ends it, as it must. */
  #couldHear = false;
  #hasGivenUp = false;
  #expected: 'running' | 'armed' | 'killed' | 'stopped' = 'stopped';
  #crashPlan: readonly string[] = [];
  #revival: NodeJS.Timeout | null = null;

  constructor(options: ReplicaOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clockFile = join(options.folder, `${options.name}.clock`);
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  /** Also while it is stopped by a signal. */
  get isRunning(): boolean {
    return this.#child !== null;
  }

  logFile(incarnation = this.#incarnation): string {
    return join(this.#options.logs, `${this.name}.${incarnation}.log`);
  }

  /** Each start from now on ends itself at the next of these steps and is started again, until none is left. */
  armWith(steps: readonly string[]): void {
    this.#crashPlan = steps;
  }

  start(extra: Readonly<Record<string, string>> = {}, mayEnd = false): void {
    if (this.#child !== null) return;
    const { main, nodeOptions, env, clockStep } = this.#options;
    const [step, ...rest] = this.#crashPlan;
    this.#crashPlan = rest;
    const armed = step === undefined ? {} : { TEST_CRASH_AT: step };
    const isArmed = step !== undefined || extra['TEST_CRASH_AT'] !== undefined;
    this.#hasGivenUp = false;
    this.#incarnation += 1;
    const incarnation = this.#incarnation;
    const log = openSync(this.logFile(), 'a', 0o600);
    const child = spawn(process.execPath, [...nodeOptions, `--import=${clockStep}`, main], {
      env: {
        PATH: process.env['PATH'] ?? '',
        CHAOS_CLOCK_FILE: this.#clockFile,
        CHAOS_HANDLERS_FILE: this.#handlersFile(),
        ...env,
        DATABASE_URL: namedAs(env['DATABASE_URL'] ?? '', `${this.name}.${incarnation}`),
        ...armed,
        ...extra,
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const atExit = (): void => void child.kill('SIGKILL');
    process.once('exit', atExit);
    this.#child = child;
    this.#startedMs = performance.now();
    this.#expected = mayEnd ? 'killed' : step === undefined ? 'running' : 'armed';
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        process.off('exit', atExit);
        if (this.#child === child) this.#child = null;
        if (this.#expected === 'armed') this.#revival = setTimeout(() => this.start(), REVIVED_AFTER_MS);
        const isTooEarly = signal === 'SIGTERM' && !this.#couldHear;
        // Told to stop on the way to a step at which it ends itself.
        const isItsStep = signal === 'SIGKILL' && isArmed && !this.#hasGivenUp;
        const isUnexpected =
          this.#expected === 'running' ||
          (this.#expected === 'armed' && signal !== 'SIGKILL') ||
          (this.#expected === 'stopped' && code !== 0 && !isTooEarly && !isItsStep);
        this.#options.onEnded({ replica: this.name, incarnation, code, signal, isUnexpected });
        resolve();
      });
    });
  }

  /** When the process that runs now has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  async kill(): Promise<void> {
    clearTimeout(this.#revival ?? undefined);
    if (this.#child === null) return;
    this.#expected = 'killed';
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** SIGTERM; kills what does not end, which then counts as unexpected. */
  async stop(): Promise<void> {
    if (this.#child === null) return;
    const child = this.#child;
    this.#expected = 'stopped';
    this.#couldHear = existsSync(this.#handlersFile());
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.#hasGivenUp = true;
      child.kill('SIGKILL');
    }, STOP_PATIENCE_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** @returns false when it did not stop itself (SIGSTOP) in time. */
  async stopsItself(withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      const stat = await readFile(`/proc/${this.#child?.pid ?? 0}/stat`, 'utf8').catch(() => '');
      if (/^\d+ \(.*\) T /.test(stat)) return true;
      await delay(ASK_EVERY_MS);
    }
    return false;
  }

  #handlersFile(): string {
    return join(this.#options.folder, `${this.name}.${this.#incarnation}.handlers`);
  }

  /** The wall clock of this process, away from the real one. Forgotten by a restart. */
  async stepClock(ms: number): Promise<void> {
    await writeFile(this.#clockFile, String(ms));
    // Before its handler is there the signal would end it.
    if (performance.now() - this.#startedMs > HANDLER_AFTER_MS) this.#child?.kill('SIGUSR2');
  }
}

/** PostgreSQL knows in each session whose it is: see ownership.ts. */
function namedAs(databaseUrl: string, replica: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set('options', `-c chaos.replica=${replica}`);
  return url.href;
}
