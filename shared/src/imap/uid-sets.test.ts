import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUid, openRange, sortedUids, uidSets } from './uid-sets.ts';

function expand(sets: readonly string[]): number[] {
  return sets.flatMap((set) =>
    set.split(',').flatMap((part) => {
      const [first = 0, last = first] = part.split(':').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    }),
  );
}

describe('UID sets', () => {
  test('neighbours become a range', () => {
    expect(uidSets([3, 1, 2, 7, 5, 5])).toEqual(['1:3,5,7']);
    expect(uidSets([])).toEqual([]);
  });

  test('any UIDs come back whole and sorted, in sets short enough for a command line', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 50_000 }), { maxLength: 3_000 }), (uids) => {
        const sets = uidSets(uids);
        expect(expand(sets)).toEqual([...uids].sort((a, b) => a - b));
        expect(Math.max(0, ...sets.map((set) => set.length))).toBeLessThanOrEqual(800);
      }),
    );
  });

  test('what is no UID is left out: 0, fractions, negatives, more than 32 bits', () => {
    const odd = [0, -1, 1.5, Number.NaN, Infinity, 2 ** 32, 2 ** 32 - 1, 1];
    expect(sortedUids(odd)).toEqual([1, 2 ** 32 - 1]);
    expect(odd.filter(isUid)).toEqual([2 ** 32 - 1, 1]);
  });

  test('an open range starts at 1 at least, and there is none above the largest UID', () => {
    expect([openRange(0), openRange(7), openRange(2 ** 32 - 1), openRange(2 ** 32)]).toEqual([
      '1:*',
      '7:*',
      '4294967295:*',
      null,
    ]);
  });
});
