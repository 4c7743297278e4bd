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

/** @param look when all are watched; `readyMs` is from the start of the process */
export async function withFleet<T>(
  servers: Servers,
  server: IdleServer,
  users: readonly string[],
  look: (fleet: {
    readonly daemon: DaemonProcess;
    readonly site: Site;
    readonly readyMs: number;
  }) => Promise<T>,
  env?: (site: Site) => Readonly<Record<string, string>>,
): Promise<T> {
  const site = await openSite(servers);
  try {
    await site.addMailboxes(
      users.map((user, n) => ({ ...server, user, tenant: Math.floor(n / MAILBOXES_OF_A_TENANT) })),
    );
    const begunMs = performance.now();
    const daemon = await site.startDaemon(env?.(site));
    await daemon.untilWatching(users.length, PATIENCE_MS);
    const result = await look({ daemon, site, readyMs: performance.now() - begunMs });
    await daemon.stop();
    return result;
  } finally {
    await site.close();
  }
}
