import { describe, expect, it } from 'vitest';
import { FolderRuns, type RunSteps } from './folder-runs.ts';
import type { RunResult } from './message-run.ts';

const RESULT: RunResult = { messages: [], missing: [], killer: null, fault: null, needsBarrier: false };
const run = (uid: number) => ({ uids: [uid], alone: false });

interface Gate<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

function newGate<T>(): Gate<T> {
  let gate: Omit<Gate<T>, 'promise'> | null = null;
  const promise = new Promise<T>((resolve, reject) => {
    gate = { resolve, reject };
  });
  if (gate === null) throw new Error('a promise runs its executor at once');
  return { promise, ...(gate as Omit<Gate<T>, 'promise'>) };
}

/** Stages that end when they are told to; `told` says what began and what was given back, in order. */
function stages(isAlone: () => boolean = () => true) {
  const told: string[] = [];
  const open = new Map<string, Gate<void>>();
  const parsed = new Map<number, Gate<RunResult>>();
  const stage = async (name: string): Promise<void> => {
    told.push(name);
    const gate = newGate<void>();
    open.set(name, gate);
    await gate.promise;
  };
  const steps: RunSteps = {
    isAlone,
    fetch: async ({ uids: [uid = 0] }) => {
      const parsing = newGate<RunResult>();
      parsed.set(uid, parsing);
      await stage(`fetch ${uid}`);
      return { isBroken: false, parsed: parsing.promise };
    },
    settle: async ({ missing: [uid = 0] }, unended) => {
      await stage(`settle ${uid}`);
      unended.clear();
    },
    giveBack: async (unended) => {
      if (unended.size > 0) told.push(`back ${[...unended].join(' ')}`);
    },
  };
  return {
    ...{ told, runs: new FolderRuns(steps) },
    end: async (name: string) => {
      open.get(name)?.resolve();
      await rounds();
    },
    fail: async (name: string, error: Error) => {
      open.get(name)?.reject(error);
      await rounds();
    },
    parse: async (uid: number, result: Partial<RunResult> = {}) => {
      parsed.get(uid)?.resolve({ ...RESULT, missing: [uid], ...result });
      await rounds();
    },
  };
}

/** Everything that waits for nothing but promises is over after it. */
async function rounds(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the runs of a pass', () => {
  it('are fetched while those before them are parsed and settled, three under way at most', async () => {
    const { told, runs, end, parse } = stages();
    const first = runs.add(run(1));
    await end('fetch 1');
    await first;
    const second = runs.add(run(2));
    await end('fetch 2');
    await second;
    await parse(1);
    const third = runs.add(run(3));
    await end('fetch 3');
    await third;
    expect(told).toEqual(['fetch 1', 'fetch 2', 'settle 1', 'fetch 3']);
    const fourth = runs.add(run(4));
    await rounds();
    expect(told).not.toContain('fetch 4');
    await end('settle 1');
    expect(told.at(-1)).toBe('fetch 4');
    await end('fetch 4');
    await fourth;
  });

  it('are added when they are settled while mail of other tenants comes, and when they are fetched after that', async () => {
    let isAlone = false;
    const { runs, end, parse } = stages(() => isAlone);
    let isAdded = false;
    const first = runs.add(run(1)).then(() => {
      isAdded = true;
    });
    await end('fetch 1');
    await parse(1);
    expect(isAdded).toBe(false);
    await end('settle 1');
    await first;
    isAlone = true;
    const second = runs.add(run(2));
    await end('fetch 2');
    await second;
  });

  it('are settled in their order, whichever is parsed first', async () => {
    const { told, runs, end, parse } = stages();
    for (const uid of [1, 2]) {
      const added = runs.add(run(uid));
      await end(`fetch ${uid}`);
      await added;
    }
    await parse(2);
    expect(told).toEqual(['fetch 1', 'fetch 2']);
    expect(runs.inFlight).toBe(2);
    await parse(1);
    await end('settle 1');
    await end('settle 2');
    await runs.drained();
    expect(told).toEqual(['fetch 1', 'fetch 2', 'settle 1', 'settle 2']);
    expect(runs.inFlight).toBe(0);
  });

  it('are not settled behind one that failed: their attempts are taken back, and nothing goes on', async () => {
    const { told, runs, end, fail, parse } = stages();
    for (const uid of [1, 2]) {
      const added = runs.add(run(uid));
      await end(`fetch ${uid}`);
      await added;
    }
    await parse(1);
    const drained = runs.drained();
    const refused = drained.catch((error: unknown) => error);
    await fail('settle 1', new Error('the disk is full'));
    await parse(2);
    expect(await refused).toEqual(new Error('the disk is full'));
    expect(told).toEqual(['fetch 1', 'fetch 2', 'settle 1', 'back 1', 'back 2']);
    await expect(runs.add(run(3))).rejects.toThrow('the disk is full');
    expect(told).not.toContain('fetch 3');
  });

  it('wait for one another in the end, also where a later one failed first', async () => {
    const { told, runs, end, parse } = stages();
    for (const uid of [1, 2]) {
      const added = runs.add(run(uid));
      await end(`fetch ${uid}`);
      await added;
    }
    await parse(1);
    await parse(2, { fault: new Error('the connection broke') });
    let isOver = false;
    const drained = runs.drained().finally(() => {
      isOver = true;
    });
    const refused = drained.catch((error: unknown) => error);
    await rounds();
    expect(isOver).toBe(false);
    await end('settle 1');
    await end('settle 2');
    expect(await refused).toEqual(new Error('the connection broke'));
    expect(told).toEqual(['fetch 1', 'fetch 2', 'settle 1', 'settle 2']);
  });

  it('end with one whose message ended its parser: what came before that is kept, and it is not taken back', async () => {
    const { told, runs, end, parse } = stages();
    for (const uid of [1, 2]) {
      const added = runs.add(run(uid));
      await end(`fetch ${uid}`);
      await added;
    }
    await parse(1, { killer: 1 });
    await parse(2);
    await end('settle 1');
    await runs.drained();
    expect(told).toEqual(['fetch 1', 'fetch 2', 'settle 1', 'back 2']);
    expect(runs.isCutShort).toBe(true);
    await runs.add(run(3));
    expect(told).not.toContain('fetch 3');
  });

  it('give the attempts of one back that could not be fetched', async () => {
    const { told, runs, fail } = stages();
    const added = runs.add(run(1));
    const refused = added.catch((error: unknown) => error);
    await fail('fetch 1', new Error('no place'));
    expect(await refused).toEqual(new Error('no place'));
    expect(told).toEqual(['fetch 1', 'back 1']);
    expect(runs.inFlight).toBe(0);
    await runs.drained();
  });
});
