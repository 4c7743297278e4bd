/** The entries that this process has taken and not settled, by stream and id. */
import type { DecodedEntry } from './entry-decoder.ts';
import type { EntryHeader, EntryRef, StreamEntry } from './ports.ts';

/** States and what leads from one to the next: see `entries-in-hand.ts`. */
export interface Held extends EntryRef {
  readonly tenant: string;
  /** Read for the first time by anyone. */
  isFresh: boolean;
  parentWaits: number;
  state: 'parked' | 'loading' | 'waiting' | 'ready' | 'running' | 'asleep' | 'gone';
  body: { readonly entry: StreamEntry; readonly decoded: DecodedEntry } | null;
}

export interface HeldEntries {
  /** Null for one that is here already. */
  add(header: EntryHeader, isFresh: boolean): Held | null;
  find(ref: EntryRef): Held | undefined;
  remove(one: Held): void;
  all(): Iterable<Held>;
  size(): number;
}

export function createHeldEntries(): HeldEntries {
  const held = new Map<string, Map<string, Held>>();
  let size = 0;
  return {
    add: ({ stream, id, tenant }, isFresh) => {
      const ofStream = held.get(stream) ?? new Map<string, Held>();
      if (ofStream.has(id)) return null;
      const one: Held = { stream, id, tenant, isFresh, parentWaits: 0, state: 'parked', body: null };
      ofStream.set(id, one);
      held.set(stream, ofStream);
      size += 1;
      return one;
    },
    find: ({ stream, id }) => held.get(stream)?.get(id),
    remove: ({ stream, id }) => {
      if (held.get(stream)?.delete(id) === true) size -= 1;
    },
    all: function* () {
      for (const ofStream of held.values()) yield* ofStream.values();
    },
    size: () => size,
  };
}
