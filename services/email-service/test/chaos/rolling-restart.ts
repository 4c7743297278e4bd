/**
 * A rolling restart as the Deployment of the Helm chart makes it (`maxSurge: 1`, `maxUnavailable: 0`): one new daemon starts, its
 * readiness probe is asked as often as there, and once it is ready an old one gets SIGTERM; while that one stops, the next new one
 * starts. Settings are those of production, and mail arrives all the time. Afterwards every message is looked for, and how long it took
 * from the mail server's 250 to its entry on the stream.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { becomesTrue, hasBaselines, isConverged } from './convergence.ts';
import { collect, readMailboxes } from './evidence.ts';
import type { Build } from './frozen-build.ts';
import { judge, type StreamRecord, type Verdict } from './oracle.ts';
import { seeded } from './random.ts';
import type { Replica } from './replica.ts';
import { createSenders, type Accepted } from './senders.ts';
import type { Template } from './template.ts';
import { createWorld, type Size, type World } from './world.ts';

export interface Restart {
  /** From the start of the new process to its first good answer to the readiness probe. */
  readonly readyMs: number;
  /** From SIGTERM to the end of the old one. */
  readonly endedMs: number;
}

export interface RollingRestarts {
  readonly replicas: number;
  readonly restarts: readonly Restart[];
  readonly verdict: Verdict;
  /** Everything was settled in the end. */
  readonly hasConverged: boolean;
  readonly messages: number;
  /** From the 250 to the entry, sorted: of messages before the first restart, and of those from then on. */
  readonly calmMs: readonly number[];
  readonly rollingMs: readonly number[];
}

/** As in helm/values.yaml, and what a deployment of three has. */
const REPLICAS = 3;
/** Of the chart's readiness probe it is five seconds; asked more often here, an old one goes sooner after a new one has come. */
const PROBE_EVERY_MS = 250;
const MOST_PROCESSES = 50;
const READY_PATIENCE_MS = 120_000;
const SETTLE_PATIENCE_MS = 60_000;

/** The defaults of the daemon, in place of the short times of fault runs. */
const PRODUCTION_ENV: Readonly<Record<string, string>> = {
  IMAP_LEASE_TTL_MS: '30000',
  IMAP_CONNECTION_TIMEOUT_MS: '10000',
  IMAP_POLL_INTERVAL_MS: '30000',
  IMAP_IDLE_RENEW_MS: '180000',
  IMAP_PROVIDER_REFRESH_MS: '60000',
  IMAP_MAX_EMAILS_PER_SYNC: '200',
  IMAP_STARTUP_STAGGER_MS: '2000',
};

export async function measureRollingRestarts(options: {
  /** How often all three are replaced. */
  readonly rounds: number;
  readonly build: Build;
  readonly template: Template;
  readonly within: string;
  readonly size: Omit<Size, 'daemons'>;
  readonly messagesPerSecond: number;
  /** How long mail arrives before the first restart and after the last one. */
  readonly calmMs: number;
  readonly seed: number;
  readonly keepIn: string;
}): Promise<RollingRestarts> {
  const random = seeded(options.seed);
  // Each process that runs has a listener for the end of this one.
  process.setMaxListeners(Math.max(process.getMaxListeners(), MOST_PROCESSES));
  const world = await createWorld({
    ...options,
    size: { ...options.size, daemons: 2 * REPLICAS },
    daemonEnv: PRODUCTION_ENV,
    random: random.fork('world'),
  });
  const senders = createSenders({
    port: world.dovecot.server.lmtpPort,
    mailboxes: world.mailboxes,
    perSecond: options.messagesPerSecond,
    random: random.fork('senders'),
  });
  let keep: string | null = options.keepIn;
  try {
    const old = new Set<string>();
    for (const mailbox of world.mailboxes) old.add(await senders.sendOne(mailbox));
    const running = world.daemons.slice(0, REPLICAS);
    for (const replica of [...running, ...world.workers]) replica.start();
    if (!(await hasBaselines(world))) throw new Error('the daemons did not get to their baselines');
    await Promise.all(running.map(whenReady));
    senders.begin();
    await delay(options.calmMs);

    const begunAt = Date.now();
    const restarts: Restart[] = [];
    for (let round = 0; round < options.rounds; round += 1) restarts.push(...(await replaceAll(world)));
    await delay(options.calmMs);
    await senders.stop();

    const mailbox = await readMailboxes(world, old);
    const keys = mailbox.map(({ key }) => key);
    const hasConverged = await isConverged(world, keys, SETTLE_PATIENCE_MS);
    const evidence = await collect(world, senders, mailbox, { old, hadLosses: false, isUndisturbed: true });
    const verdict = judge(evidence);
    if (verdict.isClean && hasConverged) keep = null;
    return {
      replicas: REPLICAS,
      restarts,
      verdict,
      hasConverged,
      messages: mailbox.length,
      calmMs: delaysOf(evidence.stream, senders.accepted, ({ at }) => at < begunAt),
      rollingMs: delaysOf(evidence.stream, senders.accepted, ({ at }) => at >= begunAt),
    };
  } finally {
    await senders.stop();
    await world.close(keep);
  }
}

/** One after the other, each old one by a new one. */
async function replaceAll(world: World): Promise<readonly Restart[]> {
  const old = world.daemons.filter(({ isRunning }) => isRunning);
  const free = world.daemons.filter(({ isRunning }) => !isRunning);
  const stopping: Promise<Restart>[] = [];
  for (const [at, leaving] of old.entries()) {
    const coming = free[at];
    if (coming === undefined) throw new Error('no free place for a new daemon');
    const startedMs = performance.now();
    coming.start();
    await whenReady(coming);
    const readyMs = performance.now() - startedMs;
    const signalledMs = performance.now();
    stopping.push(leaving.stop().then(() => ({ readyMs, endedMs: performance.now() - signalledMs })));
  }
  return await Promise.all(stopping);
}

async function whenReady(replica: Replica): Promise<void> {
  const isReady = async (): Promise<boolean> => {
    const log = await readFile(replica.logFile(), 'utf8');
    const line = log.split('\n').find((each) => each.includes('"health and metrics are served"'));
    if (line === undefined) return false;
    const { port } = JSON.parse(line) as { port: number };
    return (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok;
  };
  if (!(await becomesTrue(isReady, READY_PATIENCE_MS, PROBE_EVERY_MS)))
    throw new Error(`${replica.name} does not become ready`);
}

/** Of the first entry of each message; of one without an entry the verdict tells. */
function delaysOf(
  stream: readonly StreamRecord[],
  accepted: ReadonlyMap<string, Accepted>,
  isOfPhase: (message: Accepted) => boolean,
): readonly number[] {
  const delays: number[] = [];
  const seen = new Set<string>();
  for (const { key, entryId } of stream) {
    const message = accepted.get(key ?? '');
    if (message === undefined || seen.has(message.key) || !isOfPhase(message)) continue;
    seen.add(message.key);
    delays.push(Number(entryId.split('-')[0]) - message.at);
  }
  return delays.sort((a, b) => a - b);
}
