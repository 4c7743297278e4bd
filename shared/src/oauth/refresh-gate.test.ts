import { describe, expect, it } from 'vitest';
import { tenantId } from '../domain/ids.ts';
import { createRefreshGate } from './refresh-gate.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) =>
  tenantId(`${letter.repeat(8)}-0000-4000-8000-000000000000`),
);

/** Work that starts, then waits to be told. */
function workshop() {
  const started: string[] = [];
  const finish = new Map<string, () => void>();
  return {
    started,
    end: (name: string) => finish.get(name)?.(),
    work: (name: string) => () =>
      new Promise<string>((resolve) => {
        started.push(name);
        finish.set(name, () => {
          resolve(name);
        });
      }),
  };
}

describe('refresh gate', () => {
  it('keeps one tenant from taking all places, and starts the next in order', async () => {
    if (A === undefined || B === undefined || C === undefined) throw new Error('unreachable');
    const gate = createRefreshGate({ total: 3, perTenant: 2 });
    const { started, end, work } = workshop();
    const all = ['a1', 'a2', 'a3', 'a4'].map((name) => gate.run(A, work(name)));
    const b = gate.run(B, work('b1'));
    const c = gate.run(C, work('c1'));
    expect(started).toEqual(['a1', 'a2', 'b1']);
    end('b1');
    await b;
    // a3 waits longer, but tenant A has its two places.
    await Promise.resolve();
    expect(started).toEqual(['a1', 'a2', 'b1', 'c1']);
    end('a2');
    await all[1];
    await Promise.resolve();
    expect(started).toEqual(['a1', 'a2', 'b1', 'c1', 'a3']);
    for (const name of ['a1', 'a3', 'c1']) end(name);
    await Promise.all([all[0], all[2], c]);
    await Promise.resolve();
    end('a4');
    expect(await all[3]).toBe('a4');
  });

  it('gives the place back when work fails', async () => {
    if (A === undefined) throw new Error('unreachable');
    const gate = createRefreshGate({ total: 1, perTenant: 1 });
    await expect(gate.run(A, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await gate.run(A, () => Promise.resolve('yes'))).toBe('yes');
  });
});
