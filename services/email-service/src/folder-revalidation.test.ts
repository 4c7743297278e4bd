/** Baseline and revalidation against a folder made of UIDs and dates; the wire is tested elsewhere. */
import { describe, expect, it } from 'vitest';
import {
  decodeFolderState,
  encodeFolderState,
  type FolderState,
} from '@mailstream/shared/domain/folder-state';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { firstBaseline } from './folder-baseline.ts';
import { beginRevalidation, settleAcquaintances } from './folder-revalidation.ts';
import type { RunMessage } from './message-record.ts';
import type { ImapSession, OpenedFolder } from './ports/imap.ts';
import type { FolderRef } from './ports/leases.ts';
import type { Ledger } from './ports/ledger.ts';

const SECOND = '2026-01-01T10:00:00.000Z';
const at = (seconds: number): Date => new Date(Date.parse(SECOND) + seconds * 1000);
const FOLDER: FolderRef = {
  tenant: tenantId('11111111-1111-4111-8111-111111111111'),
  id: providerId('22222222-2222-4222-8222-222222222222'),
  folder: 'INBOX',
};

/** Only what these two use of a session. */
function sessionOf(messages: ReadonlyMap<number, Date>): ImapSession {
  const uids = [...messages.keys()].sort((a, b) => a - b);
  return {
    listUids: (from: number) => Promise.resolve(uids.filter((uid) => uid >= from)),
    sizes: (asked: readonly number[]) =>
      Promise.resolve(
        new Map(asked.map((uid) => [uid, { size: 1, internalDate: messages.get(uid) ?? null }])),
      ),
    listUidsSince: (day: string) =>
      Promise.resolve(uids.filter((uid) => (messages.get(uid)?.toISOString() ?? '') >= day)),
  } as unknown as ImapSession;
}

function opened(messages: ReadonlyMap<number, Date>, uidValidity = 1): OpenedFolder {
  const uidNext = Math.max(0, ...messages.keys()) + 1;
  return { path: 'INBOX', uidValidity, uidNext, exists: messages.size, uidNotSticky: false };
}

const now = at(100);
const OLD: FolderState = {
  uidValidity: 1,
  baselineUid: 2,
  baselineDate: SECOND,
  baselineTies: 1,
  lastUid: 2,
  holes: [],
  publishSeq: 5,
  revalidateUpTo: 0,
  lastSeenAt: null,
};

describe('the baseline', () => {
  const folder = new Map([
    [10, at(-5)],
    [20, at(0)],
    [30, at(0)],
  ]);

  it('is the newest message, with its date and how many share it', async () => {
    const state = await firstBaseline(sessionOf(folder), opened(folder), { kind: 'now' }, now);
    expect(state).toMatchObject({ baselineUid: 30, lastUid: 30, baselineDate: SECOND, baselineTies: 2 });
  });

  it('of an empty folder is 0', async () => {
    const state = await firstBaseline(sessionOf(new Map()), opened(new Map()), { kind: 'now' }, now);
    expect(state).toMatchObject({ baselineUid: 0, lastUid: 0, baselineDate: null });
  });

  it.each([
    [1, 29],
    [2, 19],
    [3, 9],
    [99, 9],
    [0, 30],
  ])('for the last %i messages lies below them', async (count, baselineUid) => {
    expect(
      (await firstBaseline(sessionOf(folder), opened(folder), { kind: 'last', count }, now)).baselineUid,
    ).toBe(baselineUid);
  });

  it('since a day lies below its first message, or at the top when there is none', async () => {
    const since = async (date: string): Promise<number> =>
      (await firstBaseline(sessionOf(folder), opened(folder), { kind: 'since', date }, now)).baselineUid;
    expect(await since('2026-01-01')).toBe(9);
    expect(await since('2027-01-01')).toBe(30);
  });

  it('is found where the server does not tell UIDNEXT', async () => {
    const state = await firstBaseline(
      sessionOf(folder),
      { ...opened(folder), uidNext: 0 },
      { kind: 'now' },
      now,
    );
    expect(state.baselineUid).toBe(30);
  });
});

describe('after a UIDVALIDITY change', () => {
  const before = new Map([
    [10, at(-5)],
    [20, at(0)],
  ]);

  it('mail of the baseline’s own second that came later is not taken for old', async () => {
    const old = await firstBaseline(sessionOf(before), opened(before), { kind: 'now' }, now);
    const rebuilt = new Map([
      [1, at(-5)],
      [2, at(0)],
      [3, at(0)],
      [4, at(9)],
    ]);
    const state = await beginRevalidation(sessionOf(rebuilt), opened(rebuilt, 2), old);
    expect(state).toMatchObject({
      uidValidity: 2,
      baselineUid: 2,
      lastUid: 2,
      revalidateUpTo: 4,
      publishSeq: old.publishSeq,
    });
  });

  it('old mail that the server numbers among newer mail is still old, and no more of its second than there was', async () => {
    const old = await firstBaseline(sessionOf(before), opened(before), { kind: 'now' }, now);
    const shuffled = new Map([
      [1, at(-5)],
      [2, at(9)],
      [3, at(0)],
      [4, at(0)],
    ]);
    const begun = await beginRevalidation(sessionOf(shuffled), opened(shuffled, 2), old);
    expect(begun).toMatchObject({ baselineUid: 1, baselineTies: 1, baselineTiesAbove: 1 });
    expect(decodeFolderState(encodeFolderState(begun))).toEqual(begun);
    const settled = await settleAcquaintances(ledgerWith({}), FOLDER, begun, [
      message(2, 'x', at(9)),
      message(3, 'y', at(0)),
      message(4, 'z', at(0)),
    ]);
    expect(settled.map(({ record }) => record.reason)).toEqual([null, 'before_baseline', null]);
    // In order again after another change.
    const again = await beginRevalidation(sessionOf(before), opened(before, 3), begun);
    expect(again).toMatchObject({ baselineUid: 20, baselineTies: 1 });
    expect(again).not.toHaveProperty('baselineTiesAbove');
  });

  const message = (uid: number, hash: string, date = at(50)): RunMessage => ({
    record: {
      uid,
      messageId: '<same@id>',
      contentHash: hash,
      size: 1,
      internalDate: date,
      emailId: null,
      sender: null,
      subject: null,
      storageKey: 'k',
      status: 'received',
      reason: null,
    },
    entry: null,
  });
  const ledgerWith = (counts: Record<string, number>): Ledger =>
    ({
      unmatchedContent: () =>
        Promise.resolve({ byHash: new Map(Object.entries(counts)), byEmailId: new Map() }),
    }) as unknown as Ledger;
  const state = { ...OLD, uidValidity: 2, revalidateUpTo: 9, baselineDate: SECOND };

  it('as many messages as the ledger knows of the same bytes are skipped, not one more', async () => {
    const settled = await settleAcquaintances(ledgerWith({ a: 1 }), FOLDER, state, [
      message(3, 'a'),
      message(4, 'a'),
      message(5, 'b'),
    ]);
    expect(settled.map(({ record }) => record.reason)).toEqual(['same_content', null, null]);
  });

  it('mail from before the baseline in the middle of the folder stays unseen', async () => {
    const [settled] = await settleAcquaintances(ledgerWith({}), FOLDER, state, [message(3, 'x', at(-1))]);
    expect(settled?.record).toMatchObject({ status: 'skipped', reason: 'before_baseline' });
  });

  it('what arrives above the old end of the folder is not compared with anything', async () => {
    const [settled] = await settleAcquaintances(ledgerWith({ a: 1 }), FOLDER, state, [message(10, 'a')]);
    expect(settled?.record.status).toBe('received');
  });
});
