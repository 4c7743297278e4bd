/** So many mailboxes on one server, watched by one daemon, or by bare imapflow in one process. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bareIdle } from '../floor/run-floor.ts';
import type { DaemonProcess } from '../world/daemon-process.ts';
import type { Servers } from '../world/servers.ts';
import { openSite, type Site } from '../world/site.ts';

export interface IdleServer {
  readonly host: string;
  readonly port: number;
  readonly password: string;
}

/** Connections that the floor makes at the same time: more of them make it slower, not faster. */
const BARE_AT_ONCE = 100;
/** A tenant with a thousand mailboxes is a large one. */
const MAILBOXES_OF_A_TENANT = 1_000;
/** Connecting takes some 10 ms each, and ten thousand some minutes on a busy machine. */
const PATIENCE_MS = 900_000;

export function idleUsers(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}

export async function withBareFleet<T>(
  servers: Servers,
  server: IdleServer,
  users: readonly string[],
  look: (fleet: { readonly pid: number; readonly ms: number }) => Promise<T>,
): Promise<T> {
  const usersFile = join(servers.folder, 'users');
  await writeFile(usersFile, users.join('\n'));
  const fleet = await bareIdle({ ...server, usersFile, atOnce: BARE_AT_ONCE });
  try {
    return await look(fleet);
  } finally {
    await fleet.end();
  }
}

export interface Fleet {
  readonly daemon: DaemonProcess;
  readonly site: Site;
  /** From the start of the process until all were watched, milliseconds. */
  readonly readyMs: number;
  close(): Promise<void>;
}

/** Resolves when all are watched. */
export async function openFleet(
  servers: Servers,
  server: IdleServer,
  users: readonly string[],
  env?: (site: Site) => Readonly<Record<string, string>>,
): Promise<Fleet> {
  const site = await openSite(servers);
  try {
    await site.addMailboxes(
      users.map((user, n) => ({ ...server, user, tenant: Math.floor(n / MAILBOXES_OF_A_TENANT) })),
    );
    const begunMs = performance.now();
    const daemon = await site.startDaemon(env?.(site));
    await daemon.untilWatching(users.length, PATIENCE_MS);
    const readyMs = performance.now() - begunMs;
    return { daemon, site, readyMs, close: () => daemon.stop().finally(() => site.close()) };
  } catch (error) {
    await site.close();
    throw error;
  }
}

export async function withFleet<T>(
  servers: Servers,
  server: IdleServer,
  users: readonly string[],
  look: (fleet: Fleet) => Promise<T>,
  env?: (site: Site) => Readonly<Record<string, string>>,
): Promise<T> {
  const fleet = await openFleet(servers, server, users, env);
  try {
    return await look(fleet);
  } finally {
    await fleet.close();
  }
}
