/**
 * One seed, one world: instances that compete for providers, mail that arrives, a worker, and faults; then the faults stop and
 * everything must come to rest within a bounded time.
 */
import { providerId, tenantId, type ProviderId } from '@mailstream/shared/domain/ids';
import type { ProviderRef } from '../../src/ports/leases.ts';
import { Checks } from './checks.ts';
import { scheduleFaults } from './faults.ts';
import { isAtRest, judge, type Rest, type WatchedMailbox } from './final-checks.ts';
import { createInstance, ownerOf, type Instance, type Slot } from './instance-model.ts';
import { MailboxModel, type MailModel } from './mailbox-model.ts';
import { NO_MUTATIONS, type Mutations } from './mutations.ts';
import { Network } from './network.ts';
import { deriveOptions, NO_FAULTS, type SimulationOptions, type SimulationSettings } from './options.ts';
import { PostgresModel, type ProviderRow } from './postgres-model.ts';
import { ProcessModel } from './process-model.ts';
import { POISON, UNPROCESSABLE } from './processor-port.ts';
import { createRandom, type Random } from './random.ts';
import { RedisModel } from './redis-model.ts';
import { Scheduler } from './scheduler.ts';
import { WorkerModel } from './worker-model.ts';

export interface SimulationRequest extends Partial<SimulationSettings> {
  readonly seed: number;
  readonly trace?: boolean;
  readonly mutations?: Partial<Mutations>;
}

export interface SimulationResult {
  readonly seed: number;
  readonly failure: string | null;
  readonly options: SimulationOptions;
  /** Of the whole schedule: equal for equal runs. */
  readonly digest: number;
  readonly steps: number;
  /** How long it took to come to rest after the faults, virtual milliseconds. */
  readonly restMs: number;
  readonly effects: number;
  readonly requeues: number;
  readonly trace: readonly string[];
}

/** From the end of the faults until nothing is on its way: the longest back-off (60 s), the longest pause of a hole, and room. */
const REST_WITHIN_MS = 240_000;
/** From the end of the faults until no answer of before is on its way. */
const LAST_ANSWERS_MS = 30_000;
const STOP_WITHIN_MS = 30_000;
/** Somebody kills a process that does not stop when asked. */
const PATIENCE_MS = 20_000;
const MOST_STEPS = 200_000;

export class World {
  readonly options: SimulationOptions;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly postgres: PostgresModel;
  readonly redis: RedisModel;
  readonly checks: Checks;
  readonly random: Random;
  readonly workers: readonly WorkerModel[];
  readonly mailboxes: WatchedMailbox[] = [];
  readonly slots: Slot[] = [];
  readonly #mutations: Mutations;
  readonly #storage = new Set<string>();
  readonly #byKey = new Map<string, MailboxModel>();
  /** Processes that were given up on but still run. */
  readonly #strays: { readonly process: ProcessModel; readonly instance: Instance }[] = [];
  #mails = 0;
  #isFaulty = true;
  #isStopping = false;

  constructor(request: SimulationRequest) {
    const losses = request.losses ?? false;
    this.options = deriveOptions(request.seed, { losses });
    this.#mutations = { ...NO_MUTATIONS, ...request.mutations };
    this.random = createRandom(request.seed ^ 0x5bd1_e995);
    this.scheduler = new Scheduler({ trace: request.trace ?? false });
    this.network = new Network(this.scheduler, this.random.fork(), this.options);
    this.network.onCrash = (process) => this.#crashed(process);
    this.postgres = new PostgresModel({ keepsLog: losses, nowMs: () => this.scheduler.nowMs });
    this.redis = new RedisModel({ keepsLog: losses });
    this.checks = new Checks({
      scheduler: this.scheduler,
      postgres: this.postgres,
      mailbox: (id, folder) => this.mailbox(id, folder),
      startFrom: this.options.startFrom,
      folderCount: () => this.options.folders,
      trusting: (id) => this.#trusting(id),
    });
    this.scheduler.afterTurn = () => this.checks.afterTurn();
    this.workers = Array.from(
      { length: this.options.workers },
      (_, index) =>
        new WorkerModel(`worker${index}`, {
          scheduler: this.scheduler,
          network: this.network,
          postgres: this.postgres,
          redis: this.redis,
          random: this.random.fork(),
          mutations: this.#mutations,
        }),
    );
    this.#populate();
  }

