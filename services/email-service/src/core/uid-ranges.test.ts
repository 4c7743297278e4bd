import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UidRanges } from './uid-ranges.ts';

const uids = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 });

describe('a set of UIDs as ranges', () => {
  it('holds exactly what was added', () => {
    fc.assert(
      fc.property(uids, (added) => {
        const ranges = new UidRanges(added);
        const plain = new Set(added);
        for (let uid = 0; uid <= 61; uid += 1) if (ranges.has(uid) !== plain.has(uid)) return false;
        return true;
      }),
    );
  });

  it('keeps neighbours in one range', () => {
    fc.assert(
      fc.property(uids, (added) => {
        const sorted = [...new Set(added)].sort((a, b) => a - b);
        const runs = sorted.filter((uid, index) => index === 0 || sorted[index - 1] !== uid - 1).length;
        return new UidRanges(added).rangeCount === runs;
      }),
    );
  });

  it('forgets what lies below a trim, and nothing else', () => {
    fc.assert(
      fc.property(uids, fc.integer({ min: 0, max: 61 }), (added, floor) => {
        const ranges = new UidRanges(added);
        ranges.trimBelow(floor);
        return [...new Set(added)].every((uid) => ranges.has(uid) === uid >= floor);
      }),
    );
  });

  it('of a folder with a million messages is one range', () => {
    const ranges = new UidRanges();
    for (let uid = 1; uid <= 1_000_000; uid += 1) ranges.add(uid);
    expect(ranges.rangeCount).toBe(1);
  });
});
