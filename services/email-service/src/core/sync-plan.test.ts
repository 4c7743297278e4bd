import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import { MAX_CRASHES, MAX_KILLS, attemptMode, listFrom, planOpen, planRuns, selectNew } from './sync-plan.ts';

const STATE: FolderState = {
  uidValidity: 7,
  baselineUid: 100,
  baselineDate: null,
  baselineTies: 0,
  lastUid: 500,
  holes: [],
  publishSeq: 3,
  revalidateUpTo: 0,
  lastSeenAt: null,
};

describe('opening a folder', () => {
  it.each([
    ['for the first time stores a baseline', null, { uidValidity: 7, uidNext: 1 }, 'baseline'],
    ['goes on from the cursor', STATE, { uidValidity: 7, uidNext: 501 }, 'continue'],
    ['goes on where the server does not tell UIDNEXT', STATE, { uidValidity: 7, uidNext: 0 }, 'continue'],
    ['revalidates under a greater UIDVALIDITY', STATE, { uidValidity: 8, uidNext: 1 }, 'revalidate'],
    ['revalidates under a smaller UIDVALIDITY too', STATE, { uidValidity: 6, uidNext: 900 }, 'revalidate'],
    ['lists everything where UIDNEXT went back', STATE, { uidValidity: 7, uidNext: 500 }, 'relist'],
  ] as const)('%s', (_name, state, opened, plan) => {
    expect(planOpen(state, opened)).toBe(plan);
  });

  it('never looks at or below the baseline', () => {
    expect(listFrom(STATE, 1000)).toBe(101);
    expect(listFrom(STATE, 100)).toBe(401);
  });
});

describe('selecting what is new', () => {
  it('takes the lowest first and says when something is left', () => {
    const settled = new Set([3, 5]);
    const isSettled = (uid: number): boolean => settled.has(uid);
    expect(selectNew([2, 3, 4, 5, 6], isSettled, 2, () => true)).toEqual({ uids: [2, 4], more: true });
    expect(selectNew([2, 3, 4, 5, 6], isSettled, 3, () => true)).toEqual({ uids: [2, 4, 6], more: false });
  });

  it('leaves out holes that are not due', () => {
    expect(
      selectNew(
        [2, 4],
        () => false,
        10,
        (uid) => uid !== 2,
      ).uids,
    ).toEqual([4]);
  });
});

describe('cutting into runs', () => {
  const messages = fc.uniqueArray(
    fc.record({ uid: fc.integer({ min: 1, max: 999 }), size: fc.integer({ min: 0, max: 5_000 }) }),
    {
      selector: (message) => message.uid,
      maxLength: 60,
    },
  );
  const limits = { maxMessages: 10, maxRunBytes: 4_000 };

  it('keeps every UID once and in order, within the limits, suspects and large ones alone', () => {
    fc.assert(
      fc.property(messages, (list) => {
        const sorted = [...list].sort((a, b) => a.uid - b.uid);
        const sizes = new Map(sorted.map(({ uid, size }) => [uid, size]));
        const isSuspect = (uid: number): boolean => uid % 7 === 0;
        const uids = sorted.map(({ uid }) => uid);
        const runs = planRuns(uids, sizes, limits, isSuspect);
        expect(runs.flatMap((run) => run.uids)).toEqual(uids);
        for (const run of runs) {
          const bytes = run.uids.reduce((sum, uid) => sum + (sizes.get(uid) ?? 0), 0);
          if (run.alone) expect(run.uids).toHaveLength(1);
          else {
            expect(run.uids.length).toBeLessThanOrEqual(limits.maxMessages);
            expect(bytes).toBeLessThanOrEqual(limits.maxRunBytes);
            expect(run.uids.some(isSuspect)).toBe(false);
          }
        }
      }),
    );
  });
});

describe('trying a message again', () => {
  it('reads it in headers only after it ended its parser three times', () => {
    expect(attemptMode({ kills: MAX_KILLS - 1, crashes: 0 })).toBe('full');
    expect(attemptMode({ kills: MAX_KILLS, crashes: 0 })).toBe('headersOnly');
    expect(attemptMode({ kills: 2 * MAX_KILLS, crashes: 0 })).toBe('giveUp');
  });

  it('blames it later for processes that died with it in hand', () => {
    expect(attemptMode({ kills: 0, crashes: MAX_CRASHES - 1 })).toBe('full');
    expect(attemptMode({ kills: 0, crashes: MAX_CRASHES })).toBe('headersOnly');
    expect(attemptMode({ kills: 0, crashes: 2 * MAX_CRASHES })).toBe('giveUp');
  });
});
