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
 * - Bodies are few: `mostBodies` in all and a share of them per tenant. What is beyond is an id, however much a tenant sends.
 * - Loading follows the order of the stream per tenant, so a conversation is handled in that order (conversation-order.ts).
 * - Behind one that sleeps nobody of its conversation keeps a body: those that sleep cannot use up the tenant's share.
 * - Those that failed take one slot of their own, however many and however slow they are, and tenants take turns there too.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { createConversationOrder } from './conversation-order.ts';
import { conversationKeys } from './core/conversation-keys.ts';
import { decode, tenantOf, type DecodedEntry } from './entry-decoder.ts';
import type { EntryHandler, Settlement } from './entry-handler.ts';
import { createFairTurns } from './fair-turns.ts';
import type { EntryHeader, EntryRef, EntrySource, StreamEntry } from './ports.ts';
import { createWaitingIds, type WaitingIds } from './waiting-ids.ts';

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

interface Held extends EntryRef {
  readonly tenant: string;
  isFresh: boolean;
  parentWaits: number;
  state: 'parked' | 'loading' | 'waiting' | 'ready' | 'running' | 'asleep' | 'gone';
  body: { readonly entry: StreamEntry; readonly decoded: DecodedEntry } | null;
}

interface Share {
  readonly ids: WaitingIds<Held>;
  bodies: number;
  isLoading: boolean;
  isHungry: boolean;
}

/** Bodies in hand per slot: enough that no slot waits for a load, few enough that memory stays small. */
const BODIES_PER_SLOT = 8;
/** The same of one tenant: room to find conversations that may go side by side. */
const TENANT_BODIES_PER_SLOT = 4;
const RELOAD_DELAY_MS = 200;

