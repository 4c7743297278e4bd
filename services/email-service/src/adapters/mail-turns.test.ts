import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Turns } from './mail-turns.ts';

const never = new AbortController().signal;

/** Work that ends when told to. */
function controlled(): { work: () => Promise<void>; end: () => void; fail: (error: Error) => void } {
  let end = (): void => undefined;
  let fail = (_error: Error): void => undefined;
  const done = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  return { work: async () => await done, end, fail };
}

interface Controlled {
  readonly thread: number;
  succeed(): void;
  fail(error: Error): void;
}

/** Threads, numbered in the order in which they are opened, that are open and mended when told to be. */
function controlledThreads(most: number): {
  readonly turns: Turns<number>;
  readonly opening: readonly Controlled[];
  readonly mending: readonly Controlled[];
} {
  const [opening, mending]: [Controlled[], Controlled[]] = [[], []];
  const told = async (list: Controlled[], thread: number): Promise<number> =>
    await new Promise((resolve, reject) => {
      list.push({ thread, succeed: () => resolve(thread), fail: reject });
    });
  const turns = new Turns<number>({
    most,
    open: async () => await told(opening, opening.length + 1),
    mend: async (thread) => await told(mending, thread),
  });
  return { turns, opening, mending };
}

/** Threads that are open at once and have nothing to mend. */
function turnsOf(most: number): Turns<number> {
  let opened = 0;
  return new Turns({
    most,
    open: async () => await Promise.resolve((opened += 1)),
    mend: async () => {
      await Promise.resolve();
    },
  });
}

