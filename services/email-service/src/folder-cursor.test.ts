import { describe, expect, it } from 'vitest';
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import { FolderCursor } from './folder-cursor.ts';

const STATE: FolderState = {
  uidValidity: 1,
  baselineUid: 0,
  baselineDate: null,
  baselineTies: 0,
  lastUid: 9,
  holes: [],
  publishSeq: 9,
  revalidateUpTo: 0,
  lastSeenAt: null,
};

describe('a hole that the server no longer lists', () => {
  it('is not due again at once in the session that listed it, and gone for the next one', () => {
    const session = {};
    const cursor = new FolderCursor(STATE, [], new Map(), session);
    cursor.addHole(5, session, 0);
    const dueMs = cursor.nextHoleDueMs(0) ?? 0;
    cursor.confirmGone(new Set(), session, dueMs);
    expect(cursor.holes).toEqual([5]);
    // Due again at once would be a loop without end: every look finds it due and not there.
    expect(cursor.nextHoleDueMs(dueMs)).toBeGreaterThan(dueMs);
    cursor.confirmGone(new Set(), {}, dueMs);
    expect(cursor.holes).toEqual([]);
  });

  it('stays while it is listed, whatever the session', () => {
    const session = {};
    const cursor = new FolderCursor(STATE, [], new Map(), session);
    cursor.addHole(5, session, 0);
    cursor.confirmGone(new Set([5]), {}, 1e9);
    expect(cursor.holes).toEqual([5]);
  });
});
