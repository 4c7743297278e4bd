import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { FairShare } from './fair-share.ts';

it('is the whole for one instance, which never has a surplus', () => {
  const share = new FairShare();
  share.weigh('a', 3);
  share.weigh('b', 4);
  share.hold('a', true);
  share.hold('b', true);
  expect([share.share, share.surplus]).toEqual([7, 0]);
});

it('is claimed until it is reached, the provider itself left out of account', () => {
  const share = new FairShare();
  share.instances = 2;
  for (const key of ['a', 'b', 'c', 'd']) share.weigh(key, 1);
  expect([share.claim('a'), share.claim('b'), share.claim('b'), share.claim('c')]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  share.hold('a', false);
  expect([share.claim('c'), share.surplus]).toEqual([true, 0]);
  share.hold('d', true);
  expect(share.surplus).toBe(1);
});

it('always says what counting anew would say', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    kind: fc.constantFrom('weigh', 'hold', 'drop', 'forget'),
    weight: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 2, max: 5 }), (steps, instances) => {
      const share = new FairShare();
      share.instances = instances;
      const counted = new Map<string, { weight: number; isHeld: boolean }>();
      for (const { key, kind, weight } of steps) {
        const known = counted.get(key);
        if (kind === 'weigh') {
          share.weigh(key, weight);
          counted.set(key, { weight, isHeld: known?.isHeld ?? false });
        } else if (kind === 'forget') {
          share.forget(key);
          counted.delete(key);
        } else {
          share.hold(key, kind === 'hold');
          if (known !== undefined) known.isHeld = kind === 'hold';
        }
      }
      const total = [...counted.values()].reduce((sum, { weight }) => sum + weight, 0);
      const held = [...counted.values()].reduce((sum, { weight, isHeld }) => sum + (isHeld ? weight : 0), 0);
      expect(share.share).toBe(Math.ceil(total / instances));
      expect(share.surplus).toBe(held - Math.ceil(total / instances));
    }),
  );
});
