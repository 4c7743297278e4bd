/**
 * How long mailboxes are without an owner, and mail without its event, when the daemon that holds most of them ends.
 *
 * Measured from the signal: `leases` until every lease of the ended daemon is held by another, `mail` until a message that was
 * delivered right after the signal to one of its mailboxes is published.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { becomesTrue, hasBaselines } from './convergence.ts';
import type { Build } from './frozen-build.ts';
import { messageId } from './message.ts';
import { phasesOf, type MailboxPhases } from './takeover-phases.ts';
import { seeded } from './random.ts';
import type { Replica } from './replica.ts';
import { createSenders, type Senders } from './senders.ts';
import type { Template } from './template.ts';
import { createWorld, LEASE_TTL_MS, type Size, type World } from './world.ts';

export interface Takeover {
  /** Mailboxes that changed hands. */
  readonly mailboxes: number;
  readonly leasesMs: number;
  readonly mailMs: number;
  /** Until the process had ended. */
  readonly endedMs: number;
  /** Of each of its mailboxes. */
  readonly phases: readonly MailboxPhases[];
}

export interface Takeovers extends Readonly<Record<'SIGKILL' | 'SIGTERM', readonly Takeover[]>> {
  readonly leaseTtlMs: number;
}

const PATIENCE_MS = 120_000;
const ASK_EVERY_MS = 10;

export async function measureTakeovers(options: {
  readonly count: number;
  readonly build: Build;
  readonly template: Template;
  readonly within: string;
  readonly size: Size;
  /** Goes on meanwhile, so that daemons end with work in hand. */
  readonly messagesPerSecond: number;
  readonly daemonEnv?: Readonly<Record<string, string>>;
}): Promise<Takeovers> {
  const random = seeded(1);
  const world = await createWorld({ ...options, size: { ...options.size, workers: 0 }, random });
  const client = new pg.Client({ connectionString: world.postgres.server.urlOf(options.template.database) });
  const senders = createSenders({
    port: world.dovecot.server.lmtpPort,
    mailboxes: world.mailboxes,
    perSecond: options.messagesPerSecond,
    random,
  });
  const found: Record<'SIGKILL' | 'SIGTERM', Takeover[]> = { SIGKILL: [], SIGTERM: [] };
  try {
    await client.connect();
    for (const daemon of world.daemons) daemon.start();
    if (!(await hasBaselines(world))) throw new Error('the daemons did not get to their baselines');
    senders.begin();
    for (const signal of ['SIGKILL', 'SIGTERM'] as const)
      for (let run = 0; run < options.count; run += 1)
        found[signal].push(await measure(world, client, senders, signal));
    const leaseTtlMs = Number(options.daemonEnv?.['IMAP_LEASE_TTL_MS'] ?? LEASE_TTL_MS);
    return { ...found, leaseTtlMs };
  } finally {
    await senders.stop();
    await client.end();
    await world.close(null);
  }
}

async function measure(
  world: World,
  client: pg.Client,
  senders: Senders,
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<Takeover> {
  if (!(await becomesTrue(() => isCalm(world, client), PATIENCE_MS)))
    throw new Error('the daemons do not calm down');
  const { victim, instance, providers, mailbox } = await busiest(world, client);
  const signalledAt = Date.now();
  const begunMs = performance.now();
  const ending = (signal === 'SIGKILL' ? victim.kill() : victim.stop()).then(
    () => performance.now() - begunMs,
  );
  const sending = senders.sendOne(mailbox);
  const leases = until(
    client,
    begunMs,
    'SELECT NOT EXISTS (SELECT FROM imap_email_provider_config WHERE lease_owner IS NULL OR lease_owner = $1 OR lease_expires_at <= now()) AS ok',
    [instance],
  );
  const mail = sending.then((key) =>
    until(
      client,
      begunMs,
      `SELECT EXISTS (SELECT FROM inbound_messages WHERE message_id = $1 AND status <> 'received') AS ok`,
      [messageId(key)],
    ),
  );
  const [leasesMs, mailMs, endedMs] = await Promise.all([leases, mail, ending]);
  await areWatched(client, world);
  const logs = (of: readonly Replica[]): Promise<string[]> =>
    Promise.all(of.map((daemon) => readFile(daemon.logFile(), 'utf8')));
  const [victimLog = ''] = await logs([victim]);
  const others = await logs(world.daemons.filter((daemon) => daemon !== victim));
  victim.start();
  const phases = phasesOf(victimLog, others, providers, signalledAt);
  return { mailboxes: providers.length, leasesMs, mailMs, endedMs, phases };
}

/** A moment more, so that the logs say how the new owners got on. */
async function areWatched(client: pg.Client, world: World): Promise<void> {
  await becomesTrue(async () => {
    const { rows } = await client.query<{ connected: number }>(
      `SELECT count(*)::int AS connected FROM email_providers WHERE status = 'connected'`,
    );
    return rows[0]?.connected === world.mailboxes.length;
  }, 5_000);
}

async function until(
  client: pg.Client,
  begunMs: number,
  question: string,
  values: readonly unknown[],
): Promise<number> {
  for (;;) {
    const { rows } = await client.query<{ ok: boolean }>(question, [...values]);
    const tookMs = performance.now() - begunMs;
    if (rows[0]?.ok === true || tookMs > PATIENCE_MS) return tookMs;
    await delay(ASK_EVERY_MS);
  }
}

/** Every daemon is up and listens to a mailbox or could, and every lease is held. */
async function isCalm(world: World, client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ held: number }>(
    'SELECT count(*)::int AS held FROM imap_email_provider_config WHERE lease_expires_at > now()',
  );
  if (rows[0]?.held !== world.mailboxes.length) return false;
  const logs = await Promise.all(
    world.daemons.map((daemon) => readFile(daemon.logFile(), 'utf8').catch(() => '')),
  );
  return logs.every((log) => log.includes('"lease"'));
}

async function busiest(
  world: World,
  client: pg.Client,
): Promise<{
  victim: Replica;
  instance: string;
  providers: readonly string[];
  mailbox: World['mailboxes'][number];
}> {
  const { rows } = await client.query<{ lease_owner: string; ids: string[] }>(
    `SELECT lease_owner, array_agg(email_provider_id::text) AS ids FROM imap_email_provider_config
      GROUP BY lease_owner ORDER BY count(*) DESC LIMIT 1`,
  );
  const { lease_owner: instance = '', ids: providers = [] } = rows[0] ?? {};
  const mailbox = world.mailboxes.find(({ id }) => id === providers[0]);
  for (const victim of world.daemons) {
    const log = await readFile(victim.logFile(), 'utf8');
    if (log.includes(`"instanceId":"${instance}"`) && mailbox !== undefined)
      return { victim, instance, providers, mailbox };
  }
  throw new Error(`no daemon is instance ${instance}`);
}
