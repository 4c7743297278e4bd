/** What happens to a world while it is faulty, each at a time that the seed decides: mail, and everything that can go wrong. */
import type { ProviderRef } from '../../src/ports/leases.ts';
import type { Checks } from './checks.ts';
import type { WatchedMailbox } from './final-checks.ts';
import type { Slot } from './instance-model.ts';
import type { MailboxModel, MailModel } from './mailbox-model.ts';
import type { SimulationOptions } from './options.ts';
import type { PostgresModel, ProviderRow } from './postgres-model.ts';
import type { Random } from './random.ts';
import type { RedisModel } from './redis-model.ts';
import type { Scheduler } from './scheduler.ts';
import type { WorkerModel } from './worker-model.ts';

/** What faults can be done to. */
export interface FaultyWorld {
  readonly options: SimulationOptions;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly checks: Checks;
  readonly postgres: PostgresModel;
  readonly redis: RedisModel;
  readonly mailboxes: readonly WatchedMailbox[];
  readonly slots: readonly Slot[];
  readonly workers: readonly WorkerModel[];
  readonly isFaulty: boolean;
  deliver(mailbox: MailboxModel, hiddenMs: number | null): void;
  visibleMails(mailbox: MailboxModel): readonly MailModel[];
  kill(slot: Slot): void;
  restart(slot: Slot): void;
  pause(slot: Slot, ms: number, isReplaced: boolean): void;
  notify(ref: ProviderRef): void;
  hold(isHeld: boolean): void;
  folderNames(): readonly string[];
}

/** Longest time that a message stays hidden behind a later one, milliseconds. */
const HIDDEN_MS = 5_000;

