import { expect, it } from 'vitest';
import { gather } from './gather.ts';

function setup(maxItems: number): {
  ask: (item: number) => Promise<number>;
  batches: (readonly number[])[];
  finish: (error?: Error) => void;
} {
  const batches: (readonly number[])[] = [];
  let finish: (error?: Error) => void = () => undefined;
  const ask = gather<number, number>((items) => {
    batches.push(items);
    return new Promise((resolve, reject) => {
      finish = (error) => (error === undefined ? resolve(items.map((item) => item * 10)) : reject(error));
    });
  }, maxItems);
  return { ask, batches, finish: (error) => finish(error) };
}

it('performs a single call at once, and those that come meanwhile together, each with its own answer', async () => {
  const { ask, batches, finish } = setup(10);
  const first = ask(1);
  const others = [ask(2), ask(3), ask(4)];
  expect(batches).toEqual([[1]]);
  finish();
  expect(await first).toBe(10);
  expect(batches).toEqual([[1], [2, 3, 4]]);
  finish();
  expect(await Promise.all(others)).toEqual([20, 30, 40]);
});

it('performs no more than so many together, in the order they came', async () => {
  const { ask, batches, finish } = setup(2);
  const first = ask(1);
  const others = [2, 3, 4].map(ask);
  finish();
  await first;
  finish();
  await others[0];
  finish();
  expect(await Promise.all(others)).toEqual([20, 30, 40]);
  expect(batches).toEqual([[1], [2, 3], [4]]);
});

it('fails the calls of one piece of work together, and goes on with the next', async () => {
  const { ask, finish } = setup(10);
  const first = ask(1);
  const second = ask(2);
  finish(new Error('lost'));
  await expect(first).rejects.toThrow('lost');
  finish();
  expect(await second).toBe(20);
});