  mailbox(id: string, folder: string): MailboxModel {
    const found = this.#byKey.get(`${id}/${folder}`);
    if (found === undefined) throw new Error('the model has no such folder');
    return found;
  }

  async run(): Promise<{ readonly restMs: number }> {
    const { scheduler, checks, options } = this;
    for (const worker of this.workers) worker.start();
    for (let number = 0; number < options.instances; number += 1) this.#addSlot(number);
    scheduleFaults(this);
    const isBroken = (): boolean => {
      if (scheduler.steps > MOST_STEPS) checks.fail('liveness: steps without end');
      return checks.failure !== null;
    };
    await scheduler.run(() => isBroken() || scheduler.nowMs >= options.faultyMs);
    this.#endFaults();
    const rest: Rest = { checks, postgres: this.postgres, redis: this.redis, mailboxes: this.mailboxes };
    let lookAtMs = scheduler.nowMs;
    let isResting = false;
    await scheduler.run(() => {
      if (isBroken()) return true;
      if (scheduler.nowMs < lookAtMs) return false;
      lookAtMs = scheduler.nowMs + 250;
      isResting = isAtRest(rest);
      return isResting || scheduler.nowMs > options.faultyMs + REST_WITHIN_MS;
    });
    const restMs = scheduler.nowMs - options.faultyMs;
    if (checks.failure === null && !isResting)
      checks.fail(`liveness: no rest; ${judge(rest) ?? 'rows unprocessed'}`);
    const wrong = checks.failure === null ? judge(rest) : null;
    if (wrong !== null) checks.fail(wrong);
    await this.#stopAll(isBroken);
    return { restMs };
  }

  /** A message arrives; a hidden one shows after `hiddenMs`. */
  deliver(mailbox: MailboxModel, hiddenMs: number | null, atMs = this.scheduler.nowMs): void {
    const { options, scheduler } = this;
    if (mailbox.isGone) return;
    this.#mails += 1;
    const mail = mailbox.append(
      {
        number: this.#mails,
        content: this.#content(mailbox),
        emailId: options.hasEmailIds ? `E${this.#mails}` : null,
        isHidden: hiddenMs !== null && this.checks.baselineAt(mailbox) !== null,
      },
      atMs,
    );
    scheduler.note(`mail ${mail.number} arrives in ${mailbox.key} as ${mailbox.uidValidity}/${mail.uid}`);
    if (mail.visibleAtMs === Infinity)
      scheduler.after(hiddenMs ?? 0, null, `mail ${mail.number} shows`, () =>
        mailbox.reveal(mail, scheduler.nowMs),
      );
  }

