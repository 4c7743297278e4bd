import { describe, expect, it } from 'vitest';
import { decide, judgeClaimed, PARENT_WAITS } from './delivery-decision.ts';

const history = {
  attempts: 1,
  maxAttempts: 5,
  retryBaseMs: 30_000,
  parentWaits: 0,
  unavailableInRow: 0,
  isAlone: false,
};
const failed = { kind: 'failed', code: 'X', detail: 'd' } as const;

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
      const decision = decide(failed, { ...history, attempts }, 0);
      if (decision.kind === 'comeBack') delays.push(decision.delayMs);
    }
    expect(delays).toEqual([30_000, 60_000, 120_000, 240_000]);
    expect(decide(failed, history, 0.999)).toMatchObject({ delayMs: 32_997 });
    expect(decide(failed, { ...history, attempts: 5 }, 0)).toMatchObject({
      kind: 'deadLetter',
      code: 'WORKER_FAILED',
    });
  });

  it.each([
    [1, '1 attempt failed: d'],
    [5, '5 attempts failed: d'],
  ])('says in words that %d failed', (attempts, detail) => {
    expect(decide(failed, { ...history, attempts, maxAttempts: attempts }, 0)).toMatchObject({ detail });
  });

  it('never counts a dependency that is away, unless this entry alone drives it away', () => {
    expect(decide({ kind: 'unavailable' }, { ...history, attempts: 99 }, 0)).toEqual({ kind: 'hold' });
    expect(decide({ kind: 'unavailable' }, { ...history, unavailableInRow: 2 }, 0)).toEqual({ kind: 'hold' });
    expect(decide({ kind: 'unavailable' }, { ...history, unavailableInRow: 3 }, 0)).toEqual({
      kind: 'isolate',
    });
    expect(
      decide({ kind: 'unavailable' }, { ...history, unavailableInRow: 3, isAlone: true }, 0),
    ).toMatchObject({
      kind: 'comeBack',
      countsAsAttempt: true,
    });
  });

  it.each(['parentPending', 'originalUnreadable'] as const)(
    'waits for another mail without counting an attempt, soon at first, then as long as one may be tried: %s',
    (kind) => {
      const delayAfter = (parentWaits: number): number => {
        const decision = decide({ kind }, { ...history, attempts: 99, parentWaits }, 0);
        if (decision.kind !== 'comeBack' || decision.countsAsAttempt) throw new Error(decision.kind);
        return decision.delayMs;
      };
      expect([0, 19, 20].map(delayAfter)).toEqual([500, 500, 15_000]);
      const whole = Array.from({ length: PARENT_WAITS }, (_, waits) => delayAfter(waits));
      expect(whole.reduce((sum, delay) => sum + delay, 0)).toBeGreaterThan(
        1.1 * (30 + 60 + 120 + 240) * 1000,
      );
    },
  );
});

describe('judgeClaimed', () => {
  it('suspects an entry from the second lost attempt on and gives up after the last', () => {
    expect([1, 2, 5, 6].map((attempts) => judgeClaimed(attempts, attempts, 5))).toEqual([
      'normal',
      'suspect',
      'suspect',
      'killer',
    ]);
  });

  it('does not suspect one whose attempts failed in the open', () => {
    expect(judgeClaimed(1, 4, 5)).toBe('normal');
  });
});
