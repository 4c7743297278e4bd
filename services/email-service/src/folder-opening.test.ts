import { describe, expect, it } from 'vitest';
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import { instanceId, providerId, tenantId } from '@mailstream/shared/domain/ids';
import type { FolderCursor } from './folder-cursor.ts';
import { readCursor, type FolderOpening } from './folder-opening.ts';
import type { ImapSession } from './ports/imap.ts';
import type { FolderPart } from './ports/ledger.ts';

const OPENED = { path: 'INBOX', uidValidity: 7, uidNext: 10, exists: 0, uidNotSticky: false };

/** Opens a folder without a cursor; the ledger has a row and an attempt of it, or nothing. */
async function openedAnew(isBlank: boolean): Promise<{
  readonly cursor: FolderCursor;
  readonly asked: readonly (FolderPart | null)[];
  readonly isToldBlank: boolean;
}> {
  const asked: (FolderPart | null)[] = [];
  let isToldBlank = false;
  const ledger = {
    readFolder: (_folder: unknown, wanted: (state: FolderState | null) => FolderPart | null) => {
      const part = wanted(null);
      asked.push(part);
      if (part === null || isBlank)
        return Promise.resolve({ state: null, isBlank, known: [], unended: new Map() });
      const unended = new Map([[15, { kills: 1, crashes: 0 }]]);
      return Promise.resolve({ state: null, isBlank, known: [12], unended });
    },
    putFolderState: () => Promise.resolve({ kind: 'stored' }),
  };
  const opening = {
    deps: {
      ...{ ledger, wideOverlap: 100 },
      log: { info: () => undefined },
      clock: { now: () => new Date(0) },
    },
    folder: {
      tenant: tenantId('00000000-0000-4000-8000-000000000001'),
      id: providerId('00000000-0000-4000-9000-000000000001'),
      folder: 'INBOX',
    },
    term: { owner: instanceId('00000000-0000-4000-a000-000000000001'), epoch: 1 },
    startFrom: { kind: 'now' },
    beforeAttemptsAreRead: () => Promise.resolve(),
    onNewUidValidity: () => undefined,
    onBlank: () => (isToldBlank = true),
  } as unknown as FolderOpening;
  const session = {} as ImapSession;
  const cursor = await readCursor(opening, session, OPENED, new AbortController().signal);
  return { cursor, asked, isToldBlank };
}

describe('a folder that begins', () => {
  it('knows what is recorded of it, also where its cursor is gone', async () => {
    const { cursor, asked, isToldBlank } = await openedAnew(false);
    expect(cursor.state).toMatchObject({ uidValidity: 7, lastUid: 9 });
    expect(asked).toEqual([null, { uidValidity: 7, from: 10 }]);
    expect([cursor.isSettled(12), cursor.isSettled(13)]).toEqual([true, false]);
    expect([...cursor.suspects]).toEqual([[15, { kills: 1, crashes: 0 }]]);
    expect(isToldBlank).toBe(false);
  });

  it('is asked about once where nothing is', async () => {
    const { cursor, asked, isToldBlank } = await openedAnew(true);
    expect(cursor.state).toMatchObject({ uidValidity: 7, lastUid: 9 });
    expect(asked).toEqual([null]);
    expect([cursor.isSettled(12), cursor.suspects.size]).toEqual([false, 0]);
    expect(isToldBlank).toBe(true);
  });
});
