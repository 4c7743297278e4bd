import { describe, expect, test } from 'vitest';
import { FetchBudget } from './fetch-budget.ts';

const MIB = 1024 * 1024;

describe('what fetches may hold', () => {
  test('one has a whole piece, of many each has its share, and none less than it can work with', () => {
    const budget = new FetchBudget(16 * MIB, 4 * MIB);
    expect(budget.pieceBytes()).toBe(4 * MIB);
    const ends = Array.from({ length: 32 }, () => budget.begin());
    expect(budget.pieceBytes()).toBe(MIB / 2);
    expect(budget.groupBytes()).toBe(MIB / 4);
    for (let more = 0; more < 5_000; more += 1) ends.push(budget.begin());
    expect(budget.pieceBytes()).toBe(16_384);
    for (const end of ends) end();
    expect(budget.pieceBytes()).toBe(4 * MIB);
  });

  test('those that begin at the same moment ask for 48 MiB together, though the first know nothing of the others', () => {
    const budget = new FetchBudget();
    let asked = 0;
    for (let active = 0; active < 32; active += 1) {
      budget.begin();
      asked += budget.pieceBytes();
    }
    expect(asked).toBeLessThan(48 * MIB);
    // With the next piece of each that has become its share.
    expect(32 * budget.pieceBytes()).toBe(16 * MIB);
  });
});
