/** One ingest of the standard mailbox by a fresh daemon, from the open folder to the last entry on the stream. */
import { cpuMs, peakKib, treeCpuMs } from '../world/process-figures.ts';
import { openSite, type Site } from '../world/site.ts';
import type { DaemonProcess } from '../world/daemon-process.ts';
import type { Servers } from '../world/servers.ts';
import { STANDARD } from '../world/standard-mailbox.ts';
import { writeStandardMailbox } from '../world/maildir.ts';

export interface StandardMailbox {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly messages: number;
  readonly bytes: number;
}

const written = new WeakMap<Servers, Map<string, Promise<StandardMailbox>>>();

/**
 * The first `count` messages of it, written once for all parts.
 * @param seed another one makes a mailbox of the same kind with other messages
 */
export function standardMailbox(
  servers: Servers,
  count: number,
  seed = STANDARD.seed,
): Promise<StandardMailbox> {
  const known = written.get(servers) ?? new Map<string, Promise<StandardMailbox>>();
  written.set(servers, known);
  const user = `standard${count}-${seed}`;
  const made = known.get(user) ?? write(servers, user, count, seed);
  known.set(user, made);
  return made;
}

async function write(servers: Servers, user: string, count: number, seed: number): Promise<StandardMailbox> {
  const dovecot = await servers.dovecot();
  const size = await writeStandardMailbox(dovecot.mailDir, user, count, seed);
  return { host: '127.0.0.1', port: dovecot.imapPort, user, password: dovecot.password, ...size };
}

export interface IngestRun {
  readonly msgPerSecond: number;
  /** Of the mailbox after it; null where there was none. */
  readonly nextMsgPerSecond: number | null;
  /** Processor time of one message, milliseconds. */
  readonly daemonCpuMs: number;
  readonly databaseCpuMs: number;
  readonly peakMib: number;
}

const PATIENCE_MS = 600_000;

/**
 * @param next a mailbox that the same process takes in after the first one: by then V8 has compiled what runs most
 * @param inspect while the site is still there
 */
export async function ingestOnce(
  servers: Servers,
  mailbox: StandardMailbox,
  options: {
    readonly env?: (site: Site) => Readonly<Record<string, string>>;
    readonly begun?: () => void;
    readonly next?: StandardMailbox;
    readonly inspect?: (site: Site, daemon: DaemonProcess) => Promise<void>;
  } = {},
): Promise<IngestRun> {
  const site = await openSite(servers);
  try {
    const daemon = await site.startDaemon(options.env?.(site));
    await daemon.ready(60_000);
    const cpu = async (): Promise<readonly [number, number]> =>
      Promise.all([cpuMs(daemon.pid), treeCpuMs(servers.postgres.pid)]);
    const begunAt = await begin(site, daemon, mailbox);
    options.begun?.();
    const before = await cpu();
    const endedAt = await site.untilPublished(mailbox.messages, PATIENCE_MS);
    const after = await cpu();
    await options.inspect?.(site, daemon);
    const peakMib = (await peakKib(daemon.pid)) / 1024;
    const { next } = options;
    const nextMsgPerSecond = next === undefined ? null : await takeNext(site, daemon, mailbox, next);
    await daemon.stop();
    await expectAll(site, mailbox.messages + (next?.messages ?? 0));
    return {
      msgPerSecond: mailbox.messages / ((endedAt - begunAt) / 1000),
      nextMsgPerSecond,
      daemonCpuMs: (after[0] - before[0]) / mailbox.messages,
      databaseCpuMs: (after[1] - before[1]) / mailbox.messages,
      peakMib,
    };
  } finally {
    await site.close();
  }
}

/** @returns when its folder was open, milliseconds since 1970 */
async function begin(site: Site, daemon: DaemonProcess, mailbox: StandardMailbox): Promise<number> {
  const opened = daemon.nextLine((line) => line.message === 'baseline stored');
  await site.addMailboxes([{ ...mailbox, startFrom: { kind: 'last', count: mailbox.messages } }]);
  return (await opened).time;
}

/** @returns messages a second */
async function takeNext(
  site: Site,
  daemon: DaemonProcess,
  { messages: before }: StandardMailbox,
  next: StandardMailbox,
): Promise<number> {
  const begunAt = await begin(site, daemon, next);
  const endedAt = await site.untilPublished(before + next.messages, PATIENCE_MS);
  return next.messages / ((endedAt - begunAt) / 1000);
}

/** A fast ingest that lost something is none. */
async function expectAll(site: Site, messages: number): Promise<void> {
  const rows = await site.sql<{ status: string; count: number }>(
    'SELECT status, count(*)::int AS count FROM inbound_messages GROUP BY 1',
  );
  const [only] = rows;
  if (rows.length !== 1 || only?.status !== 'published' || only.count !== messages)
    throw new Error(`${messages} messages are not all published: ${JSON.stringify(rows)}`);
}