export function scheduleFaults(world: FaultyWorld): void {
  const { options, random, scheduler } = world;
  const { events, faultyMs } = options;
  const at = (label: string, action: () => void): void => {
    scheduler.after(random.next() * faultyMs, null, label, () => {
      if (world.isFaulty) action();
    });
  };
  const often = (mean: number, label: string, action: () => void): void => {
    const count = mean === 0 ? 0 : Math.floor(mean + random.next());
    for (let index = 0; index < count; index += 1) at(label, action);
  };
  const anyMailbox = () => random.pick(world.mailboxes);
  const anySlot = () => random.pick(world.slots);

  for (let count = 0; count < options.messages; count += 1)
    at('mail', () => {
      const isHidden = random.chance(options.lateVisible);
      world.deliver(anyMailbox().mailbox, isHidden ? random.next() * HIDDEN_MS : null);
      // Bursts: several in one batch.
      if (random.chance(0.3)) world.deliver(anyMailbox().mailbox, null);
    });

  often(events.kills, 'SIGKILL', () => world.kill(anySlot()));
  often(events.restarts, '', () => world.restart(anySlot()));
  often(events.pauses, '', () =>
    world.pause(anySlot(), random.next() * 3 * options.ttlMs, random.chance(0.3)),
  );
  often(events.wallClockSteps, 'wall clock steps', () => {
    anySlot().process.wallOffsetMs += (random.next() - 0.5) * 7_200_000;
  });
  often(events.workerKills, 'worker dies', () => random.pick(world.workers).kill(random.next() * 2_000));
  often(events.postgresOutages, 'PostgreSQL stops', () =>
    outage(world, world.postgres.link, random.next() * options.ttlMs * 1.5),
  );
  often(events.redisOutages, 'Redis stops', () =>
    outage(world, world.redis.link, random.next() * options.ttlMs * 1.5),
  );
  often(events.uidValidityChanges, 'UIDVALIDITY changes', () => {
    const { mailbox } = anyMailbox();
    if (world.checks.baselineAt(mailbox) !== null && !mailbox.isGone) mailbox.renumber();
  });
  const absent = (mailbox: MailboxModel, back: () => void): void => {
    if (mailbox.isGone || world.checks.baselineAt(mailbox) === null) return;
    mailbox.disappear();
    scheduler.after(random.next() * 8_000, null, 'folder is back', () => {
      if (mailbox.isGone) back();
    });
  };
  often(events.folderAbsences, 'folder is renamed', () => {
    const { mailbox } = anyMailbox();
    absent(mailbox, () => mailbox.comeBack());
  });
  often(events.folderDeletions, 'folder is deleted', () => {
    const { mailbox } = anyMailbox();
    absent(mailbox, () => mailbox.recreate());
  });
  often(events.folderChoices, 'other folders are chosen', () => {
    change(world, (row) => {
      const folders = world.folderNames();
      const left = folders.filter(() => random.chance(0.5));
      // None would mean the inbox.
      return { ...row, folders: left.length > 0 ? left : folders, configVersion: row.configVersion + 1 };
    });
  });
  often(events.databaseClockSteps, 'clock of PostgreSQL steps', () =>
    world.postgres.stepClock((random.next() - 0.5) * 40_000),
  );
  often(events.redisRefusals, 'Redis is full', () => {
    world.redis.isFull = true;
    scheduler.after(random.next() * options.ttlMs * 1.5, null, 'Redis has room', () => {
      world.redis.isFull = false;
    });
  });
  often(events.holds, 'fetching is held', () => {
    world.hold(true);
    scheduler.after(random.next() * options.ttlMs * 1.5, null, 'fetching goes on', () => world.hold(false));
  });
  often(events.expunges, 'expunge', () => {
    const { mailbox } = anyMailbox();
    // When the UIDs are given anew, only the bytes of a message tell it from others, and of those that share the baseline's second
    // only their number is known: one that is gone by then cannot be told from a new one like it. Limits of the promise, not explored.
    const mayBeMistaken = events.uidValidityChanges + events.folderDeletions > 0;
    const isSafe = (mail: MailModel): boolean =>
      !world.checks.isOld(mail) && world.checks.baselineAt(mailbox) !== null && options.twins === 0;
    const mails = world.visibleMails(mailbox).filter((mail) => !mayBeMistaken || isSafe(mail));
    if (mails.length > 0) mailbox.expunge(random.pick(mails));
  });
  often(events.configChanges, 'settings change', () =>
    change(world, (row) =>
      random.chance(0.5)
        ? { ...row, configVersion: row.configVersion + 1 }
        : { ...row, pokeVersion: row.pokeVersion + 1 },
    ),
  );
  often(events.providerPauses, 'provider is paused', () => {
    change(world, (row) => ({ ...row, isPaused: true }));
    scheduler.after(random.next() * 5_000, null, 'provider goes on', () =>
      change(world, (row) => ({ ...row, isPaused: false })),
    );
  });
  often(events.postgresLosses, 'PostgreSQL loses commits', () => {
    const { postgres } = world;
    if (postgres.restorable > 0) postgres.restore(random.between(1, postgres.restorable));
  });
  often(events.redisLosses, 'Redis loses data', () => {
    const { redis } = world;
    const draw = random.next();
    if (draw < 0.3) redis.loseEverything(random.chance(0.5));
    else if (draw < 0.4) redis.loseGroup();
    else if (draw < 0.5) redis.loseWatermarks();
    // Deleted within seconds of its entries and begun anew by others, it looks as it did: only the slow schedule finds that.
    else if (draw < 0.6 && options.hasAudits) redis.loseStream();
    else if (redis.restorable > 0) redis.loseTail(random.between(1, redis.restorable));
  });
}

/** The server drops its connections and is away for a while. */
function outage(world: FaultyWorld, link: { isDown: boolean; generation: number }, ms: number): void {
  link.isDown = true;
  link.generation += 1;
  world.scheduler.after(ms, null, 'it is back', () => {
    link.isDown = false;
  });
}

/** What the API does: a transaction, and a notice. */
function change(world: FaultyWorld, how: (row: ProviderRow) => ProviderRow): void {
  const { postgres, random } = world;
  const row = random.pick([...postgres.state.providers.values()]);
  postgres.commit((state) => state.providers.set(row.id, how(row)));
  world.notify({ tenant: row.tenant, id: row.id });
}
