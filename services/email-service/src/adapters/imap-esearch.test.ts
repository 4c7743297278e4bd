import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uidSets } from '@mailstream/shared/imap/uid-sets';
import { uidsOfEsearch } from './imap-esearch.ts';

test('numbers and ranges, in any order, whichever end comes first', () => {
  expect(uidsOfEsearch({ count: 5, all: '7,1:3,10' })).toEqual([7, 1, 2, 3, 10]);
  expect(uidsOfEsearch({ count: 3, all: '3:1' })).toEqual([1, 2, 3]);
  expect(uidsOfEsearch({ count: 1, all: '4294967295' })).toEqual([4_294_967_295]);
});

test('nothing found is an empty list', () => {
  expect(uidsOfEsearch({ count: 0 })).toEqual([]);
});

test('what is named twice counts once', () => {
  expect(uidsOfEsearch({ count: 4, all: '1:3,2:4' })).toEqual([1, 2, 3, 4]);
});

test.each([
  ['no answer at all', {}],
  ['no count', { all: '1:3' }],
  ['a count without a list', { count: 3 }],
  ['a list that was cut', { count: 3, all: '1:2' }],
  ['more than was counted', { count: 3, all: '1:4' }],
  ['a list of everything there could be', { count: 3, all: '1:4294967295' }],
  ['a count of everything there could be', { count: 4_294_967_295, all: '1:4294967295' }],
  ['the last message by a star', { count: 3, all: '1:*' }],
  ['zero', { count: 2, all: '0:1' }],
  ['more than 32 bits', { count: 1, all: '4294967296' }],
  ['an end that is missing', { count: 2, all: '1:,2' }],
  ['what is no number', { count: 1, all: 'x' }],
  ['an empty list', { count: 1, all: '' }],
])('is not believed: %s', (_what, result) => {
  expect(uidsOfEsearch(result)).toBeNull();
});

test('any list comes back as it was', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 100 }),
      (uids) => {
        const found = uidsOfEsearch({ count: uids.length, all: uidSets(uids).join(',') });
        expect(found?.toSorted((a, b) => a - b)).toEqual(uids.toSorted((a, b) => a - b));
      },
    ),
  );
});