export function createEntriesInHand(options: EntriesInHandOptions): EntriesInHand {
  const { source, handle, clock, log, concurrency, tenantConcurrency } = options;
  const mostBodies = concurrency * BODIES_PER_SLOT;
  const mostOfTenant = tenantConcurrency * TENANT_BODIES_PER_SLOT;
  const held = new Map<string, Map<string, Held>>();
  const shares = new Map<string, Share>();
  /** Tenants with ids to load, in the order of their turns. */
  const hungry: string[] = [];
  const order = createConversationOrder<Held>();
  const turns = createFairTurns<Held>(concurrency, tenantConcurrency);
  const aloneTurns = createFairTurns<Held>(1, 1);
  const timers = new Set<() => void>();
  const running = new Set<Promise<void>>();
  let bodies = 0;
  let size = 0;
  let isStopped = false;

  const shareOf = (tenant: string): Share => {
    const known = shares.get(tenant);
    if (known !== undefined) return known;
    const share = { ids: createWaitingIds<Held>(), bodies: 0, isLoading: false, isHungry: false };
    shares.set(tenant, share);
    return share;
  };

  const add = ({ stream, id, tenant }: EntryHeader, isFresh: boolean): Held | null => {
    const ofStream = held.get(stream) ?? new Map<string, Held>();
    if (ofStream.has(id)) return null;
    const one: Held = { stream, id, tenant, isFresh, parentWaits: 0, state: 'parked', body: null };
    ofStream.set(id, one);
    held.set(stream, ofStream);
    size += 1;
    return one;
  };

  const drop = (one: Held): void => {
    if (one.state === 'gone') return;
    one.state = 'gone';
    held.get(one.stream)?.delete(one.id);
    size -= 1;
    freeBody(one);
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

  // --- Bodies

  const countBodies = (tenant: string, by: number): void => {
    bodies += by;
    shareOf(tenant).bodies += by;
    if (by < 0) feedSoon(tenant);
  };

  const freeBody = (one: Held): void => {
    if (one.body === null) return;
    one.body = null;
    countBodies(one.tenant, -1);
  };

  const feedSoon = (tenant: string): void => {
    const share = shareOf(tenant);
    if (share.ids.isEmpty()) {
      if (share.bodies === 0 && !share.isLoading) shares.delete(tenant);
      return;
    }
    if (share.isHungry || share.isLoading || share.bodies >= mostOfTenant) return;
    share.isHungry = true;
    hungry.push(tenant);
  };

  const feed = (): void => {
    while (!isStopped && bodies < mostBodies) {
      const tenant = hungry.shift();
      if (tenant === undefined) return;
      const share = shareOf(tenant);
      share.isHungry = false;
      const room = Math.min(mostOfTenant - share.bodies, mostBodies - bodies);
      const picked = share.ids.take(room).filter(({ state }) => state === 'parked');
      if (picked.length === 0) {
        feedSoon(tenant);
        continue;
      }
      for (const one of picked) one.state = 'loading';
      share.isLoading = true;
      countBodies(tenant, picked.length);
      track(load(tenant, share, picked));
    }
  };

  const load = async (tenant: string, share: Share, picked: readonly Held[]): Promise<void> => {
    try {
      const { entries, gone } = await source.load(picked);
      const found = new Map(entries.map((entry) => [`${entry.stream} ${entry.id}`, entry]));
      share.isLoading = false;
      countBodies(tenant, -picked.length);
      for (const one of picked) {
        const entry = found.get(`${one.stream} ${one.id}`);
        if (entry === undefined) drop(one);
        else if (one.state === 'loading') place(one, entry);
      }
      if (gone.length > 0) options.onGone(gone);
    } catch (error) {
      log.debug('entries could not be loaded', { count: picked.length, error });
      for (const one of picked) {
        if (one.state !== 'loading') continue;
        one.state = 'parked';
        share.ids.add(one);
      }
      countBodies(tenant, -picked.length);
      // Until then nothing else of this tenant is loaded: it would overtake these.
      later(RELOAD_DELAY_MS, () => {
        share.isLoading = false;
        feedSoon(tenant);
        feed();
      });
    }
    feedSoon(tenant);
    pump();
  };

  const place = (one: Held, entry: StreamEntry): void => {
    one.body = { entry, decoded: decode(entry) };
    countBodies(one.tenant, 1);
    if (!order.has(one)) {
      const { decoded } = one.body;
      order.join(one, decoded.kind === 'email' ? conversationKeys(one.tenant, decoded.message.email) : []);
    }
    if (order.mayGo(one)) return makeReady(one);
    one.state = 'waiting';
    if (order.ahead(one).some(({ body }) => body === null)) freeBody(one);
  };

  /** It gives up its body, and so do those behind it. */
  const withoutBody = (one: Held): void => {
    freeBody(one);
    for (const next of order.behind(one)) if (next.body !== null) withoutBody(next);
  };

  // --- Handling

  const makeReady = (one: Held): void => {
    if (one.body === null) return park(one);
    one.state = 'ready';
    turns.add(one.tenant, one);
  };

  const park = (one: Held): void => {
    one.state = 'parked';
    shareOf(one.tenant).ids.addFirst(one);
    feedSoon(one.tenant);
  };

  const pump = (): void => {
    if (isStopped) return;
    for (let one = turns.take(); one !== undefined; one = turns.take()) track(run(one));
    for (let one = aloneTurns.take(); one !== undefined; one = aloneTurns.take()) track(runAlone(one));
    feed();
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
      feed();
    });
  };

  const track = (work: Promise<void>): void => {
    running.add(work);
    // Not caught on purpose: an error here is a bug of ours and must end the process, not vanish.
    void work.finally(() => running.delete(work));
  };

  return {
    takeEntries: (entries) => {
      let count = 0;
      for (const entry of entries) {
        const tenant = tenantOf(entry);
        const one = add({ stream: entry.stream, id: entry.id, tenant }, true);
        if (one === null) continue;
        count += 1;
        const share = shareOf(tenant);
        // Those in front of it are loaded first.
        const isNext = share.ids.isEmpty() && !share.isLoading;
        if (isNext && share.bodies < mostOfTenant && bodies < mostBodies) place(one, entry);
        else share.ids.add(one);
        feedSoon(tenant);
      }
      pump();
      return count;
    },
    takeHeaders: (headers, isFresh) => {
      let count = 0;
      for (const header of headers) {
        const one = add(header, isFresh);
        if (one === null) continue;
        count += 1;
        shareOf(one.tenant).ids.add(one);
        feedSoon(one.tenant);
      }
      feed();
      return count;
    },
    forget: (refs) => {
      for (const { stream, id } of refs) {
        const one = held.get(stream)?.get(id);
        if (one !== undefined && one.state !== 'running') drop(one);
      }
      pump();
    },
    refs: function* () {
      for (const ofStream of held.values()) yield* ofStream.values();
    },
    size: () => size,
    room: () => Math.max(0, mostBodies - bodies),
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
