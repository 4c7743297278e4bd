/** Spreads the keeping of many entries over several beats: a tenth of a million ids in every beat would cost more than the work. */
import type { EntryRef } from './ports.ts';

export interface KeepRounds {
  /** The entries of the next beat; each one in hand comes up at least once in `beats` beats. */
  next(): readonly EntryRef[];
}

/** So few cost nothing. */
const ALWAYS = 500;

export function createKeepRounds(
  inHand: { refs(): Iterable<EntryRef>; size(): number },
  beats: number,
): KeepRounds {
  let rest: Iterator<EntryRef> | null = null;
  return {
    next: () => {
      const count = Math.max(ALWAYS, Math.ceil(inHand.size() / beats));
      const refs: EntryRef[] = [];
      rest ??= inHand.refs()[Symbol.iterator]();
      while (refs.length < count) {
        const { value, done } = rest.next() as IteratorResult<EntryRef, undefined>;
        if (done === true) {
          rest = null;
          break;
        }
        refs.push(value);
      }
      return refs;
    },
  };
}
