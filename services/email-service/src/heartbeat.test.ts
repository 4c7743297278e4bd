import { describe, expect, it } from 'vitest';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { createHeartbeat, FAREWELL_MS, type Heartbeat } from './heartbeat.ts';
import type { InstanceRegistry } from './ports/leases.ts';

const quiet = { debug: () => undefined } as unknown as Parameters<typeof createHeartbeat>[0]['log'];

function heartbeat(registry: InstanceRegistry): { clock: FakeClock; heart: Heartbeat } {
  const clock = new FakeClock();
  const heart = createHeartbeat({
    registry,
    everyMs: 1_000,
    deadAfterMs: 3_000,
    jitter: 0,
    clock,
    random: () => 0.5,
    log: quiet,
    report: () => ({ leases: 0, listeners: 0, heldBy: null }) as never,
  });
  return { clock, heart };
}

describe('the heartbeat', () => {
  it('says that it leaves after the beat in hand, and leaves no timer behind', async () => {
    const said: string[] = [];
    const { clock, heart } = heartbeat({
      beat: ({ state }) => {
        said.push(state);
        return Promise.resolve();
      },
      leave: () => {
        said.push('left');
        return Promise.resolve();
      },
    });
    await heart.start();
    heart.drain();
    await heart.stop();
    expect(said).toEqual(['running', 'draining', 'left']);
    expect(clock.pending).toBe(0);
  });

  it('does not hold up a stop when the database never answers', async () => {
    const { clock, heart } = heartbeat({
      beat: () => new Promise(() => undefined),
      leave: () => Promise.reject(new Error('it is not even tried')),
    });
    await heart.start();
    const stopped = heart.stop();
    await expect.poll(() => clock.pending).toBe(1);
    clock.advance(FAREWELL_MS);
    await stopped;
    expect(clock.pending).toBe(0);
  });
});
