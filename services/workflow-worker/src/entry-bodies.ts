/**
 * Bodies of entries in hand: few, shared fairly by tenants, loaded in the order of the stream.
 *
 * Each tenant has a line of ids and a share of the bodies. A tenant that has ids and room is hungry; hungry tenants take turns, and of
 * each one load is under way at a time: a second one could overtake it.
 */
import type { Logger } from '@mailstream/shared/runtime/logger';
import { decode } from './entry-decoder.ts';
import type { Held } from './held-entries.ts';
import type { EntryRef, EntrySource, StreamEntry } from './ports.ts';
import { createWaitingIds, type WaitingIds } from './waiting-ids.ts';

export interface EntryBodiesOptions {
  readonly source: Pick<EntrySource, 'load'>;
  readonly log: Logger;
  readonly concurrency: number;
  readonly tenantConcurrency: number;
  /** Pending entries that were gone from the stream. */
  readonly onGone: (refs: readonly EntryRef[]) => void;
  /** Of one that is still `loading`. */
  readonly onLoaded: (one: Held, entry: StreamEntry) => void;
  /** It is gone, or another's. */
  readonly onMissing: (one: Held) => void;
  /** After each load, whatever came of it. */
  readonly onIdle: () => void;
  readonly later: (delayMs: number, action: () => void) => void;
  readonly track: (work: Promise<void>) => void;
  readonly isStopped: () => boolean;
}

export interface EntryBodies {
  /** At its place in the line of its tenant. */
  queue(one: Held): void;
  /** Before all others of its tenant. */
  queueFirst(one: Held): void;
  /** A body that is here already may be kept: nobody of the tenant is in front of it, and there is room. */
  mayKeepNext(tenant: string): boolean;
  keep(one: Held, entry: StreamEntry): NonNullable<Held['body']>;
  free(one: Held): void;
  /** Begins loads, as far as there is room. */
  feed(): void;
  /** Bodies that would find a place now. */
  room(): number;
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
export const RELOAD_DELAY_MS = 200;

export function createEntryBodies(options: EntryBodiesOptions): EntryBodies {
  const { source, log, onGone, onLoaded, onMissing, onIdle, later, track, isStopped } = options;
  const mostBodies = options.concurrency * BODIES_PER_SLOT;
  const mostOfTenant = options.tenantConcurrency * TENANT_BODIES_PER_SLOT;
  const shares = new Map<string, Share>();
  /** Tenants with ids to load, in the order of their turns. */
  const hungry: string[] = [];
  let bodies = 0;

  const shareOf = (tenant: string): Share => {
    const known = shares.get(tenant);
    if (known !== undefined) return known;
    const share = { ids: createWaitingIds<Held>(), bodies: 0, isLoading: false, isHungry: false };
    shares.set(tenant, share);
    return share;
  };

  const count = (tenant: string, by: number): void => {
    bodies += by;
    shareOf(tenant).bodies += by;
    if (by < 0) feedSoon(tenant);
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
    while (!isStopped() && bodies < mostBodies) {
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
      count(tenant, picked.length);
      track(load(tenant, share, picked));
    }
  };

  const load = async (tenant: string, share: Share, picked: readonly Held[]): Promise<void> => {
    try {
      const { entries, gone } = await source.load(picked);
      const found = new Map(entries.map((entry) => [`${entry.stream} ${entry.id}`, entry]));
      share.isLoading = false;
      count(tenant, -picked.length);
      for (const one of picked) {
        const entry = found.get(`${one.stream} ${one.id}`);
        if (entry === undefined) onMissing(one);
        else if (one.state === 'loading') onLoaded(one, entry);
      }
      if (gone.length > 0) onGone(gone);
    } catch (error) {
      log.debug('entries could not be loaded', { count: picked.length, error });
      for (const one of picked) {
        if (one.state !== 'loading') continue;
        one.state = 'parked';
        share.ids.add(one);
      }
      count(tenant, -picked.length);
      // Until then nothing else of this tenant is loaded: it would overtake these.
      later(RELOAD_DELAY_MS, () => {
        share.isLoading = false;
        feedSoon(tenant);
        feed();
      });
    }
    feedSoon(tenant);
    onIdle();
  };

  return {
    queue: (one) => {
      shareOf(one.tenant).ids.add(one);
      feedSoon(one.tenant);
    },
    queueFirst: (one) => {
      shareOf(one.tenant).ids.addFirst(one);
      feedSoon(one.tenant);
    },
    mayKeepNext: (tenant) => {
      const share = shareOf(tenant);
      const isNext = share.ids.isEmpty() && !share.isLoading;
      return isNext && share.bodies < mostOfTenant && bodies < mostBodies;
    },
    keep: (one, entry) => {
      const body = { entry, decoded: decode(entry) };
      one.body = body;
      count(one.tenant, 1);
      return body;
    },
    free: (one) => {
      if (one.body === null) return;
      one.body = null;
      count(one.tenant, -1);
    },
    feed,
    room: () => Math.max(0, mostBodies - bodies),
  };
}
