import { describe, expect, it } from 'vitest';
import { OPEN, diskLevel, levelOf, openIfDue, shutByFault, shutByMeasure, type Valve } from './pressure.ts';

const MIB = 1024 * 1024;

describe('a level', () => {
  it.each([
    [79, 'free'],
    [80, 'free'],
    [81, 'between'],
    [99, 'between'],
    [100, 'full'],
    [5000, 'full'],
  ] as const)('of %i with marks at 80 and 100 is %s', (value, level) => {
    expect(levelOf(value, { low: 80, high: 100 })).toBe(level);
  });

  it.each([
    [60, 10_000, 'full'],
    [100, 10_000, 'between'],
    [130, 10_000, 'free'],
    // A small disk gives up a twentieth, not 64 MiB.
    [0.9, 20, 'full'],
    [1.5, 20, 'between'],
    [2, 20, 'free'],
  ] as const)('of a disk with %d of %d MiB free is %s', (free, total, level) => {
    expect(diskLevel({ freeBytes: free * MIB, totalBytes: total * MIB })).toBe(level);
  });
});

describe('a valve', () => {
  it('opens at once when what was measured is better', () => {
    const shut = shutByMeasure(OPEN, 'STREAM_FULL');
    expect(shut).toMatchObject({ kind: 'shut', code: 'STREAM_FULL' });
    expect(openIfDue(shut, 0)).toMatchObject({ kind: 'open' });
  });

  it('stays shut longer after each fault that follows an opening, up to a minute', () => {
    let valve: Valve = OPEN;
    let nowMs = 0;
    const pauses: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      valve = shutByFault(valve, 'STORAGE_FULL', nowMs);
      if (valve.kind !== 'shut') throw new Error('it must be shut');
      pauses.push(valve.notBeforeMs - nowMs);
      expect(openIfDue(valve, valve.notBeforeMs - 1)).toBe(valve);
      nowMs = valve.notBeforeMs;
      valve = openIfDue(valve, nowMs);
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });

  it('forgets its faults once it stood open for five minutes', () => {
    const once = shutByFault(OPEN, 'REDIS_FULL', 0);
    const twice = shutByFault(openIfDue(once, 1000), 'REDIS_FULL', 2000);
    expect(twice).toMatchObject({ notBeforeMs: 4000 });
    expect(shutByFault(openIfDue(twice, 4000), 'REDIS_FULL', 304_000)).toMatchObject({
      notBeforeMs: 305_000,
    });
  });

  it('takes over another code, and faults of what was in flight do not prolong the pause', () => {
    const shut = shutByFault(OPEN, 'STORAGE_UNAVAILABLE', 0);
    expect(shutByFault(shut, 'STORAGE_FULL', 500)).toEqual({ ...shut, code: 'STORAGE_FULL' });
  });
});
