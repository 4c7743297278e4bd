/**
 * Compares one whole folder with the ledger and mends what is missing (DESIGN, promise P5).
 *
 * 1. List every UID at or above the baseline, then read the ledger: what is committed meanwhile is in the ledger already, so a
 *    batch in flight is never taken for a loss. Only UIDs up to the cursor count; what is above is on its way (`waiting`).
 * 2. What the server shows and the ledger does not have is asked for like any other message: fetched, committed, published.
 * 3. List and read those again. `found`: in the ledger now. `missing`: the server still shows it and it is still not in the
 *    ledger, for whatever reason, a hole that the server does not deliver included. Gone meanwhile counts as neither.
 *
 * Memory: the folder's UIDs as numbers, the ledger's as ranges, read in pages; a folder of 100,000 messages takes a few MB.
 */
import type { Logger } from '@mailstream/shared/runtime/logger';
import { MAX_HOLES } from './core/sync-plan.ts';
import { UidRanges } from './core/uid-ranges.ts';
import type { FolderCursor } from './folder-cursor.ts';
import type { AuditCounts } from './ports/folder-status.ts';
import type { ImapSession } from './ports/imap.ts';
import type { FolderRef } from './ports/leases.ts';
import type { Ledger } from './ports/ledger.ts';

export interface FolderAuditDeps {
  readonly ledger: Pick<Ledger, 'knownUids'>;
  readonly folder: FolderRef;
  readonly log: Logger;
  /** Fetches, commits and publishes what is due. */
  readonly pass: () => Promise<unknown>;
  /** True when the cursor is not this folder's any more, or the work should end. */
  readonly isOver: () => boolean;
  readonly monotonicMs: () => number;
  /** Messages of one pass. */
  readonly maxMessages: number;
}

const PAGE = 10_000;

/**
 * @param lost UIDs that earlier audits of this folder missed and could not bring to their end; emptied when this one does.
 * @returns null when it was told to end before the result was known.
 * @throws FaultError of the session, the ledger or the pass; to be tried again later.
 */
export async function auditFolder(
  deps: FolderAuditDeps,
  session: ImapSession,
  cursor: FolderCursor,
  lost: Set<number>,
): Promise<AuditCounts | null> {
  const { baselineUid, lastUid, uidValidity } = cursor.state;
  const listed = await session.listUids(baselineUid + 1, []);
  const known = await knownRanges(deps, uidValidity, baselineUid + 1);
  const holes = new Set(cursor.holes);
  const strangers = listed.filter((uid) => !known.has(uid));
  const absent = strangers.filter((uid) => uid <= lastUid);
  const waiting = strangers.length - absent.length;
  const checked = listed.length - waiting;
  const fresh = absent.filter((uid) => !holes.has(uid));
  for (const uid of fresh) lost.add(uid);
  if (fresh.length > 0) {
    const fields = { count: fresh.length, total: checked, folder: deps.folder.folder };
    deps.log.error('audit found messages that are not in the ledger', fields);
  }

  if (!(await mend(deps, session, cursor, absent))) return null;

  const missing = await stillMissing(deps, session, cursor, absent);
  const [first] = [...lost].sort((a, b) => a - b);
  const now = first === undefined ? new UidRanges() : await knownRanges(deps, uidValidity, first);
  const found = [...lost].filter((uid) => now.has(uid)).length;
  lost.clear();
  return { uidValidity, checked, missing, found, waiting };
}

/** Asks for these, which the folder has and the ledger has not, in portions that fit beside the holes there are; false when it was told to end. */
export async function mend(
  deps: FolderAuditDeps,
  session: ImapSession,
  cursor: FolderCursor,
  absent: readonly number[],
): Promise<boolean> {
  for (let begin = 0; begin < absent.length;) {
    const known = new Set(cursor.holes);
    const room = MAX_HOLES - known.size;
    const portion = absent.slice(begin, begin + Math.max(room, 0));
    // A server that leaves so many open will not deliver more: the count says so.
    if (portion.length === 0) break;
    begin += portion.length;
    cursor.found(portion, session);
    // Each is asked for once at least; one that a pass had to leave out gets another chance.
    const rounds = Math.ceil(portion.length / deps.maxMessages) + 2;
    for (let round = 0; round < rounds && cursor.hasDueHole(portion, deps.monotonicMs()); round += 1) {
      await deps.pass();
      if (deps.isOver()) return false;
    }
  }
  return !deps.isOver();
}

/** How many of these the server still shows while they are not in the ledger. */
export async function stillMissing(
  deps: FolderAuditDeps,
  session: ImapSession,
  cursor: FolderCursor,
  absent: readonly number[],
): Promise<number> {
  const [first] = absent;
  if (first === undefined) return 0;
  const shown = new Set(await session.listUids(first, []));
  const known = await knownRanges(deps, cursor.state.uidValidity, first);
  return absent.filter((uid) => shown.has(uid) && !known.has(uid)).length;
}

/** What the ledger has of this numbering from there on, read in pages. */
export async function knownRanges(
  deps: FolderAuditDeps,
  uidValidity: number,
  from: number,
): Promise<UidRanges> {
  const known = new UidRanges();
  for (let next = from; ;) {
    const page = await deps.ledger.knownUids(deps.folder, uidValidity, next, PAGE);
    for (const uid of page) known.add(uid);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return known;
    next = last + 1;
  }
}
