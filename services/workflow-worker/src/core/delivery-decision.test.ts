import { describe, expect, it } from 'vitest';
import { decide, judgeClaimed } from './delivery-decision.ts';

const history = { attempts: 1, maxAttempts: 5, unavailableInRow: 0 };

describe('decide', () => {
  it.each(['ticket', 'comment', 'duplicate'] as const)('acknowledges a %s', (effect) => {
    expect(decide({ kind: 'done', effect }, history, 0)).toEqual({ kind: 'acknowledge' });
  });

  it('makes a dead letter at once of what can never have an effect', () => {
    expect(decide({ kind: 'refused', code: 'X', detail: 'y' }, history, 0)).toEqual({
      kind: 'deadLetter',
      code: 'X',
      detail: 'y',
    });
  });

  it('lets a failed entry come back with growing delay until no attempt is left', () => {
    const delays: number[] = [];
    for (let attempts = 1; attempts < 5; attempts += 1) {
      const decision = decide({ kind: 'failed', detail: 'd' }, { ...history, attempts }, 0);
      if (decision.kind === 'comeBack') delays.push(decision.delayMs);
    }
    expect(delays).toEqual([500, 1000, 2000, 4000]);
    expect(decide({ kind: 'failed', detail: 'd' }, { ...history, attempts: 5 }, 0)).toMatchObject({
      kind: 'deadLetter',
      code: 'WORKER_FAILED',
    });
  });

  it('never counts a dependency that is away, unless this entry alone drives it away', () => {
    expect(decide({ kind: 'unavailable' }, { ...history, attempts: 99 }, 0)).toEqual({ kind: 'hold' });
    expect(decide({ kind: 'unavailable' }, { ...history, unavailableInRow: 2 }, 0)).toEqual({ kind: 'hold' });
    expect(decide({ kind: 'unavailable' }, { ...history, unavailableInRow: 3 }, 0)).toMatchObject({
      kind: 'comeBack',
      countsAsAttempt: true,
    });
  });

  it('waits for a parent without counting an attempt', () => {
    expect(decide({ kind: 'parentPending' }, { ...history, attempts: 99 }, 0)).toMatchObject({
      kind: 'comeBack',
      countsAsAttempt: false,
    });
  });
});

describe('judgeClaimed', () => {
  it('suspects an entry from the second lost attempt on and gives up after the last', () => {
    expect([1, 2, 5, 6].map((attempts) => judgeClaimed(attempts, 5))).toEqual([
      'normal',
      'suspect',
      'suspect',
      'killer',
    ]);
  });
});
