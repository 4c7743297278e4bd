/** The entries of one tenant of which only the id is in hand, in the order in which they are loaded. */
import { compareEntryIds } from './core/entry-ids.ts';
import type { EntryRef } from './ports.ts';

export interface WaitingIds<Ref extends EntryRef> {
  /** At its place in the order of the stream. */
  add(ref: Ref): void;
  /** Before all of those. */
  addFirst(ref: Ref): void;
  /** Takes up to `count` off the front. */
  take(count: number): readonly Ref[];
  isEmpty(): boolean;
}

/** Behind `head` is what was taken; cut off when it is the larger part, so that taking costs nothing. */
export function createWaitingIds<Ref extends EntryRef>(): WaitingIds<Ref> {
  let first: Ref[] = [];
  let rest: Ref[] = [];
  let head = 0;
  let isSorted = true;

  const takeRest = (count: number): readonly Ref[] => {
    if (!isSorted) {
      rest = rest.slice(head).toSorted((a, b) => compareEntryIds(a.id, b.id));
      head = 0;
      isSorted = true;
    }
    const taken = rest.slice(head, head + count);
    head += taken.length;
    if (head * 2 > rest.length) {
      rest = rest.slice(head);
      head = 0;
    }
    return taken;
  };

  return {
    add: (ref) => {
      const last = rest.at(-1);
      // Taken over from another consumer: older than what we read ourselves. Streams are not compared with each other.
      if (last !== undefined && head < rest.length && compareEntryIds(ref.id, last.id) < 0) isSorted = false;
      rest.push(ref);
    },
    addFirst: (ref) => void first.push(ref),
    take: (count) => {
      const taken = first.slice(0, count);
      first = first.slice(count);
      return [...taken, ...takeRest(count - taken.length)];
    },
    isEmpty: () => first.length === 0 && head >= rest.length,
  };
}
