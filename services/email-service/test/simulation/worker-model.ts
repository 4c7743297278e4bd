/**
 * A small workflow worker: reads in its group, makes the effect with its gate and the ledger's `processed` in one transaction,
 * acknowledges. It dies anywhere; what it had in hand stays pending and is taken over.
 */
import type { Mutations } from './mutations.ts';
import type { Network } from './network.ts';
import type { PostgresModel } from './postgres-model.ts';
import type { Random } from './random.ts';
import type { RedisModel, StreamEntryModel } from './redis-model.ts';
import type { Scheduler } from './scheduler.ts';

export interface WorkerContext {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly postgres: PostgresModel;
  readonly redis: RedisModel;
  readonly random: Random;
  readonly mutations: Mutations;
}

/** An entry left alone this long is anyone's. */
const VISIBILITY_MS = 3_000;
const READ_EVERY_MS = 120;
const RETRY_MS = 200;
/** An entry that fails this often becomes a dead letter. */
const MAX_ATTEMPTS = 3;

export class WorkerModel {
  readonly #context: WorkerContext;
  readonly #inHand = new Map<number, StreamEntryModel>();
  /** Of entries that no worker can apply. */
  readonly #attempts = new Map<number, number>();
  readonly #name: string;
  /** Grows at each death: what the dead one had planned does not happen. */
  #life = 0;

  constructor(name: string, context: WorkerContext) {
    this.#name = name;
    this.#context = context;
  }

  get isIdle(): boolean {
    return this.#inHand.size === 0;
  }

  start(): void {
    this.#after(READ_EVERY_MS, () => this.#look());
  }

  /** It starts again after `downMs`. */
  kill(downMs: number): void {
    this.#life += 1;
    this.#inHand.clear();
    this.#after(downMs, () => this.#look());
  }

  #after(delayMs: number, action: () => void): void {
    const life = this.#life;
    this.#context.scheduler.after(delayMs, null, '', () => {
      if (this.#life === life) action();
    });
  }

  #look(): void {
    const { redis, random, scheduler } = this.#context;
    this.#after(READ_EVERY_MS * (0.5 + random.next()), () => this.#look());
    if (redis.link.isDown) return;
    const group = (redis.state.group ??= { lastDelivered: 0, pending: new Map() });
    for (const [id, { consumer, sinceMs }] of group.pending) {
      const isOurs = consumer === this.#name && this.#inHand.has(id);
      if (isOurs) group.pending.set(id, { consumer, sinceMs: scheduler.nowMs });
      else if (scheduler.nowMs - sinceMs >= VISIBILITY_MS)
        this.#take(
          redis.state.entries.find((e) => e.id === id),
          id,
        );
    }
    const fresh = redis.state.entries.filter((entry) => entry.id > group.lastDelivered).slice(0, 3);
    for (const entry of fresh) {
      redis.remember();
      group.lastDelivered = entry.id;
      this.#take(entry, entry.id);
    }
  }

  #take(entry: StreamEntryModel | undefined, id: number): void {
    const { redis, scheduler, network, mutations } = this.#context;
    // Its consumer is gone and so is the entry: nothing can be done here.
    if (entry === undefined) return void redis.state.group?.pending.delete(id);
    redis.state.group?.pending.set(id, { consumer: this.#name, sinceMs: scheduler.nowMs });
    this.#inHand.set(id, entry);
    if (mutations.earlyAcknowledgement) this.#acknowledge(entry);
    this.#after(network.delayMs(), () => this.#apply(entry));
  }

  #apply(entry: StreamEntryModel): void {
    const { postgres, network, random, scheduler } = this.#context;
    const { rates } = network;
    const draw = random.next();
    const isRefused = postgres.link.isDown || draw < rates.refused;
    if (entry.isUnprocessable && !isRefused && this.#countAttempt(entry) < MAX_ATTEMPTS)
      return this.#after(RETRY_MS, () => this.#apply(entry));
    if (!isRefused) this.#transact(entry);
    if (scheduler.isTracing)
      scheduler.note(`${this.#name} applies entry ${entry.id}: ${isRefused ? 'refused' : 'done'}`);
    if (rates.crash > 0 && random.chance(rates.crash)) return this.kill(1_000);
    if (isRefused || draw < rates.refused + rates.unknown) this.#after(RETRY_MS, () => this.#apply(entry));
    else this.#after(network.delayMs(), () => this.#acknowledge(entry));
  }

  #countAttempt({ id }: StreamEntryModel): number {
    const count = (this.#attempts.get(id) ?? 0) + 1;
    this.#attempts.set(id, count);
    return count;
  }

  #transact({ eventId, isUnprocessable }: StreamEntryModel): void {
    const { postgres, mutations } = this.#context;
    postgres.commit((state) => {
      if (isUnprocessable) {
        for (const row of state.rows.values())
          if (row.eventId === eventId && (row.status === 'received' || row.status === 'published'))
            state.rows.set(row.key, { ...row, status: 'dead_letter', reason: 'UNPROCESSABLE' });
        return;
      }
      if (!state.gate.has(eventId) || mutations.noGate) {
        state.gate.add(eventId);
        state.effects.push(eventId);
      }
      for (const row of state.rows.values()) {
        if (row.eventId !== eventId || row.status === 'processed') continue;
        const reason = row.status === 'dead_letter' ? null : row.reason;
        state.rows.set(row.key, { ...row, status: 'processed', reason });
      }
    });
  }

  #acknowledge(entry: StreamEntryModel): void {
    const { redis } = this.#context;
    if (redis.link.isDown) return this.#after(RETRY_MS, () => this.#acknowledge(entry));
    redis.remember();
    redis.state.group?.pending.delete(entry.id);
    this.#inHand.delete(entry.id);
  }
}
