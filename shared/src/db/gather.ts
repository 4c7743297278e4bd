/**
 * Gathers calls into few statements: a burst of them costs a few, a single one waits for nobody.
 *
 *     call ──▶ idle: performed at once
 *          └─▶ another is under way, or (paced) began a moment ago ──▶ waits, and is performed with all that wait by then
 *
 * What always holds: one piece of work at a time, so a burst never takes more than one connection; answers come to their calls, in
 * order; when a piece fails, each of its calls fails, and no other.
 */
import type { Clock } from '../domain/time.ts';
import type { TenantId } from '../domain/ids.ts';
import { systemClock } from '../runtime/system-clock.ts';

export interface GatherLimits {
  /** Items of one piece of work. */
  readonly maxItems: number;
  /**
   * From the beginning of one piece of work to that of the next, milliseconds, unless the next is full; 0 unless given. A burst
   * whose work is quick would else be performed nearly one by one, where thousands of folders begin at once (issue 7).
   */
  readonly everyMs?: number;
  readonly clock?: Clock;
}

/**
 * Pace of what each folder asks when it begins, milliseconds: long enough that a crowd of some hundred a second gathers, and no one
 * folder is late by more than a few of them. One that begins alone does not wait.
 */
export const BEGINNING_PACE_MS = 60;

/** @param perform answers in the order of the items */
export function gather<Item, Answer>(
  perform: (items: readonly Item[]) => Promise<readonly Answer[]>,
  { maxItems, everyMs = 0, clock = systemClock }: GatherLimits,
): (item: Item) => Promise<Answer> {
  let waiting: Call<Item, Answer>[] = [];
  let isRunning = false;
  let begunMs = -Infinity;

  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      const earlyMs = begunMs + everyMs - clock.monotonicMs();
      if (earlyMs > 0 && waiting.length < maxItems)
        await new Promise<void>((resolve) => clock.schedule(earlyMs, resolve));
      begunMs = clock.monotonicMs();
      const calls = waiting.slice(0, maxItems);
      waiting = waiting.slice(maxItems);
      try {
        const answers = await perform(calls.map((call) => call.item));
        for (const [index, call] of calls.entries()) call.resolve(answers[index] as Answer);
      } catch (error) {
        for (const call of calls) call.reject(error);
      }
    }
    isRunning = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!isRunning) void run();
    });
}

/**
 * The same for each tenant by itself: a statement sees the rows of one only. Mailboxes of a large tenant that begin at the same
 * moment are asked about together, and hold up nobody else.
 */
export function gatherPerTenant<Item extends { readonly tenant: TenantId }, Answer>(
  perform: (tenant: TenantId, items: readonly Item[]) => Promise<readonly Answer[]>,
  limits: GatherLimits,
): (item: Item) => Promise<Answer> {
  const { everyMs = 0, clock = systemClock } = limits;
  const tenants = new Map<TenantId, { readonly ask: (item: Item) => Promise<Answer>; calls: number }>();
  return async (item) => {
    const { tenant } = item;
    const own = tenants.get(tenant) ?? {
      ask: gather<Item, Answer>((items) => perform(tenant, items), limits),
      calls: 0,
    };
    tenants.set(tenant, own);
    own.calls += 1;
    const leave = (): void => {
      own.calls -= 1;
      if (own.calls === 0) tenants.delete(tenant);
    };
    try {
      return await own.ask(item);
    } finally {
      // Its pace is kept for the next one.
      if (everyMs > 0) clock.schedule(everyMs, leave);
      else leave();
    }
  };
}

interface Call<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}
