import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createKeepRounds } from './keep-rounds.ts';
import { createWaitingIds } from './waiting-ids.ts';

const ref = (number: number): { stream: string; id: string } => ({ stream: 's', id: `${number}-0` });

it('gives ids in the order of the stream, however they came, and those put first before them', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(1000), { maxLength: 50 }),
      fc.integer({ min: 1, max: 7 }),
      (numbers, size) => {
        const ids = createWaitingIds();
        for (const number of numbers) ids.add(ref(number));
        ids.addFirst(ref(2000));
        const taken: string[] = [];
        while (!ids.isEmpty()) taken.push(...ids.take(size).map(({ id }) => id));
        expect(taken).toEqual(['2000-0', ...numbers.toSorted((a, b) => a - b).map((n) => `${n}-0`)]);
        expect(ids.take(1)).toEqual([]);
      },
    ),
  );
});

it('compares ids as numbers, not as text', () => {
  const ids = createWaitingIds();
  for (const id of ['10-2', '9-11', '9-2', '10-11']) ids.add({ stream: 's', id });
  expect(ids.take(9).map(({ id }) => id)).toEqual(['9-2', '9-11', '10-2', '10-11']);
});

it('keeps every entry within its beats, also while others come and go', () => {
  const held = new Map(Array.from({ length: 5_000 }, (_, n) => [n, ref(n)]));
  const rounds = createKeepRounds({ refs: () => held.values(), size: () => held.size }, 5);
  const kept = new Set<string>();
  for (let beat = 0; beat < 5; beat += 1) {
    const refs = rounds.next();
    expect(refs.length).toBeLessThanOrEqual(1_100);
    for (const { id } of refs) kept.add(id);
    held.set(10_000 + beat, ref(10_000 + beat));
    held.delete(beat);
  }
  const missed = Array.from({ length: 4_995 }, (_, n) => `${n + 5}-0`).filter((id) => !kept.has(id));
  expect(missed).toEqual([]);
});
