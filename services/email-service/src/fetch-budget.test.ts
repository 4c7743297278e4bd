import { describe, expect, test } from 'vitest';
import { FetchBudget, type FetchShare } from './fetch-budget.ts';

const MIB = 1024 * 1024;
const heldBytes = (): number => 0;

function begun(budget: FetchBudget, count: number): { shares: FetchShare[]; askedBytes: number } {
  const shares = Array.from({ length: count }, () => budget.begin());
  return { shares, askedBytes: shares.reduce((sum, share) => sum + share.pieceBytes(), 0) };
}

describe('what fetches may hold', () => {
  test('one has a whole piece, and again when the others have ended', () => {
    const budget = new FetchBudget({ heldBytes });
    const one = budget.begin();
    expect([one.pieceBytes(), one.groupBytes()]).toEqual([4 * MIB, 2 * MIB]);
    const { shares } = begun(budget, 40);
    expect(one.pieceBytes()).toBeLessThan(MIB);
    for (const share of [...shares, ...shares]) share.end();
    expect([one.pieceBytes(), one.groupBytes()]).toEqual([4 * MIB, 2 * MIB]);
  });

  test('many that begin at the same moment ask for little more than all may, and come to equal shares', () => {
    const budget = new FetchBudget({ heldBytes });
    const { shares, askedBytes } = begun(budget, 32);
    expect(askedBytes).toBeLessThan(21 * MIB);
    let pieces: number[] = [];
    for (let round = 0; round < 40; round += 1) pieces = shares.map((share) => share.pieceBytes());
    expect(Math.max(...pieces) / Math.min(...pieces)).toBeLessThan(1.01);
    expect(pieces.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(14 * MIB);
    expect(pieces.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(16 * MIB);
  });

  test('none gets less than it can work with: 256 KiB, or the share of thousands', () => {
    const budget = new FetchBudget({ heldBytes });
    begun(budget, 60);
    const late = budget.begin();
    expect([late.pieceBytes(), late.groupBytes()]).toEqual([MIB / 4, MIB / 4]);
    begun(budget, 5_000);
    expect([late.pieceBytes(), late.groupBytes()]).toEqual([16_384, MIB / 4]);
  });

  test('says when there is more than V8 has come to collect', () => {
    let held = 96 * MIB;
    const budget = new FetchBudget({ heldBytes: () => held });
    expect(budget.isUncollected()).toBe(false);
    held += 1;
    expect(budget.isUncollected()).toBe(true);
  });
});