  /** New bytes, or those of a message that is still there. */
  #content(mailbox: MailboxModel): string {
    const { random, options, scheduler } = this;
    const present = mailbox.visible(scheduler.nowMs);
    if (options.twins > 0 && present.length > 0 && random.chance(options.twins))
      return random.pick(present).content;
    const isPoison = options.poison > 0 && random.chance(options.poison);
    const isUnprocessable = options.unprocessable > 0 && random.chance(options.unprocessable);
    return `${isPoison ? POISON : ''}${isUnprocessable ? UNPROCESSABLE : ''} mail${this.#mails}`;
  }

  visibleMails(mailbox: MailboxModel): readonly MailModel[] {
    return mailbox.visible(this.scheduler.nowMs);
  }

  /** SIGKILL, and a new process a while later. */
  kill(slot: Slot): void {
    if (slot.process.isAlive) this.#crashed(slot.process);
  }

  /** SIGTERM; when it has stopped a new process starts. */
  restart(slot: Slot): void {
    const { process, instance } = slot;
    if (!process.isAlive) return;
    this.scheduler.note(`${process.name} is asked to stop`);
    const end = (): void => {
      if (!process.isAlive) return;
      process.kill(false);
      this.#startLater(slot, process);
    };
    this.scheduler.after(0, process, 'SIGTERM', () => void instance.stop().then(end));
    this.scheduler.after(PATIENCE_MS, null, '', end);
  }

  /** SIGSTOP; perhaps somebody gives the process up and starts another, and it goes on all the same. */
  pause(slot: Slot, ms: number, isReplaced: boolean): void {
    const { process } = slot;
    this.scheduler.note(`${process.name} is paused for ${ms.toFixed(0)} ms`);
    // Nobody is paused longer than the faults last.
    process.pausedUntilMs = Math.min(this.scheduler.nowMs + ms, this.options.faultyMs);
    if (!isReplaced || !process.isAlive) return;
    this.#strays.push({ process, instance: slot.instance });
    this.#start(slot);
  }

  notify(ref: ProviderRef): void {
    const { network, scheduler, random } = this;
    for (const { process, instance } of this.slots) {
      if (!process.isAlive || !instance.isListening()) continue;
      if (network.rates.noticeLost > 0 && random.chance(network.rates.noticeLost)) continue;
      scheduler.after(network.delayMs(), process, 'notice', () => instance.supervisor.noticed(ref));
    }
  }

  folderNames(): readonly string[] {
    return Array.from({ length: this.options.folders }, (_, index) =>
      index === 0 ? 'INBOX' : `Box${index}`,
    );
  }

  /** Back-pressure stops all fetching, or lets it go on. */
  hold(isHeld: boolean): void {
    if (this.redis.isHeld === isHeld) return;
    this.redis.isHeld = isHeld;
    for (const { process, instance } of this.slots)
      this.scheduler.after(this.random.next() * 1_000, process, 'pressure changed', () =>
        instance.pressureChanged(),
      );
  }

  get isFaulty(): boolean {
    return this.#isFaulty;
  }

  #populate(): void {
    const { options, postgres } = this;
    for (let number = 1; number <= options.providers; number += 1) {
      const tenant = tenantId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);
      const id = providerId(`00000000-0000-4000-9000-${String(number).padStart(12, '0')}`);
      const folders = this.folderNames();
      postgres.state.providers.set(id, {
        tenant,
        id,
        folders,
        leaseOwner: null,
        leaseEpoch: 0,
        leaseExpiresAtMs: 0,
        folderState: new Map(),
        configVersion: 1,
        pokeVersion: 0,
        isPaused: false,
      });
      for (const folder of folders) {
        const key = `${id}/${folder}`;
        const mailbox = new MailboxModel(`${number}/${folder}`, 10 + number);
        this.#byKey.set(key, mailbox);
        this.mailboxes.push({ tenant, providerId: id, folder, mailbox });
        for (let count = options.initialMessages; count > 0; count -= 1)
          this.deliver(mailbox, null, options.startFrom.kind === 'now' ? 0 : -count * 40_000_000);
      }
    }
  }

  #addSlot(number: number): void {
    const slot = { number, starts: 0 } as Slot;
    this.slots.push(slot);
    this.#start(slot);
  }

  #start(slot: Slot): void {
    slot.starts += 1;
    const process = new ProcessModel(`d${slot.number}.${slot.starts}`, this.scheduler);
    slot.process = process;
    slot.instance = createInstance(
      {
        process,
        scheduler: this.scheduler,
        network: this.network,
        postgres: this.postgres,
        redis: this.redis,
        random: this.random.fork(),
        checks: this.checks,
        mutations: this.#mutations,
        options: this.options,
        storage: this.#storage,
        mailbox: (id, folder) => this.mailbox(id, folder),
        notify: (ref) => this.notify(ref),
      },
      ownerOf(slot.number, slot.starts, this.#mutations.sameOwner),
    );
    const { instance } = slot;
    this.scheduler.after(this.random.next() * 20, process, 'start', () => {
      if (!this.#isStopping) void instance.start();
    });
  }

  #crashed(process: ProcessModel): void {
    this.scheduler.note(`${process.name} dies`);
    process.kill(this.random.chance(0.5));
    for (const { mailbox } of this.mailboxes)
      for (const session of [...mailbox.sessions]) session.processDied(process);
    const slot = this.slots.find((other) => other.process === process);
    if (slot !== undefined) this.#startLater(slot, process);
  }

  #startLater(slot: Slot, after: ProcessModel): void {
    const delayMs = this.#isFaulty ? this.random.next() * 4_000 : 100;
    this.scheduler.after(delayMs, null, '', () => {
      if (slot.process === after && !this.#isStopping) this.#start(slot);
    });
  }

  #trusting(id: ProviderId): readonly { readonly process: ProcessModel; readonly untilMs: number }[] {
    const found: { process: ProcessModel; untilMs: number }[] = [];
    for (const { process, instance } of [...this.slots, ...this.#strays]) {
      if (!process.isAlive) continue;
      for (const { ref, state } of instance.supervisor.runners()) {
        if (ref.id !== id) continue;
        if (state.kind === 'held' || (state.kind === 'quiescing' && state.ours === 'yes'))
          found.push({ process, untilMs: state.trustedUntilMs });
      }
    }
    return found;
  }

  #endFaults(): void {
    const { scheduler, network, postgres, redis } = this;
    scheduler.note('the faults end');
    this.#isFaulty = false;
    network.rates = NO_FAULTS;
    postgres.link.isDown = false;
    redis.link.isDown = false;
    redis.isFull = false;
    this.hold(false);
    for (const row of postgres.state.providers.values())
      postgres.commit((state) => state.providers.set(row.id, this.#asWished(row)));
    // Strays are ended by their orchestrator at last.
    for (const { process } of this.#strays)
      scheduler.after(2_000, null, '', () => process.isAlive && process.kill(true));
    for (const { mailbox } of this.mailboxes) {
      mailbox.comeBack();
      for (const mail of mailbox.messages) mailbox.reveal(mail, scheduler.nowMs);
    }
    const { folderAbsences, folderDeletions } = this.options.events;
    if (folderAbsences + folderDeletions > 0) this.#askToLook();
  }

  /** A missing folder is looked for again within the hour: here a person asks, when the last answers from before are in. */
  #askToLook(): void {
    const { postgres, scheduler } = this;
    scheduler.after(LAST_ANSWERS_MS, null, 'a person asks to look', () => {
      for (const row of postgres.state.providers.values())
        postgres.commit((state) => state.providers.set(row.id, { ...row, pokeVersion: row.pokeVersion + 1 }));
    });
  }

  /** Not paused, with all its folders watched. */
  #asWished(row: ProviderRow): ProviderRow {
    const folders = this.folderNames();
    const isWhole = row.folders.length === folders.length;
    return {
      ...row,
      isPaused: false,
      folders,
      configVersion: row.configVersion + (isWhole ? 0 : 1),
    };
  }

  /** Every process stops when asked, and leaves no timer behind. */
  async #stopAll(isBroken: () => boolean): Promise<void> {
    if (isBroken()) return;
    const { scheduler, checks } = this;
    this.#isStopping = true;
    const running = new Set<ProcessModel>();
    for (const { process, instance } of this.slots) {
      if (!process.isAlive) continue;
      running.add(process);
      scheduler.after(0, process, 'SIGTERM', () => void instance.stop().then(() => running.delete(process)));
    }
    // One that was asked before ends by itself.
    const haveStopped = (): boolean => [...running].every((process) => !process.isAlive);
    const endsAtMs = scheduler.nowMs + STOP_WITHIN_MS;
    await scheduler.run(() => isBroken() || haveStopped() || scheduler.nowMs > endsAtMs);
    if (!haveStopped())
      return checks.fail(`stop: ${[...running].map(({ name }) => name).join()} does not stop`);
    const restsAtMs = scheduler.nowMs + 6_000;
    await scheduler.run(() => isBroken() || scheduler.nowMs > restsAtMs);
    for (const { process } of this.slots)
      if (process.isAlive && process.timers > 0)
        checks.fail(`stop: ${process.name} leaves ${process.timers} timers`);
  }
}

export async function simulate(request: SimulationRequest): Promise<SimulationResult> {
  const world = new World(request);
  const { restMs } = await world.run();
  return {
    seed: request.seed,
    failure: world.checks.failure,
    options: world.options,
    digest: world.scheduler.digest,
    steps: world.scheduler.steps,
    restMs,
    effects: world.postgres.state.effects.length,
    requeues: world.checks.requeues,
    trace: world.scheduler.lastLines,
  };
}