describe('Turns', () => {
  it('never gives all threads to one tenant', async () => {
    const turns = turnsOf(3);
    const started: string[] = [];
    const jobs = ['a', 'a', 'a', 'b'].map((tenant) => {
      const job = controlled();
      const run = turns.run(tenant, never, async () => {
        started.push(tenant);
        await job.work();
      });
      return { ...job, run };
    });
    await turnOfTheLoop();
    expect(started).toEqual(['a', 'a', 'b']);
    for (const job of jobs) job.end();
    await Promise.all(jobs.map(({ run }) => run));
    expect(started).toEqual(['a', 'a', 'b', 'a']);
    expect(turns.isIdle).toBe(true);
  });

  it('lets tenants that wait take turns', async () => {
    const turns = turnsOf(1);
    const order: string[] = [];
    const first = controlled();
    const running = turns.run('a', never, first.work);
    const rest = ['a', 'a', 'a', 'b', 'c', 'b'].map(
      async (tenant) =>
        await turns.run(tenant, never, async () => {
          order.push(tenant);
          await Promise.resolve();
        }),
    );
    first.end();
    await Promise.all([running, ...rest]);
    expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'a']);
  });

  it('takes a caller that gives up out of the line', async () => {
    const turns = turnsOf(1);
    const first = controlled();
    const running = turns.run('a', never, first.work);
    const giveUp = new AbortController();
    const waiting = turns.run('a', giveUp.signal, async () => await Promise.resolve('ran'));
    const next = turns.run('a', never, async () => await Promise.resolve('next'));
    giveUp.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    first.end();
    await running;
    expect(await next).toBe('next');
    expect(turns.isIdle).toBe(true);
  });

  it('frees the thread of work that failed', async () => {
    const turns = turnsOf(1);
    await expect(turns.run('a', never, async () => await Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(turns.isIdle).toBe(true);
  });

  it('gives nothing to a thread that is being opened: the one before it is idle sooner', async () => {
    const { turns, opening } = controlledThreads(3);
    const [first, second, third] = [controlled(), controlled(), controlled()];
    const threads: number[] = [];
    const jobs = [first, second, third].map(async (job, tenant) =>
      turns.run(String(tenant), never, async (thread) => {
        threads.push(thread);
        await job.work();
      }),
    );
    await turnOfTheLoop();
    expect(opening).toHaveLength(1);
    opening[0]?.succeed();
    await turnOfTheLoop();
    // One at a time, though two wait.
    expect([threads, opening.length]).toEqual([[1], 2]);
    first.end();
    await turnOfTheLoop();
    expect(threads).toEqual([1, 1]);
    opening[1]?.succeed();
    await turnOfTheLoop();
    expect([threads, opening.length]).toEqual([[1, 1, 2], 3]);
    second.end();
    third.end();
    await Promise.all(jobs);
    expect(turns.isIdle).toBe(true);
  });

  it('opens another when the last idle one is taken, before anybody waits for it', async () => {
    const { turns, opening } = controlledThreads(3);
    const first = controlled();
    const running = turns.run('a', never, first.work);
    opening[0]?.succeed();
    await turnOfTheLoop();
    expect(opening).toHaveLength(2);
    opening[1]?.succeed();
    await turnOfTheLoop();
    expect(opening).toHaveLength(2);
    expect(await turns.run('b', never, async (thread) => await Promise.resolve(thread))).toBe(2);
    expect(opening).toHaveLength(3);
    first.end();
    await running;
  });

  it('opens none that the only tenant may not have, and keeps one ready where there are others', async () => {
    const { turns, opening } = controlledThreads(3);
    const hold = async (tenant: string, count: number): Promise<() => Promise<void>> => {
      const jobs = Array.from({ length: count }, () => controlled());
      const running = jobs.map(async ({ work }) => turns.run(tenant, never, work));
      await turnOfTheLoop();
      return async () => {
        for (const job of jobs) job.end();
        await Promise.all(running);
      };
    };
    let end = await hold('a', 3);
    for (const at of [0, 1]) {
      opening[at]?.succeed();
      await turnOfTheLoop();
    }
    expect(opening).toHaveLength(2);
    await end();
    await turns.run('b', never, async () => await Promise.resolve());
    expect(opening).toHaveLength(2);
    end = await hold('a', 2);
    expect(opening).toHaveLength(3);
    await end();
  });

  it('says what keeps the first thread from being opened, and opens no other', async () => {
    const { turns, opening } = controlledThreads(2);
    const running = turns.run('a', never, async () => await Promise.resolve());
    opening[0]?.fail(new Error('no memory'));
    await expect(running).rejects.toThrow('no memory');
    await expect(turns.ready()).rejects.toThrow('no memory');
    expect(opening).toHaveLength(1);
  });

  it('tries again to open a thread that could not be opened, and works with those it has', async () => {
    const { turns, opening } = controlledThreads(2);
    const [first, second] = [controlled(), controlled()];
    const jobs = [turns.run('a', never, first.work), turns.run('b', never, second.work)];
    opening[0]?.succeed();
    await turnOfTheLoop();
    opening[1]?.fail(new Error('no memory'));
    await turnOfTheLoop();
    expect(opening).toHaveLength(2);
    first.end();
    await jobs[0];
    const third = turns.run('c', never, async (thread) => await Promise.resolve(thread));
    await turnOfTheLoop();
    expect(opening).toHaveLength(3);
    opening[2]?.succeed();
    expect(await third).toBe(3);
    second.end();
    await jobs[1];
  });

  it('has a thread mended whose work failed, and gives its next message to another one', async () => {
    const { turns, opening, mending } = controlledThreads(2);
    const [first, second] = [controlled(), controlled()];
    const jobs = [turns.run('a', never, first.work), turns.run('b', never, second.work)];
    for (const at of [0, 1]) {
      opening[at]?.succeed();
      await turnOfTheLoop();
    }
    const threadOf = async (thread: number): Promise<number> => await Promise.resolve(thread);
    first.fail(new Error('ended'));
    await expect(jobs[0]).rejects.toThrow('ended');
    const waiting = turns.run('a', never, threadOf);
    second.end();
    expect(await waiting).toBe(2);
    expect(mending.map(({ thread }) => thread)).toEqual([1]);
    const third = controlled();
    const holding = turns.run('a', never, third.work);
    const next = turns.run('b', never, threadOf);
    mending[0]?.succeed();
    expect(await next).toBe(1);
    third.end();
    await holding;
  });
});
