/**
 * Every process that the launcher has started: to end them all, and to find those that a killed launcher has left.
 *
 * The record on disk names each by number and identity (a number alone may belong to somebody else by then).
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { spawnServer, type ServerCommand, type ServerProcess } from './server-process.ts';

const recordSchema = z.array(
  z.object({ name: z.string(), pid: z.int().positive(), identity: z.string(), stopSignal: z.string() }),
);
type Recorded = z.infer<typeof recordSchema>[number];

/** Null when there is no such process (any more). */
export type IdentityOf = (pid: number) => string | null;

export interface ProcessRegistry {
  spawn(command: ServerCommand): Promise<ServerProcess>;
  /** From now on `spawn` refuses: a process started during the stop would be left behind. */
  close(): void;
  /** Stops those that run, all or by name: also one that is still starting, which nobody else holds yet. */
  stop(names?: readonly string[]): Promise<void>;
  /** SIGKILL to all that run, without waiting. */
  killAll(): void;
}

export class RegistryClosedError extends Error {
  override readonly name = 'RegistryClosedError';
}

export function createProcessRegistry(file: string, identityOf: IdentityOf): ProcessRegistry {
  const running = new Map<number, { readonly process: ServerProcess; readonly recorded: Recorded }>();
  let isClosed = false;
  const write = (): void => {
    if (running.size === 0) rmSync(file, { force: true });
    else writeFileSync(file, JSON.stringify([...running.values()].map(({ recorded }) => recorded)));
  };
  return {
    spawn: async (command) => {
      if (isClosed) throw new RegistryClosedError('stopping');
      const process = await spawnServer(command);
      const recorded = {
        name: command.name,
        pid: process.pid,
        identity: identityOf(process.pid) ?? '',
        stopSignal: command.stopSignal ?? 'SIGTERM',
      };
      running.set(process.pid, { process, recorded });
      write();
      void process.exited.then(() => {
        running.delete(process.pid);
        write();
      });
      // Asked to stop between the check and now.
      if (isClosed) await process.stop();
      return process;
    },
    close: () => {
      isClosed = true;
    },
    stop: async (names) => {
      const chosen = [...running.values()].filter(
        ({ recorded }) => names === undefined || names.includes(recorded.name),
      );
      await Promise.all(chosen.map(({ process }) => process.stop()));
    },
    killAll: () => {
      for (const { process } of running.values()) void process.kill();
    },
  };
}

/** How long each of them gets before SIGKILL. */
const PATIENCE_MS = 10_000;

/** Ends what a killed launcher has left running. @returns their names. */
export async function stopLeftovers(file: string, identityOf: IdentityOf): Promise<readonly string[]> {
  const recorded = readRecord(file).filter(({ pid, identity }) => identityOf(pid) === identity);
  // Last started, first stopped: services before the servers that they use.
  for (const left of recorded.toReversed()) await end(left, identityOf);
  rmSync(file, { force: true });
  return recorded.map(({ name }) => name);
}

function readRecord(file: string): readonly Recorded[] {
  if (!existsSync(file)) return [];
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Written half when the machine went down: nothing of it runs any more.
    return [];
  }
}

async function end(left: Recorded, identityOf: IdentityOf): Promise<void> {
  const isAlive = (): boolean => identityOf(left.pid) === left.identity;
  process.kill(left.pid, left.stopSignal as NodeJS.Signals);
  const deadline = Date.now() + PATIENCE_MS;
  while (isAlive() && Date.now() < deadline) await delay(50);
  try {
    // The rest of its group: workers outlive their master while a client is connected.
    process.kill(-left.pid, 'SIGKILL');
  } catch {
    // Nothing is left of it.
  }
  while (isAlive()) await delay(20);
}
