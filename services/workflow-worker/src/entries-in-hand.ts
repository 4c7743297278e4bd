/**
 * Everything this process has taken and not settled: where it runs, and when it comes back.
 *
 *     take ─▶ lane of its tenant ─▶ settled ─▶ forgotten
 *               ▲          │
 *               │ time     ├─ waits for its parent ─▶ only its id is kept
 *               └──────────┼──────────────────────────────┘
 *                          └─ failed, or suspected of killing its process ─▶ only its id is kept
 *                                                                                │ time
 *                                 lane of suspects, one at a time  ◀─────────────┘
 *
 * Suspects wait as ids, outside of the lanes: however many there are and however slow, they take one slot and hold up no reading.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { EntryHandler, Settlement, Visit } from './entry-handler.ts';
import type { OrderedLanes } from './ordered-lanes.ts';
import type { EntryRef, EntrySource, StreamEntry } from './ports.ts';

export interface EntriesInHand {
  /** Those in hand already are left out. @param isFresh see `Visit`. @returns how many were new. */
  take(entries: readonly StreamEntry[], isFresh: boolean): number;
  refs(): readonly EntryRef[];
  size(): number;
  /** Nothing comes back any more. */
  stop(): void;
}

interface Held extends EntryRef {
  parentWaits: number;
}

const SUSPECTS = 'suspects';
const REREAD_DELAY_MS = 200;

export function createEntriesInHand(options: {
  readonly source: EntrySource;
  readonly handle: EntryHandler;
  readonly lanes: OrderedLanes;
  readonly clock: Clock;
  readonly log: Logger;
}): EntriesInHand {
  const { source, handle, lanes, clock, log } = options;
  const held = new Map<string, Held>();
  const suspects: Held[] = [];
  const timers = new Set<() => void>();
  let isSuspectRunning = false;
  let isStopped = false;

  const enter = (entry: StreamEntry, visit: Visit): void => {
    lanes.add(visit.isAlone ? SUSPECTS : laneOf(entry), async () => {
      const settlement = await handle(entry, visit);
      if (visit.isAlone) isSuspectRunning = false;
      settle(keyOf(entry), settlement);
      nextSuspect();
    });
  };

  const settle = (key: string, settlement: Settlement): void => {
    const ref = held.get(key);
    if (ref === undefined || settlement.kind === 'abandoned') return;
    if (settlement.kind === 'settled') return void held.delete(key);
    ref.parentWaits = settlement.parentWaits;
    later(settlement.delayMs, () => {
      if (!settlement.alone) return void again(ref, false);
      suspects.push(ref);
      nextSuspect();
    });
  };

  const later = (delayMs: number, action: () => void): void => {
    if (isStopped) return;
    const cancel = clock.schedule(delayMs, () => {
      timers.delete(cancel);
      action();
    });
    timers.add(cancel);
  };

  const nextSuspect = (): void => {
    if (isSuspectRunning || isStopped) return;
    const ref = suspects.shift();
    if (ref === undefined) return;
    isSuspectRunning = true;
    void again(ref, true);
  };

  const again = async (ref: Held, isAlone: boolean): Promise<void> => {
    let entry: StreamEntry | undefined;
    try {
      [entry] = await source.reread([ref]);
    } catch (error) {
      log.debug('entry could not be read again', { stream: ref.stream, entryId: ref.id, error });
      return later(REREAD_DELAY_MS, () => void again(ref, isAlone));
    }
    if (isStopped) return;
    if (entry !== undefined) return enter(entry, { isFresh: false, isAlone, parentWaits: ref.parentWaits });
    // Gone, or acknowledged by somebody who had taken it over meanwhile.
    held.delete(keyOf(ref));
    if (isAlone) isSuspectRunning = false;
    nextSuspect();
  };

  return {
    take: (entries, isFresh) => {
      const added = entries.filter((entry) => !held.has(keyOf(entry)));
      for (const entry of added) {
        held.set(keyOf(entry), { stream: entry.stream, id: entry.id, parentWaits: 0 });
        enter(entry, { isFresh, isAlone: false, parentWaits: 0 });
      }
      return added.length;
    },
    refs: () => [...held.values()],
    size: () => held.size,
    stop: () => {
      isStopped = true;
      for (const cancel of timers) cancel();
      timers.clear();
    },
  };
}

function keyOf({ stream, id }: EntryRef): string {
  return `${stream} ${id}`;
}

/** Order is kept within a tenant. An entry that does not say whose it is goes with its like. */
function laneOf({ fields }: StreamEntry): string {
  for (let index = 0; index + 1 < fields.length; index += 2)
    if (fields[index] === 'tenant') return `tenant ${fields[index + 1]}`;
  return 'nobody';
}
