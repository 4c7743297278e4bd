import { expect, it } from 'vitest';
import { TenantTurns } from './tenant-turns.ts';

/** Work that ends when told to; `began` says whose has begun, in order. */
function workshop(places: number) {
  const turns = new TenantTurns(places);
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const results: Promise<string>[] = [];
  return {
    began,
    results,
    ask: (tenant: string, name: string) => {
      const work = turns.run(tenant, async () => {
        began.push(name);
        await new Promise<void>((end) => ends.set(name, end));
        return name;
      });
      results.push(work);
    },
    end: async (name: string, at: number) => {
      ends.get(name)?.();
      await results[at];
      // What ended makes room in its own continuation.
      await Promise.resolve();
    },
    turns,
  };
}

it('one of each tenant at a time, in the order of asking, and no more than there are places', async () => {
  const { ask, end, began } = workshop(2);
  for (const [tenant, name] of [
    ['a', 'a1'],
    ['a', 'a2'],
    ['b', 'b1'],
    ['c', 'c1'],
  ] as const)
    ask(tenant, name);
  await Promise.resolve();
  expect(began).toEqual(['a1', 'b1']);
  await end('b1', 2);
  expect(began).toEqual(['a1', 'b1', 'c1']);
  await end('a1', 0);
  expect(began).toEqual(['a1', 'b1', 'c1', 'a2']);
  await end('c1', 3);
  await end('a2', 1);
});

it('work that fails gives its place back', async () => {
  const turns = new TenantTurns(1);
  await expect(turns.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await turns.run('a', () => Promise.resolve('yes'))).toBe('yes');
});
