/**
 * Everything this process has taken and not settled.
 *
 *     take ─▶ parked ─▶ loading ─▶ waiting ─▶ ready ─▶ running ─▶ settled: forgotten
 *             (id only)            (for its            │
 *               ▲                conversation)         ├─ answers a message that is not processed yet ─▶ asleep, out of its conversation
 *               │ time                                 │                                                   │
 *               ├──────────────────────────────────────┼───────────────────────────────────────────────────┘
 *               │                                      └─ failed, or suspected of killing its process ─▶ asleep, its conversation waits
 *               │                                                                                          │ time
 *               │                                                  running alone, one at a time  ◀─────────┘
 *
 * Invariants
 * - Bodies are few, and a tenant has a share of them (entry-bodies.ts). What is beyond is an id, however much a tenant sends.
 * - Loading follows the order of the stream per tenant, so a conversation is handled in that order (conversation-order.ts).
 * - Behind one that sleeps nobody of its conversation keeps a body: those that sleep cannot use up the tenant's share.
 * - Those that failed take one slot of their own, however many and however slow they are, and tenants take turns there too.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { createConversationOrder } from './conversation-order.ts';
import { conversationKeys } from './core/conversation-keys.ts';
import { createEntryBodies, RELOAD_DELAY_MS } from './entry-bodies.ts';
import { decode, tenantOf } from './entry-decoder.ts';
import type { EntryHandler, Settlement } from './entry-handler.ts';
import { createFairTurns } from './fair-turns.ts';
import { createHeldEntries, type Held } from './held-entries.ts';
import type { EntryHeader, EntryRef, EntrySource, StreamEntry } from './ports.ts';

export interface EntriesInHandOptions {
  readonly source: Pick<EntrySource, 'load'>;
  readonly handle: EntryHandler;
  readonly clock: Clock;
  readonly log: Logger;
  /** Entries handled at the same time, besides one that had failed. */
  readonly concurrency: number;
  readonly tenantConcurrency: number;
  /** Pending entries that were gone from the stream. */
  readonly onGone: (refs: readonly EntryRef[]) => void;
}

export interface EntriesInHand {
  /** Both leave out what is in hand already and return how many were new. Those with bodies were read for the first time by anyone. */
  takeEntries(entries: readonly StreamEntry[]): number;
  takeHeaders(headers: readonly EntryHeader[], isFresh: boolean): number;
  /** Another consumer has them now. One that runs already goes on. */
  forget(refs: readonly EntryRef[]): void;
  refs(): Iterable<EntryRef>;
  size(): number;
  /** Bodies that would find a place now. */
  room(): number;
  /** Nothing is loaded, begun or comes back any more. Resolves when what runs has ended. */
  stop(): Promise<void>;
}

