/**
 * After a UIDVALIDITY change every UID means something else (RFC 9051 section 2.3.1.1). The folder is read anew and matched
 * against the ledger by content, run by run, with the usual commits, so that a crash in the middle goes on where it was:
 * what we had becomes a row `skipped` under its new UID, what was there before the baseline stays unseen, the rest is new.
 * Message-ID alone never decides (DESIGN section 5): a sender may use it twice.
 *
 * Content is the SHA-256 of the raw bytes; where the ledger does not know them, because the server writes something into its copy,
 * EMAILID or X-GM-MSGID where the server has them (RFC 8474). In this order, because the ids of a server that was replaced are
 * new ones, and because an old row explains one message only: the same bytes delivered twice are two messages.
 * Mail from before the baseline is known by INTERNALDATE, the server's own clock on both sides of the comparison.
 */
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import type { RunMessage } from './message-record.ts';
import type { ImapSession, OpenedFolder } from './ports/imap.ts';
import type { FolderRef } from './ports/leases.ts';
import type { Ledger } from './ports/ledger.ts';

/** UIDs whose dates are asked for in one command. */
const DATES_PER_COMMAND = 500;

/** The folder's state to begin with; store it before anything else. @throws FaultError of the session. */
export async function beginRevalidation(
  session: ImapSession,
  opened: OpenedFolder,
  old: FolderState,
): Promise<FolderState> {
  const listed = opened.exists === 0 ? [] : await session.listUids(1, []);
  const { baselineTiesAbove: _, ...kept } = old;
  const { baselineUid, tiesAbove } = await oldMail(session, listed, old);
  return {
    ...kept,
    ...(tiesAbove === 0 ? {} : { baselineTiesAbove: tiesAbove }),
    uidValidity: opened.uidValidity,
    baselineUid,
    lastUid: baselineUid,
    holes: [],
    revalidateUpTo: listed.at(-1) ?? 0,
  };
}

/**
 * The unbroken run of old mail at the folder's beginning: its highest UID, 0 when the first message is new already.
 * In the baseline's own second only as many messages are old as there were: new mail may have come in it. Those that are not in
 * the run are still to come, among newer mail.
 */
async function oldMail(
  session: ImapSession,
  listed: readonly number[],
  { baselineDate, baselineTies }: FolderState,
): Promise<{ readonly baselineUid: number; readonly tiesAbove: number }> {
  if (baselineDate === null) return { baselineUid: 0, tiesAbove: 0 };
  const limit = Date.parse(baselineDate);
  let ties = baselineTies;
  let last = 0;
  for (let start = 0; start < listed.length; start += DATES_PER_COMMAND) {
    const uids = listed.slice(start, start + DATES_PER_COMMAND);
    const about = await session.sizes(uids);
    for (const uid of uids) {
      const date = about.get(uid)?.internalDate?.getTime() ?? Infinity;
      if (date > limit || (date === limit && ties === 0)) return { baselineUid: last, tiesAbove: ties };
      if (date === limit) ties -= 1;
      last = uid;
    }
  }
  // Nothing is left above it: what is missing was deleted.
  return { baselineUid: last, tiesAbove: 0 };
}

/** Turns messages of a folder under revalidation into `skipped` rows where the ledger knows their content. */
export async function settleAcquaintances(
  ledger: Ledger,
  folder: FolderRef,
  state: FolderState,
  messages: readonly RunMessage[],
): Promise<readonly RunMessage[]> {
  const doubtful = messages.filter((message) => message.record.uid <= state.revalidateUpTo);
  if (doubtful.length === 0) return messages;
  const open = await ledger.unmatchedContent(folder, state.uidValidity, {
    hashes: doubtful.flatMap((message) => message.record.contentHash ?? []),
    emailIds: doubtful.flatMap((message) => message.record.emailId ?? []),
  });
  const byEmailId = new Map(open.byEmailId);
  const byHash = new Map(open.byHash);
  let tiesAbove = state.baselineTiesAbove ?? 0;
  return messages.map((message) => {
    const { record } = message;
    if (record.uid > state.revalidateUpTo || record.status === 'skipped') return message;
    const areBytesKnown = record.contentHash !== null && open.byHash.has(record.contentHash);
    const isKnown = areBytesKnown ? take(byHash, record.contentHash) : take(byEmailId, record.emailId);
    if (isKnown) return skipped(message, 'same_content');
    const age = comparedWithBaseline(record.internalDate, state.baselineDate);
    if (age === 'newer' || (age === 'tied' && tiesAbove === 0)) return message;
    if (age === 'tied') tiesAbove -= 1;
    return skipped(message, 'before_baseline');
  });
}

function take(open: Map<string, number>, value: string | null): boolean {
  const left = value === null ? 0 : (open.get(value) ?? 0);
  if (value === null || left <= 0) return false;
  open.set(value, left - 1);
  return true;
}

function skipped(message: RunMessage, reason: 'same_content' | 'before_baseline'): RunMessage {
  return { record: { ...message.record, status: 'skipped', reason }, entry: null };
}

function comparedWithBaseline(date: Date | null, baselineDate: string | null): 'older' | 'tied' | 'newer' {
  if (date === null || baselineDate === null) return 'newer';
  const differenceMs = date.getTime() - Date.parse(baselineDate);
  return differenceMs < 0 ? 'older' : differenceMs === 0 ? 'tied' : 'newer';
}
