/** The farm as the bench sees it: a child process with requests and replies. */
import { once } from 'node:events';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import type { Arrival } from './farm-mailbox.ts';
import type { FarmState } from './farm-server.ts';

export type FarmRequest = { readonly id: number } & (
  | { readonly kind: 'prepare'; readonly user: string; readonly expunged: number }
  | { readonly kind: 'deliver'; readonly users: readonly string[]; readonly arrival: Arrival }
  | { readonly kind: 'state' }
);

/** The first one, number 0, tells the port in `atNs`. */
export interface FarmReply {
  readonly id: number;
  /** When it was done, by the machine's monotonic clock. */
  readonly atNs: string;
  readonly state: FarmState;
}

type Asked = FarmRequest extends infer Request
  ? Request extends FarmRequest
    ? Omit<Request, 'id'>
    : never
  : never;

export interface Farm {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  prepare(user: string, expunged: number): Promise<void>;
  /** @returns when the mailboxes were told, milliseconds of the machine's monotonic clock (`monotonicMs`) */
  deliver(users: readonly string[], arrival: Arrival): Promise<number>;
  state(): Promise<FarmState>;
  /** @throws when fewer idle after that long */
  untilIdle(count: number, withinMs: number): Promise<void>;
  close(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('farm-process.js', import.meta.url));

/** The clock in which the farm tells its times. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export async function startFarm(): Promise<Farm> {
  const child = fork(MAIN, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const atExit = (): void => void child.kill('SIGKILL');
  process.once('exit', atExit);
  const waiting = new Map<number, (reply: FarmReply) => void>();
  let ids = 0;
  const first = new Promise<FarmReply>((resolve) => waiting.set(0, resolve));
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', () => reject(new Error('the farm has ended')));
  });
  ended.catch(() => undefined);
  child.on('message', (reply: FarmReply) => {
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  const ask = (request: Asked): Promise<FarmReply> => {
    ids += 1;
    const id = ids;
    const replied = new Promise<FarmReply>((resolve) => waiting.set(id, resolve));
    child.send({ id, ...request });
    return Promise.race([replied, ended]);
  };
  const { atNs: port } = await Promise.race([first, ended]);
  return {
    host: '127.0.0.1',
    port: Number(port),
    pid: child.pid ?? 0,
    prepare: async (user, expunged) => void (await ask({ kind: 'prepare', user, expunged })),
    deliver: async (users, arrival) => Number((await ask({ kind: 'deliver', users, arrival })).atNs) / 1e6,
    state: async () => (await ask({ kind: 'state' })).state,
    untilIdle: async (count, withinMs) => {
      const deadline = monotonicMs() + withinMs;
      for (;;) {
        const { idling } = (await ask({ kind: 'state' })).state;
        if (idling >= count) return;
        if (monotonicMs() > deadline) throw new Error(`${idling} of ${count} folders idle in time`);
        await delay(20);
      }
    },
    close: async () => {
      process.off('exit', atExit);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