export function createEntriesInHand(options: EntriesInHandOptions): EntriesInHand {
  const { source, handle, clock, log, concurrency, tenantConcurrency } = options;
  const held = createHeldEntries();
  const order = createConversationOrder<Held>();
  const turns = createFairTurns<Held>(concurrency, tenantConcurrency);
  const aloneTurns = createFairTurns<Held>(1, 1);
  const timers = new Set<() => void>();
  const running = new Set<Promise<void>>();
  let isStopped = false;

  const drop = (one: Held): void => {
    if (one.state === 'gone') return;
    one.state = 'gone';
    held.remove(one);
    bodies.free(one);
    leaveOrder(one);
  };

  const leaveOrder = (one: Held): void => {
    for (const freed of order.leave(one)) if (freed.state === 'waiting') makeReady(freed);
  };

  const later = (delayMs: number, action: () => void): void => {
    if (isStopped) return;
    const cancel = clock.schedule(delayMs, () => {
      timers.delete(cancel);
      action();
    });
    timers.add(cancel);
  };

  const track = (work: Promise<void>): void => {
    running.add(work);
    // Not caught on purpose: an error here is a bug of ours and must end the process, not vanish.
    void work.finally(() => running.delete(work));
  };

  const place = (one: Held, entry: StreamEntry): void => {
    const { decoded } = bodies.keep(one, entry);
    if (!order.has(one))
      order.join(one, decoded.kind === 'email' ? conversationKeys(one.tenant, decoded.message.email) : []);
    if (order.mayGo(one)) return makeReady(one);
    one.state = 'waiting';
    if (order.ahead(one).some(({ body }) => body === null)) bodies.free(one);
  };

  /** It gives up its body, and so do those behind it. */
  const withoutBody = (one: Held): void => {
    bodies.free(one);
    for (const next of order.behind(one)) if (next.body !== null) withoutBody(next);
  };

  const makeReady = (one: Held): void => {
    if (one.body === null) return park(one);
    one.state = 'ready';
    turns.add(one.tenant, one);
  };

  const park = (one: Held): void => {
    one.state = 'parked';
    bodies.queueFirst(one);
  };

  const pump = (): void => {
    if (isStopped) return;
    for (let one = turns.take(); one !== undefined; one = turns.take()) track(run(one));
    for (let one = aloneTurns.take(); one !== undefined; one = aloneTurns.take()) track(runAlone(one));
    bodies.feed();
  };

  const run = async (one: Held): Promise<void> => {
    // Not in the stack of the caller, whose loop may go through many.
    await Promise.resolve();
    if (one.state === 'ready' && one.body !== null) {
      one.state = 'running';
      settle(one, await handle(one.body, { ...one, isAlone: false }));
    }
    turns.finish(one.tenant);
    pump();
  };

  const runAlone = async (one: Held): Promise<void> => {
    const entry = one.state === 'asleep' ? await loadAlone(one) : null;
    if (entry !== null && !isStopped) {
      one.state = 'running';
      settle(one, await handle({ entry, decoded: decode(entry) }, { ...one, isAlone: true }));
    }
    aloneTurns.finish(one.tenant);
    pump();
  };

  /** Null when it is gone, or acknowledged by somebody who had taken it over; or when we cannot know now. */
  const loadAlone = async (one: Held): Promise<StreamEntry | null> => {
    try {
      const { entries, gone } = await source.load([one]);
      if (gone.length > 0) options.onGone(gone);
      const [entry] = entries;
      if (entry === undefined) drop(one);
      return entry ?? null;
    } catch (error) {
      log.debug('entry could not be read again', { stream: one.stream, entryId: one.id, error });
      later(RELOAD_DELAY_MS, () => queueAlone(one));
      return null;
    }
  };

  const queueAlone = (one: Held): void => {
    if (one.state !== 'asleep') return;
    aloneTurns.add(one.tenant, one);
    pump();
  };

  const settle = (one: Held, settlement: Settlement): void => {
    if (one.state === 'gone') return;
    if (settlement.kind === 'settled') return drop(one);
    one.state = 'asleep';
    if (settlement.kind === 'abandoned') return;
    one.isFresh = false;
    one.parentWaits = settlement.parentWaits;
    withoutBody(one);
    if (settlement.alone) return later(settlement.delayMs, () => queueAlone(one));
    // What it waits for may be behind it.
    leaveOrder(one);
    later(settlement.delayMs, () => {
      if (one.state === 'asleep') park(one);
      bodies.feed();
    });
  };

  const bodies = createEntryBodies({
    ...options,
    onLoaded: place,
    onMissing: drop,
    onIdle: pump,
    later,
    track,
    isStopped: () => isStopped,
  });

  return {
    takeEntries: (entries) => {
      let count = 0;
      for (const entry of entries) {
        const tenant = tenantOf(entry);
        const one = held.add({ stream: entry.stream, id: entry.id, tenant }, true);
        if (one === null) continue;
        count += 1;
        if (bodies.mayKeepNext(tenant)) place(one, entry);
        else bodies.queue(one);
      }
      pump();
      return count;
    },
    takeHeaders: (headers, isFresh) => {
      let count = 0;
      for (const header of headers) {
        const one = held.add(header, isFresh);
        if (one === null) continue;
        count += 1;
        bodies.queue(one);
      }
      bodies.feed();
      return count;
    },
    forget: (refs) => {
      for (const ref of refs) {
        const one = held.find(ref);
        if (one !== undefined && one.state !== 'running') drop(one);
      }
      pump();
    },
    refs: () => held.all(),
    size: () => held.size(),
    room: () => bodies.room(),
    stop: async () => {
      isStopped = true;
      for (const cancel of timers) cancel();
      timers.clear();
      turns.clear();
      aloneTurns.clear();
      while (running.size > 0) await Promise.all(running);
    },
  };
}
