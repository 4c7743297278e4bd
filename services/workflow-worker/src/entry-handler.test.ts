import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { describe, expect, it } from 'vitest';
import { createEntryHandler, type EntryHandler, type Visit } from './entry-handler.ts';
import type { DecodedEntry } from './entry-decoder.ts';
import type { AttemptStart, DeadLetter, EffectOutcome, PastAttempt } from './ports.ts';

const ID = '00000000-0000-4000-8000-000000000000';
const entry = { stream: 's', id: '1-0', fields: ['tenant', ID] };
const decoded = {
  kind: 'email',
  // The handler hands the mail on and never looks into it.
  message: { eventId: ID, tenant: tenantId(ID), providerId: providerId(ID), email: {} },
} as unknown as DecodedEntry;
const FIRST: Visit = { isFresh: true, isAlone: false, parentWaits: 0 };
const AGAIN: Visit = { isFresh: false, isAlone: true, parentWaits: 0 };

/** Redis's part of the memory, and what was done in order. */
function world(
  apply: () => Promise<EffectOutcome>,
  victimsOfOutage = 1,
): {
  handle: (visit: Visit) => ReturnType<EntryHandler>;
  readonly clock: FakeClock;
  readonly steps: string[];
  readonly letters: DeadLetter[];
} {
  const clock = new FakeClock();
  const steps: string[] = [];
  const letters: DeadLetter[] = [];
  let record: { attempts: number; dueAtMs: number; past: readonly PastAttempt[] } | null = null;
  const handle = createEntryHandler({
    source: {
      beginAttempt: (_ref, nowMs): Promise<AttemptStart> => {
        const { attempts, dueAtMs, past } = record ?? { attempts: 0, dueAtMs: 0, past: [] };
        if (dueAtMs > nowMs) return Promise.resolve({ kind: 'early', dueAtMs });
        record = { attempts: attempts + 1, dueAtMs, past };
        return Promise.resolve({ kind: 'begun', attempts: attempts + 1, past });
      },
      uncountAttempt: () => {
        if (record !== null) record = { ...record, attempts: record.attempts - 1 };
        return Promise.resolve();
      },
      noteRetry: (_ref, retry) => {
        record = retry;
        steps.push('noted');
        return Promise.resolve();
      },
      copyToDeadLetters: () => Promise.resolve(void steps.push('copied')),
      acknowledge: () => Promise.resolve(void steps.push('acknowledged')),
    },
    inbox: {
      apply: async () => {
        steps.push('tried');
        return await apply();
      },
    },
    deadLetters: {
      keep: (_entry, _identity, letter) => {
        steps.push('kept');
        letters.push(letter);
        return Promise.resolve('kept');
      },
    },
    database: {
      recovered: () => Promise.resolve(),
      failed: () => Promise.resolve(victimsOfOutage),
      isDown: () => false,
    },
    metrics: createMetrics(),
    clock,
    log: createLogger({ service: 'test', level: 'silent' }),
    maxAttempts: 5,
    retryBaseMs: 30_000,
    signal: new AbortController().signal,
  });
  return { handle: (visit) => handle({ entry, decoded }, visit), clock, steps, letters };
}

const fail = (): Promise<EffectOutcome> =>
  Promise.reject(Object.assign(new Error('never shown'), { code: '22P02' }));

describe('an entry', () => {
  it('is acknowledged only after its effect', async () => {
    const { handle, steps } = world(() => Promise.resolve({ kind: 'duplicate' }));
    expect(await handle(FIRST)).toEqual({ kind: 'settled' });
    expect(steps).toEqual(['tried', 'acknowledged']);
  });

  it('that fails is tried five times, after 30, 60, 120 and 240 seconds, and is then a dead letter with its history', async () => {
    const { handle, clock, steps, letters } = world(fail);
    const delays: number[] = [];
    let visit = FIRST;
    for (;;) {
      const settlement = await handle(visit);
      if (settlement.kind !== 'comeBack') break;
      delays.push(settlement.delayMs);
      // Whoever has it a moment too early only waits for the rest.
      clock.advance(settlement.delayMs - 1);
      expect(await handle(AGAIN)).toMatchObject({ kind: 'comeBack', delayMs: 1 });
      clock.advance(1);
      visit = AGAIN;
    }
    for (const [index, seconds] of [30, 60, 120, 240].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(seconds * 1_000);
      expect(delays[index]).toBeLessThanOrEqual(seconds * 1_100);
    }
    expect(delays).toHaveLength(4);
    expect(steps.slice(-4)).toEqual(['tried', 'kept', 'copied', 'acknowledged']);
    expect(letters).toMatchObject([{ code: 'WORKER_FAILED', attempts: 5 }]);
    expect(letters[0]?.past.map(({ attempt, code }) => [attempt, code])).toEqual(
      [1, 2, 3, 4, 5].map((attempt) => [attempt, '22P02']),
    );
    expect(JSON.stringify(letters)).not.toContain('never shown');
    const times = letters[0]?.past.map(({ at }) => Date.parse(at)) ?? [];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  const cut = (times: number): (() => Promise<EffectOutcome>) => {
    let left = times;
    return () => {
      left -= 1;
      return left >= 0
        ? Promise.reject(new FaultError({ kind: 'transient', code: 'DATABASE_UNAVAILABLE', detail: 'cut' }))
        : Promise.resolve({ kind: 'duplicate' });
    };
  };

  it('whose connection ends each time although nobody else suffers is isolated, then blamed', async () => {
    const { handle, steps } = world(cut(10));
    expect(await handle(FIRST)).toMatchObject({ kind: 'comeBack', alone: true });
    expect(await handle(AGAIN)).toMatchObject({ kind: 'comeBack', delayMs: expect.any(Number) as number });
    expect(steps.filter((step) => step === 'noted')).toHaveLength(1);
  });

  it('is not blamed for outages that others suffer as well', async () => {
    const { handle, steps } = world(cut(10), 2);
    expect(await handle(AGAIN)).toEqual({ kind: 'settled' });
    expect(steps).not.toContain('noted');
  });

  it('is found when the whole database ends whenever it is handled', async () => {
    const { handle, steps } = world(cut(100), 2);
    expect(await handle(AGAIN)).toMatchObject({ kind: 'comeBack' });
    expect(steps).toContain('noted');
  });
});
