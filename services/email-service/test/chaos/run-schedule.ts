/** One schedule from an empty world to a verdict. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Build } from './frozen-build.ts';
import { hasBaselines, isConverged } from './convergence.ts';
import { collect, readMailboxes } from './evidence.ts';
import { perform } from './faults.ts';
import { judge, type Verdict } from './oracle.ts';
import { seeded } from './random.ts';
import { describeSchedule, drawCrashPlans, drawSchedule, LOSSES, type ScheduledFault } from './schedule.ts';
import { createSenders } from './senders.ts';
import type { Template } from './template.ts';
import { createWorld, LEASE_TTL_MS, type Size, type World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly build: Build;
  readonly template: Template;
  readonly within: string;
  readonly size: Size;
  readonly windowMs: number;
  readonly messagesPerSecond: number;
  readonly withLosses: boolean;
  /** Logs and evidence of a failed run are put below it. */
  readonly keepIn: string;
  readonly say: (line: string) => void;
  /** In place of the one drawn from the seed. */
  readonly schedule?: readonly ScheduledFault[];
  /** Nothing in that schedule excuses a process that works without its lease. */
  readonly isUndisturbed?: boolean;
  readonly patienceMs?: number;
  readonly daemonEnv?: Readonly<Record<string, string>>;
}

export interface RunResult {
  readonly seed: number;
  readonly schedule: readonly ScheduledFault[];
  readonly verdict: Verdict;
  /** Answered with 250. */
  readonly delivered: number;
  /** In the mailboxes in the end, those from before the baselines left out. */
  readonly messages: number;
  readonly entries: number;
  readonly effects: number;
  /** Processes that ended by SIGKILL. */
  readonly kills: number;
  /** From the end of the last fault until everything was settled; null when that did not happen. */
  readonly convergedInMs: number | null;
  readonly tookMs: number;
  /** Of a failed run. */
  readonly keptIn: string | null;
}

/** A schedule that could not be brought to its end: the harness, or the machine. */
export interface BrokenOff {
  readonly seed: number;
  readonly brokenOff: string;
}

export type Outcome = RunResult | BrokenOff;

/** After many failures in a row a reconnect waits for up to a minute, and on a busy machine that one may fail as well. */
const CONVERGENCE_PATIENCE_MS = 180_000;

export async function runSchedule(options: RunOptions): Promise<RunResult> {
  const begun = Date.now();
  const random = seeded(options.seed);
  const world = await createWorld({ ...options, random: random.fork('world') });
  let keep: string | null = join(options.keepIn, `seed-${options.seed}`);
  try {
    const plans =
      options.schedule === undefined ? drawCrashPlans(random.fork('crashes'), world.daemons.length) : [];
    const senders = createSenders({
      port: world.dovecot.server.lmtpPort,
      mailboxes: world.mailboxes,
      perSecond: options.messagesPerSecond,
      random: random.fork('senders'),
    });
    try {
      const old = new Set<string>();
      for (const mailbox of world.mailboxes) old.add(await senders.sendOne(mailbox));
      for (const replica of [...world.daemons, ...world.workers]) replica.start();
      if (!(await hasBaselines(world))) throw new Error('the daemons did not get to their baselines');
      const schedule = options.schedule ?? draw(world, options);
      await arm(world, plans, options.say);
      for (const line of describeSchedule(schedule)) options.say(`  ${line}`);

      senders.begin();
      await Promise.all([delay(options.windowMs), performAll(world, schedule)]);
      for (const daemon of world.daemons) daemon.armWith([]);
      const faultsEndedAt = Date.now();
      // One more for each mailbox, so that each has to work again.
      for (const mailbox of world.mailboxes) await senders.sendOne(mailbox);
      await senders.stop();
      const mailbox = await readMailboxes(world, old);
      const keys = mailbox.map(({ key }) => key);
      const isDone = await isConverged(world, keys, options.patienceMs ?? CONVERGENCE_PATIENCE_MS);
      const convergedInMs = isDone ? Date.now() - faultsEndedAt : null;
      // What is still on its way must stand still to be read: it would be lost in one table and there in the next.
      if (!isDone) await Promise.all([...world.daemons, ...world.workers].map((replica) => replica.kill()));

      const hadLosses = schedule.some(({ fault }) => LOSSES.has(fault.kind));
      const isUndisturbed = options.isUndisturbed ?? false;
      const evidence = await collect(world, senders, mailbox, { old, hadLosses, isUndisturbed });
      const verdict = judge(evidence);
      if (verdict.isClean && isDone) keep = null;
      else await writeEvidence(keep, { seed: options.seed, schedule, verdict, evidence });
      return {
        seed: options.seed,
        schedule,
        verdict,
        delivered: senders.accepted.size,
        messages: mailbox.length,
        entries: evidence.stream.length,
        effects: evidence.comments.length,
        kills: world.endings.filter(({ signal }) => signal === 'SIGKILL').length,
        convergedInMs,
        tookMs: Date.now() - begun,
        keptIn: keep,
      };
    } finally {
      await senders.stop();
    }
  } finally {
    await world.close(keep);
  }
}

/** On a slow machine a server may still be on its way up when its next fault is due: that one waits. */
async function performAll(world: World, schedule: readonly ScheduledFault[]): Promise<void> {
  const before = new Map<string, Promise<void>>();
  await Promise.all(
    schedule.map((scheduled) => {
      const { target } = scheduled.fault;
      const due = Promise.all([delay(scheduled.atMs), before.get(target)]);
      const done = due.then(() => perform(world, scheduled));
      before.set(target, done);
      return done;
    }),
  );
}

/** One after the other, so that the last ones are not the only ones with mailboxes. */
async function arm(
  world: World,
  plans: readonly (readonly string[])[],
  say: (line: string) => void,
): Promise<void> {
  for (const [index, plan] of plans.entries()) {
    const daemon = world.daemons[index];
    if (daemon === undefined || plan.length === 0) continue;
    say(`  ${daemon.name} ends itself at ${plan.join(', ')}`);
    await daemon.kill();
    daemon.armWith(plan);
    daemon.start();
  }
}

function draw(world: World, { seed, windowMs, withLosses }: RunOptions): readonly ScheduledFault[] {
  return drawSchedule({
    random: seeded(seed).fork('schedule'),
    windowMs,
    leaseTtlMs: LEASE_TTL_MS,
    daemons: world.daemons.map(({ name }) => name),
    workers: world.workers.map(({ name }) => name),
    links: [...world.links.keys()],
    mailboxes: world.mailboxes.length,
    withLosses,
  });
}

async function writeEvidence(folder: string, report: unknown): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'report.json'), JSON.stringify(report, null, 1));
}

export function isClean(result: Outcome): boolean {
  return !('brokenOff' in result) && result.verdict.isClean && result.convergedInMs !== null;
}
