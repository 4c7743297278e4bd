/** The command line of `npm run chaos`. */
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Size } from './world.ts';

export interface CampaignOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly schedules: number;
  readonly windowMs: number;
  readonly messagesPerSecond: number;
  readonly withLosses: boolean;
  readonly takeovers: number;
  /** Rounds of rolling restarts. */
  readonly rolling: number;
  /** Part of the names of the mutants to try; null for none. */
  readonly mutants: string | null;
  /** Schedules at the same time. */
  readonly parallel: number;
  /** File for the figures; null for none. */
  readonly json: string | null;
  readonly keepIn: string;
  readonly size: Size;
  readonly daemonEnv: Readonly<Record<string, string>>;
}

export const USAGE = `npm run chaos -- [options]
  --minutes=N     no schedule begins after so long (default 10)
  --seed=N        of the first schedule; the next has N+1 (default: drawn)
  --schedules=N   most schedules (default: as many as fit)
  --seconds=N     how long faults and mail last in a schedule (default 15)
  --rate=N        messages a second, all mailboxes together (default 15)
  --losses        in each schedule a store loses what it had confirmed (else: in every third)
  --parallel=N    schedules at the same time (default 1)
  --json=FILE     the figures of each schedule, for machines
  --mutants[=NAME]   proof that damage is seen: the product with deliberate faults, each in a schedule that shows it
  --takeovers=N   measure so many takeovers after SIGKILL and after SIGTERM (default 0)
  --rolling=N     measure N rolling restarts of three daemons, as the Helm chart makes them (default 0)
  --quick         one schedule of 8 seconds
  --keep=FOLDER   where logs of failed schedules go
  --daemon-env=NAME=VALUE   for the daemons, may be repeated
  --sim=COUNT     simulated schedules instead of real processes, with --seed and --losses`;

export const STANDARD_SIZE: Size = { tenants: 6, mailboxesPerTenant: 2, daemons: 3, workers: 2 };

/** @returns what is wrong, in words, when something is. */
export function readOptions(argv: readonly string[]): CampaignOptions | string {
  try {
    const { values } = parseArgs({
      args: argv.map((arg) => (arg === '--mutants' ? '--mutants=' : arg)),
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        schedules: { type: 'string' },
        seconds: { type: 'string' },
        rate: { type: 'string' },
        losses: { type: 'boolean', default: false },
        takeovers: { type: 'string' },
        rolling: { type: 'string' },
        mutants: { type: 'string' },
        quick: { type: 'boolean', default: false },
        parallel: { type: 'string' },
        json: { type: 'string' },
        keep: { type: 'string' },
        'daemon-env': { type: 'string', multiple: true, default: [] },
      },
    });
    const number = (
      name: 'minutes' | 'seed' | 'schedules' | 'seconds' | 'rate' | 'takeovers' | 'rolling' | 'parallel',
      otherwise: number,
    ): number => {
      const value = Number(values[name] ?? otherwise);
      if (Number.isNaN(value) || value < 0) throw new Error(`--${name} is not a number`);
      return value;
    };
    return {
      minutes: number('minutes', 10),
      seed: number('seed', randomInt(1, 1_000_000)),
      schedules: number('schedules', values.quick ? 1 : Number.POSITIVE_INFINITY),
      windowMs: 1000 * number('seconds', values.quick ? 8 : 15),
      messagesPerSecond: number('rate', 15),
      withLosses: values.losses,
      takeovers: number('takeovers', 0),
      rolling: number('rolling', 0),
      mutants: values.mutants ?? null,
      parallel: Math.max(1, number('parallel', 1)),
      json: values.json ?? null,
      keepIn: values.keep ?? join(tmpdir(), 'mailstream-chaos'),
      size: STANDARD_SIZE,
      daemonEnv: Object.fromEntries(
        values['daemon-env'].map((pair) => [
          pair.slice(0, pair.indexOf('=')),
          pair.slice(pair.indexOf('=') + 1),
        ]),
      ),
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
