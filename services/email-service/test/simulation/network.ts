/**
 * Calls of a process to a store. Each travels, takes effect at one moment, and its reply travels back; faults strike anywhere:
 * refused, effect without a good reply, effect after the error, death of the caller.
 */
import type { FaultError } from '@mailstream/shared/errors/fault-error';
import type { SimulationOptions, FaultRates } from './options.ts';
import type { ProcessModel } from './process-model.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** The way to one server. */
export interface Link {
  readonly name: string;
  /** What callers see when it does not answer. */
  readonly error: () => FaultError;
  /** Longest a call may take before its caller gives up, milliseconds. */
  readonly deadlineMs: number;
  isDown: boolean;
  /** Grows when the server drops its connections: replies of older calls never come. */
  generation: number;
}

type Fate = 'good' | 'refused' | 'unknown' | 'late';

export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #options: SimulationOptions;
  /** Kills the process; set by the world. */
  onCrash: (process: ProcessModel) => void = () => undefined;
  rates: FaultRates;

  constructor(scheduler: Scheduler, random: Random, options: SimulationOptions) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#options = options;
    this.rates = options.rates;
  }

  /** Milliseconds of one way. */
  delayMs(): number {
    const random = this.#random;
    const draw = random.next();
    if (this.rates.slow > 0 && draw < this.rates.slow) return random.next() * 1.5 * this.#options.ttlMs;
    return draw < 0.9 ? 0.2 + random.next() * 4 : random.next() * 60;
  }

  call<T>(process: ProcessModel, link: Link, name: string, effect: () => T): Promise<T> {
    const scheduler = this.#scheduler;
    return new Promise<T>((resolve, reject) => {
      const fate = this.#fate();
      const { generation } = link;
      const fail = (delayMs: number): void => {
        scheduler.after(delayMs, process, `${name} fails`, () => reject(link.error()));
      };
      const travelMs = this.delayMs();
      if (fate === 'refused') return fail(Math.min(travelMs, link.deadlineMs));
      const isLate = fate === 'late' || travelMs > link.deadlineMs;
      if (isLate) fail(Math.min(travelMs * this.#random.next(), link.deadlineMs));
      scheduler.after(isLate ? travelMs * 3 : travelMs, null, '', () => {
        if (process.isCut) return;
        if (link.isDown || link.generation !== generation) {
          if (!isLate) fail(this.delayMs());
          return;
        }
        const outcome = attempt(effect);
        if (scheduler.isTracing) scheduler.note(`  ${process.name} ${name} → ${fate} ${describe(outcome)}`);
        if (this.rates.crash > 0 && this.#random.chance(this.rates.crash)) return this.onCrash(process);
        if (isLate) return;
        if (fate === 'unknown') return fail(this.delayMs());
        const backMs = this.delayMs();
        if (travelMs + backMs > link.deadlineMs) return fail(Math.max(0, link.deadlineMs - travelMs));
        scheduler.after(backMs, process, `${name} replies`, () => {
          if (link.generation !== generation) reject(link.error());
          else if (outcome.kind === 'value') resolve(outcome.value);
          else reject(outcome.error);
        });
      });
    });
  }

  #fate(): Fate {
    const { refused, unknown, late } = this.rates;
    if (refused + unknown + late === 0) return 'good';
    const draw = this.#random.next();
    if (draw < refused) return 'refused';
    if (draw < refused + unknown) return 'unknown';
    return draw < refused + unknown + late ? 'late' : 'good';
  }
}

type Outcome<T> =
  { readonly kind: 'value'; readonly value: T } | { readonly kind: 'error'; readonly error: Error };

export function attempt<T>(effect: () => T): Outcome<T> {
  try {
    return { kind: 'value', value: effect() };
  } catch (error) {
    return { kind: 'error', error: error instanceof Error ? error : new Error(String(error)) };
  }
}

export function describe(outcome: Outcome<unknown>): string {
  if (outcome.kind === 'error') return outcome.error.message;
  const { value } = outcome;
  const plain: unknown =
    value instanceof Map ? [...value] : value instanceof Set ? [...(value as Set<unknown>)] : value;
  return (JSON.stringify(plain) ?? '').slice(0, 300);
}
