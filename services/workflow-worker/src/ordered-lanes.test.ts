import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOrderedLanes } from './ordered-lanes.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('ordered lanes', () => {
  it('keeps the order within each lane and the limit over all, whatever comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.record({ lane: fc.integer({ min: 0, max: 4 }), turns: fc.integer({ min: 0, max: 3 }) }), {
          maxLength: 40,
        }),
        async (concurrency, jobs) => {
          const lanes = createOrderedLanes(concurrency);
          const done: Record<string, number[]> = {};
          const active = new Set<number>();
          let most = 0;
          for (const [index, { lane, turns }] of jobs.entries())
            lanes.add(String(lane), async () => {
              expect(active.has(lane)).toBe(false);
              active.add(lane);
              most = Math.max(most, active.size);
              for (let t = 0; t < turns; t += 1) await turn();
              active.delete(lane);
              (done[lane] ??= []).push(index);
            });
          await lanes.whenIdle();
          expect(lanes.size()).toBe(0);
          expect(most).toBeLessThanOrEqual(concurrency);
          for (const order of Object.values(done)) expect(order).toEqual(order.toSorted((a, b) => a - b));
          expect(Object.values(done).flat()).toHaveLength(jobs.length);
        },
      ),
    );
  });

  it('lets lanes take turns, so that a long one does not hold up a new one', async () => {
    const lanes = createOrderedLanes(1);
    const order: string[] = [];
    const note = (name: string) => (): Promise<void> => Promise.resolve(void order.push(name));
    for (const name of ['a1', 'a2', 'a3']) lanes.add('a', note(name));
    lanes.add('b', note('b1'));
    await lanes.whenIdle();
    expect(order).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  it('tells when there is room and forgets what has not begun', async () => {
    const lanes = createOrderedLanes(1);
    let release = (): void => undefined;
    lanes.add('a', () => new Promise((resolve) => (release = resolve)));
    await turn();
    let ran = false;
    lanes.add('a', () => Promise.resolve(void (ran = true)));
    lanes.add('b', () => Promise.resolve(void (ran = true)));
    const room = lanes.whenBelow(2);
    expect(lanes.size()).toBe(3);
    lanes.clear();
    await room;
    release();
    await lanes.whenIdle();
    expect(ran).toBe(false);
    lanes.add('a', () => Promise.resolve(void (ran = true)));
    await lanes.whenIdle();
    expect(ran).toBe(true);
  });
});
