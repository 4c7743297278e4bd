import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFairTurns } from './fair-turns.ts';

describe('fair turns', () => {
  it('let owners take turns, so that a long line does not hold up a new one', () => {
    const turns = createFairTurns<string>(1, 1);
    for (const item of ['a1', 'a2', 'a3']) turns.add('a', item);
    turns.add('b', 'b1');
    const taken: string[] = [];
    for (let item = turns.take(); item !== undefined; item = turns.take()) {
      taken.push(item);
      turns.finish(item.slice(0, 1));
    }
    expect(taken).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  it('leave slots for others while one owner has all of its own', () => {
    const turns = createFairTurns<string>(4, 2);
    for (let n = 1; n <= 10; n += 1) turns.add('a', `a${n}`);
    expect([turns.take(), turns.take(), turns.take()]).toEqual(['a1', 'a2', undefined]);
    turns.add('b', 'b1');
    expect(turns.take()).toBe('b1');
    turns.finish('a');
    expect(turns.take()).toBe('a3');
  });

  it('keep the order of each owner and both limits, and use every slot they may', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.constantFrom('add', 'finish'), fc.constantFrom('a', 'b', 'c')), {
          maxLength: 80,
        }),
        (total, perOwner, steps) => {
          const turns = createFairTurns<{ owner: string; number: number }>(total, perOwner);
          const running = new Map<string, number>();
          const waiting = new Map<string, number[]>();
          const of = (owner: string): number => running.get(owner) ?? 0;
          const all = (): number => [...running.values()].reduce((sum, count) => sum + count, 0);
          for (const [number, [step, owner]] of steps.entries()) {
            if (step === 'add') {
              turns.add(owner, { owner, number });
              waiting.set(owner, [...(waiting.get(owner) ?? []), number]);
            } else if (of(owner) > 0) {
              turns.finish(owner);
              running.set(owner, of(owner) - 1);
            }
            for (let item = turns.take(); item !== undefined; item = turns.take()) {
              expect(item.number).toBe(waiting.get(item.owner)?.shift());
              running.set(item.owner, of(item.owner) + 1);
            }
            expect(turns.running()).toBe(all());
            for (const count of running.values()) expect(count).toBeLessThanOrEqual(perOwner);
            const mayRun = [...waiting].some(([one, items]) => items.length > 0 && of(one) < perOwner);
            if (mayRun) expect(all()).toBe(total);
          }
        },
      ),
    );
  });
});
