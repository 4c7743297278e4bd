import { describe, expect, it } from 'vitest';
import { pause, systemClock } from './system-clock.ts';

describe('system clock', () => {
  it('runs a scheduled action unless it was cancelled', async () => {
    let cancelledRan = false;
    systemClock.schedule(0, () => (cancelledRan = true))();
    const before = systemClock.monotonicMs();
    // The timer does not keep the process alive, but a test does.
    await new Promise<void>((resolve) => systemClock.schedule(5, resolve));
    expect(systemClock.monotonicMs()).toBeGreaterThan(before);
    expect(cancelledRan).toBe(false);
  });

  it('ends a pause at once when its signal aborts, before or during it', async () => {
    await pause(systemClock, 1e9, AbortSignal.abort());
    const aborter = new AbortController();
    const paused = pause(systemClock, 1e12, aborter.signal);
    aborter.abort();
    await paused;
  });
});
