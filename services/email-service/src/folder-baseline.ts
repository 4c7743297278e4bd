/**
 * Where a folder begins at its first connect. By default everything that is there already stays unseen: the baseline is
 * UIDNEXT-1, stored at once, also for an empty folder, so that nothing that comes later can be missed.
 */
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import type { StartFrom } from '@mailstream/shared/domain/provider';
import { assertNever } from '@mailstream/shared/domain/never';
import type { ImapSession, OpenedFolder } from './ports/imap.ts';

/** First window of UIDs looked at to find the newest message; grows tenfold while it is empty. */
const FIRST_WINDOW = 1000;

/** @throws FaultError of the session. */
export async function firstBaseline(
  session: ImapSession,
  opened: OpenedFolder,
  startFrom: StartFrom,
  now: Date,
): Promise<FolderState> {
  const top = opened.uidNext > 0 ? opened.uidNext - 1 : await highestUid(session, opened, 0xffff_ffff);
  const baselineUid = await baselineFor(session, opened, startFrom, top);
  return {
    uidValidity: opened.uidValidity,
    baselineUid,
    ...(await newestDate(session, opened, baselineUid)),
    lastUid: baselineUid,
    holes: [],
    publishSeq: 0,
    revalidateUpTo: 0,
    lastSeenAt: now.toISOString(),
  };
}

async function baselineFor(
  session: ImapSession,
  opened: OpenedFolder,
  startFrom: StartFrom,
  top: number,
): Promise<number> {
  switch (startFrom.kind) {
    case 'now':
      return top;
    case 'last': {
      if (startFrom.count <= 0) return top;
      const uids = opened.exists === 0 ? [] : await session.listUids(1, []);
      // Everything below the first of the last N; arrivals since EXAMINE lie above `top` and belong to us anyway.
      const first = uids.filter((uid) => uid <= top).at(-startFrom.count) ?? uids[0];
      return first === undefined ? top : Math.min(top, first - 1);
    }
    case 'since': {
      const uids = opened.exists === 0 ? [] : await session.listUidsSince(startFrom.date);
      return uids[0] === undefined ? top : Math.min(top, uids[0] - 1);
    }
    default:
      return assertNever(startFrom);
  }
}

/** UIDs below the newest that are looked at for the same second. */
const TIE_WINDOW = 100;

/** INTERNALDATE of the newest message at or below the baseline, and how many share its second. */
async function newestDate(
  session: ImapSession,
  opened: OpenedFolder,
  baselineUid: number,
): Promise<Pick<FolderState, 'baselineDate' | 'baselineTies'>> {
  const none = { baselineDate: null, baselineTies: 0 };
  if (opened.exists === 0 || baselineUid === 0) return none;
  const uid = await highestUid(session, opened, baselineUid);
  if (uid === 0) return none;
  const nearby = (await session.listUids(Math.max(1, uid - TIE_WINDOW), [])).filter(
    (other) => other <= baselineUid,
  );
  const dates = [...(await session.sizes(nearby)).values()].map(
    (about) => about.internalDate?.getTime() ?? 0,
  );
  // The newest by date, not by UID: mail that is moved in keeps its date.
  const newest = Math.max(0, ...dates);
  if (newest === 0) return none;
  return {
    baselineDate: new Date(newest).toISOString(),
    baselineTies: dates.filter((date) => date === newest).length,
  };
}

/** Highest existing UID at or below `limit`; 0 when there is none. Looks in growing windows, not at the whole folder. */
async function highestUid(session: ImapSession, opened: OpenedFolder, limit: number): Promise<number> {
  if (opened.exists === 0) return 0;
  for (let window = FIRST_WINDOW; ; window *= 10) {
    const from = Math.max(1, limit - window);
    const found = (await session.listUids(from, [])).filter((uid) => uid <= limit).at(-1);
    if (found !== undefined) return found;
    if (from === 1) return 0;
  }
}
