import { expect, it } from 'vitest';
import { providerId, tenantId, type ProviderId } from '@mailstream/shared/domain/ids';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { gatherUnlocked, type AtLock } from './gather-unlocked.ts';

const TENANT = tenantId('00000000-0000-4000-8000-000000000001');
const EVERY_MS = 40;

interface Item {
  readonly tenant: typeof TENANT;
  readonly id: ProviderId;
  readonly n: number;
}

const item = (provider: number, n = provider): Item => ({
  tenant: TENANT,
  id: providerId(`00000000-0000-4000-a000-00000000000${provider}`),
  n,
});

function setup(answer: (items: readonly Item[], atLock: AtLock) => readonly Item[]): {
  readonly put: (item: Item) => Promise<number | null>;
  readonly statements: string[];
  readonly clock: FakeClock;
} {
  const clock = new FakeClock();
  const statements: string[] = [];
  const put = gatherUnlocked<Item, number>(
    async (_tenant, items, atLock) => {
      statements.push(`${items.map(({ n }) => n).join()} ${atLock === '' ? 'waits' : atLock}`);
      return new Map(answer(items, atLock).map((done) => [done.id, done.n]));
    },
    { maxItems: 10, everyMs: EVERY_MS, clock },
  );
  return { put, statements, clock };
}

it('writes one by itself, and waits for its row', async () => {
  const { put, statements } = setup((items) => items);
  expect(await put(item(1))).toBe(1);
  expect(statements).toEqual(['1 waits']);
});

it('writes those of a moment together without a wait, and what was left by itself', async () => {
  const { put, statements, clock } = setup((items, atLock) =>
    atLock === '' ? items : items.filter(({ n }) => n !== 3),
  );
  await put(item(1));
  const answers = [2, 3, 4].map((n) => put(item(n)));
  clock.advance(EVERY_MS);
  expect(await Promise.all(answers)).toEqual([2, 3, 4]);
  expect(statements.slice(1)).toEqual(['2,3,4 SKIP LOCKED', '3 waits']);
});

it('writes to one row once in a statement', async () => {
  const { put, statements, clock } = setup((items) => items);
  await put(item(1));
  const answers = [put(item(2, 21)), put(item(2, 22)), put(item(3))];
  clock.advance(EVERY_MS);
  expect(await Promise.all(answers)).toEqual([21, 22, 3]);
  expect(statements.slice(1)).toEqual(['21,3 SKIP LOCKED', '22 waits']);
});

it('lets what PostgreSQL refuses fail for that one alone', async () => {
  const { put, clock } = setup((items) => {
    if (items.some(({ n }) => n === 3)) throw new Error('unsupported Unicode escape sequence');
    return items;
  });
  await put(item(1));
  const answers = [2, 3, 4].map((n) => put(item(n)));
  const outcomes = Promise.allSettled(answers);
  clock.advance(EVERY_MS);
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

it('asks no more where the database is away', async () => {
  const { put, statements, clock } = setup((items) => {
    if (items.length > 1)
      throw new FaultError({ kind: 'transient', code: 'DATABASE_UNAVAILABLE', detail: 'away' });
    return items;
  });
  await put(item(1));
  const outcomes = Promise.allSettled([2, 3].map((n) => put(item(n))));
  clock.advance(EVERY_MS);
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(statements).toHaveLength(2);
});

it('answers null where the row is not the writer’s any more', async () => {
  const { put } = setup(() => []);
  expect(await put(item(1))).toBeNull();
});
