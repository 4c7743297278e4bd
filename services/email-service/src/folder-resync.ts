/**
 * Fetches older mail of a folder that somebody asks for: from before its baseline, or lost since. Or only counts it (dry run).
 *
 * 1. Where would the folder begin, had it been connected with this starting point? The same code says so that a first connect uses.
 * 2. List every UID from there up to the cursor, and leave out what is in the ledger: nothing in there is fetched again.
 * 3. Move the baseline down, in the statement that is conditional on the term and on the cursor, which itself does not move. Whoever
 *    owns the folder next now finds by an audit what is missing, should this one end here.
 * 4. Ask for the rest like any other message: fetched, committed, published, in portions.
 *
 * The request stays open until its result is stored. A second attempt finds in the ledger what the first one brought.
 */
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import type { StartFrom } from '@mailstream/shared/domain/provider';
import { knownRanges, mend, stillMissing, type FolderAuditDeps } from './folder-audit.ts';
import { firstBaseline } from './folder-baseline.ts';
import type { FolderCursor } from './folder-cursor.ts';
import type { ResyncCounts } from './ports/folder-status.ts';
import type { ImapSession, OpenedFolder } from './ports/imap.ts';

export interface FolderResyncDeps extends FolderAuditDeps {
  /** Stores the folder's state with a lower baseline, fenced, and takes it over into the cursor. */
  readonly lowerBaseline: (state: FolderState) => Promise<void>;
  readonly now: () => Date;
}

/**
 * @param opened as EXAMINE told just now; its UIDVALIDITY is the cursor's
 * @returns null when it was told to end before the result was known
 * @throws FaultError of the session, the ledger or the pass; to be tried again later
 */
export async function resyncFolder(
  deps: FolderResyncDeps,
  session: ImapSession,
  cursor: FolderCursor,
  request: { readonly opened: OpenedFolder; readonly startFrom: StartFrom; readonly isDryRun: boolean },
): Promise<ResyncCounts | null> {
  const { baselineUid, uidValidity, lastUid: toUid } = cursor.state;
  const first = await firstBaseline(session, request.opened, request.startFrom, deps.now());
  const fromUid = first.baselineUid;
  const listed = (await session.listUids(fromUid + 1, [])).filter((uid) => uid <= toUid);
  const ledger = await knownRanges(deps, uidValidity, fromUid + 1);
  const absent = listed.filter((uid) => !ledger.has(uid));
  const counts = { uidValidity, fromUid, toUid, listed: listed.length, known: listed.length - absent.length };
  if (deps.isOver()) return null;
  if (request.isDryRun) return { ...counts, missing: 0 };

  if (fromUid < baselineUid) await deps.lowerBaseline(lowered(cursor.state, first));
  if (!(await mend(deps, session, cursor, absent))) return null;
  return { ...counts, missing: await stillMissing(deps, session, cursor, absent) };
}

/** Only the beginning changes; what tells old mail from new after a UIDVALIDITY change belongs to it. */
function lowered(state: FolderState, { baselineUid, baselineDate, baselineTies }: FolderState): FolderState {
  const { baselineTiesAbove: _ofTheOldOne, ...rest } = state;
  return { ...rest, baselineUid, baselineDate, baselineTies };
}
