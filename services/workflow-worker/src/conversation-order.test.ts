import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createConversationOrder } from './conversation-order.ts';

interface Member {
  readonly number: number;
  readonly keys: readonly string[];
}

describe('the order of conversations', () => {
  it('lets a member go when nobody before it shares a key, whoever leaves when', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.array(key, { maxLength: 3 }), fc.nat(20)), { maxLength: 60 }),
        (steps) => {
          const order = createConversationOrder<Member>();
          const present: Member[] = [];
          // The rule itself, without lines.
          const mayGo = (member: Member): boolean =>
            !present.some(
              (other) => other.number < member.number && other.keys.some((one) => member.keys.includes(one)),
            );
          for (const [number, step] of steps.entries()) {
            if (typeof step !== 'number') {
              const member = { number, keys: step };
              order.join(member, step);
              present.push(member);
            } else if (present.length > 0) {
              const before = new Set(present.filter(mayGo));
              const [gone] = present.splice(step % present.length, 1);
              if (gone === undefined) throw new Error('nobody');
              const freed = order.leave(gone);
              expect(new Set(freed)).toEqual(
                new Set(present.filter((one) => mayGo(one) && !before.has(one))),
              );
              expect(order.has(gone)).toBe(false);
            }
            for (const member of present) expect(order.mayGo(member)).toBe(mayGo(member));
          }
          for (const member of [...present]) order.leave(member);
          const late = { number: steps.length, keys: ['a', 'b', 'c', 'd'] };
          order.join(late, late.keys);
          expect(order.mayGo(late)).toBe(true);
        },
      ),
    );
  });

  it('tells who is right before and right behind', () => {
    const order = createConversationOrder<Member>();
    const [first, second, third] = [1, 2, 3].map((number) => ({ number, keys: ['a'] }));
    if (first === undefined || second === undefined || third === undefined) throw new Error('none');
    order.join(first, ['a', 'b']);
    order.join(second, ['a']);
    order.join(third, ['a', 'b']);
    expect(order.ahead(third)).toEqual([second, first]);
    expect(order.behind(first)).toEqual([second, third]);
  });
});
