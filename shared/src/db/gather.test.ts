import { expect, it } from 'vitest';
import { tenantId } from '../domain/ids.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { gather, gatherPerTenant } from './gather.ts';

function setup(maxItems: number): {
  ask: (item: number) => Promise<number>;
  batches: (readonly number[])[];
  finish: (error?: Error) => void;
} {
  const batches: (readonly number[])[] = [];
  let finish: (error?: Error) => void = () => undefined;
  const ask = gather<number, number>(
    (items) => {
      batches.push(items);
      return new Promise((resolve, reject) => {
        finish = (error) => (error === undefined ? resolve(items.map((item) => item * 10)) : reject(error));
      });
    },
    { maxItems },
  );
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

it('gathers the calls of each tenant by themselves: one that takes long holds up no other', async () => {
  const [slow, quick] = ['1', '2'].map((n) => tenantId(`00000000-0000-4000-8000-00000000000${n}`));
  if (slow === undefined || quick === undefined) throw new Error('two tenants');
  const batches: string[] = [];
  const held: (() => void)[] = [];
  const ask = gatherPerTenant<{ tenant: typeof slow; n: number }, number>(
    async (tenant, items) => {
      batches.push(`${tenant === slow ? 'slow' : 'quick'} ${items.map(({ n }) => n).join()}`);
      if (tenant === slow) await new Promise<void>((resolve) => held.push(resolve));
      return items.map(({ n }) => n * 10);
    },
    { maxItems: 10 },
  );
  const answers = [1, 2, 3].map((n) => ask({ tenant: slow, n }));
  expect(await ask({ tenant: quick, n: 4 })).toBe(40);
  held.shift()?.();
  expect(await answers[0]).toBe(10);
  held.shift()?.();
  expect(await Promise.all(answers)).toEqual([10, 20, 30]);
  expect(batches).toEqual(['slow 1', 'quick 4', 'slow 2,3']);
});

function paced(maxItems: number) {
  const clock = new FakeClock();
  const batches: (readonly number[])[] = [];
  const ask = gather<number, number>(
    (items) => {
      batches.push(items);
      return Promise.resolve(items);
    },
    { maxItems, everyMs: 40, clock },
  );
  return { clock, batches, ask };
}

it('at a pace performs the first call at once, and those that come within it together when it is over', async () => {
  const { clock, batches, ask } = paced(10);
  expect(await ask(1)).toBe(1);
  const others = [ask(2)];
  clock.advance(30);
  others.push(ask(3));
  clock.advance(9);
  expect(batches).toEqual([[1]]);
  clock.advance(1);
  expect(await Promise.all(others)).toEqual([2, 3]);
  expect(batches).toEqual([[1], [2, 3]]);
  clock.advance(40);
  const last = ask(4);
  expect(batches).toEqual([[1], [2, 3], [4]]);
  expect(await last).toBe(4);
  expect(clock.pending).toBe(0);
});

it('at a pace does not wait for more than one piece of work holds', async () => {
  const { clock, batches, ask } = paced(2);
  await ask(1);
  const others = [2, 3, 4, 5, 6].map(ask);
  clock.advance(40);
  await Promise.all(others.slice(0, 4));
  expect(batches).toEqual([[1], [2, 3], [4, 5]]);
  clock.advance(40);
  await others[4];
  expect(batches.at(-1)).toEqual([6]);
});

it('keeps the pace of a tenant that nobody asks about at the moment, and forgets it afterwards', async () => {
  const clock = new FakeClock();
  const tenant = tenantId('00000000-0000-4000-8000-000000000001');
  const batches: (readonly number[])[] = [];
  const ask = gatherPerTenant<{ tenant: typeof tenant; n: number }, number>(
    (_tenant, items) => {
      batches.push(items.map(({ n }) => n));
      return Promise.resolve(items.map(({ n }) => n));
    },
    { maxItems: 10, everyMs: 40, clock },
  );
  await ask({ tenant, n: 1 });
  const later = [2, 3].map((n) => ask({ tenant, n }));
  expect(batches).toEqual([[1]]);
  clock.advance(40);
  expect(await Promise.all(later)).toEqual([2, 3]);
  clock.advance(40);
  expect(clock.pending).toBe(0);
  expect(await ask({ tenant, n: 4 })).toBe(4);
  expect(batches).toEqual([[1], [2, 3], [4]]);
});
