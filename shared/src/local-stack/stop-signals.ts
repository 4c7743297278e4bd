/**
 * The ways in which a person ends the stack: Ctrl-C (which npm passes on a second time), kill, closing the terminal, or
 * npm itself going away.
 */

export interface StopSignals {
  /** Settles at the first request, with its name. */
  readonly requested: Promise<string>;
  /** Settles when somebody asks again: they do not want to wait. */
  readonly repeated: Promise<string>;
  isRequested(): boolean;
  dispose(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A terminal signals the whole process group, and npm hands on what it got: one Ctrl-C arrives twice. */
const SAME_REQUEST_MS = 2_000;

export function watchStopSignals(): StopSignals {
  const requested = withResolvers();
  const repeated = withResolvers();
  let firstAt: number | null = null;
  const request = (name: string): void => {
    if (firstAt === null) {
      firstAt = Date.now();
      requested.resolve(name);
    } else if (Date.now() - firstAt > SAME_REQUEST_MS) repeated.resolve(name);
  };
  for (const signal of SIGNALS) process.on(signal, request);
  const parent = process.ppid;
  // Only under npm: somebody who starts this in the background may well end the shell.
  const watch =
    process.env['npm_lifecycle_event'] === undefined
      ? undefined
      : setInterval(() => process.ppid !== parent && firstAt === null && request('npm ended'), 500);
  return {
    requested: requested.promise,
    repeated: repeated.promise,
    isRequested: () => firstAt !== null,
    dispose: () => {
      clearInterval(watch);
      for (const signal of SIGNALS) process.off(signal, request);
    },
  };
}

function withResolvers(): { promise: Promise<string>; resolve: (value: string) => void } {
  let resolve!: (value: string) => void;
  const promise = new Promise<string>((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}
