import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Turns } from './mail-turns.ts';

const never = new AbortController().signal;

/** Work that ends when told to. */
function controlled(): { work: () => Promise<void>; end: () => void } {
  let end = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { work: async () => await done, end };
}

describe('Turns', () => {
  it('never gives all threads to one tenant', async () => {
    const turns = new Turns(3);
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
    expect(turns.idle).toBe(true);
  });

  it('lets tenants that wait take turns', async () => {
    const turns = new Turns(1);
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
    const turns = new Turns(1);
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
    expect(turns.idle).toBe(true);
  });

  it('frees the thread of work that failed', async () => {
    const turns = new Turns(1);
    await expect(turns.run('a', never, async () => await Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(turns.idle).toBe(true);
  });
});
