/** What is known of a folder when it is opened: its cursor, read from the ledger, begun anew, or matched against a new UIDVALIDITY. */
import { assertNever } from '@mailstream/shared/domain/never';
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import type { ImapProvider } from '@mailstream/shared/domain/provider';
import { listFrom, planOpen, type OpenPlan } from './core/sync-plan.ts';
import { firstBaseline } from './folder-baseline.ts';
import { FolderCursor } from './folder-cursor.ts';
import { beginRevalidation } from './folder-revalidation.ts';
import { changedFault, fencedFault } from './ingest-steps.ts';
import type { IngestDeps } from './message-run.ts';
import type { ImapSession, OpenedFolder } from './ports/imap.ts';
import type { FolderRef, Term } from './ports/leases.ts';
import type { CursorPosition } from './ports/ledger.ts';

export interface FolderOpening {
  readonly deps: Pick<IngestDeps, 'ledger' | 'log' | 'clock' | 'wideOverlap'>;
  readonly folder: FolderRef;
  readonly term: Term;
  readonly startFrom: ImapProvider['startFrom'];
  /** Takes back attempts that nobody died of. */
  readonly beforeAttemptsAreRead: () => Promise<void>;
  /** Nothing was ever recorded of the folder but the cursor that it has now. */
  readonly onBlank: () => void;
  /** What was known by UIDs means nothing any more. */
  readonly onNewUidValidity: () => void;
}

/** @throws FaultError of the session or the ledger; `fenced`. Writes nothing once the signal has aborted. */
export async function readCursor(
  opening: FolderOpening,
  session: ImapSession,
  opened: OpenedFolder,
  signal: AbortSignal,
): Promise<FolderCursor> {
  const { deps, folder } = opening;
  const part = (state: FolderState, plan: OpenPlan): { uidValidity: number; from: number } => ({
    uidValidity: state.uidValidity,
    from: plan === 'relist' ? state.baselineUid + 1 : listFrom(state, deps.wideOverlap),
  });
  await opening.beforeAttemptsAreRead();
  const read = await deps.ledger.readFolder(folder, (state) => {
    const plan = planOpen(state, opened);
    return state === null || plan === 'baseline' || plan === 'revalidate' ? null : part(state, plan);
  });
  // A session that was given up must not write any more: the epoch fences other terms, not older sessions of ours.
  signal.throwIfAborted();
  const plan = planOpen(read.state, opened);
  const state = await startingState(opening, session, opened, plan, read.state, signal);
  const isAnew = plan === 'baseline' || plan === 'revalidate';
  const mustRead = isAnew && !read.isBlank;
  const { known, unended } = mustRead ? await deps.ledger.readFolder(folder, () => part(state, plan)) : read;
  signal.throwIfAborted();
  if (read.isBlank) opening.onBlank();
  // Of a rewound folder the row still holds the cursor that it had.
  const expected = plan === 'relist' && read.state !== null ? read.state : state;
  return new FolderCursor(state, known, unended, session, expected);
}

/** @throws FaultError `fenced`, or when somebody else has moved the cursor meanwhile */
export async function storeState(
  { deps, folder, term }: FolderOpening,
  state: FolderState,
  expected: CursorPosition | null,
): Promise<FolderState> {
  const stored = await deps.ledger.putFolderState(folder, term, state, expected);
  if (stored.kind === 'fenced') throw fencedFault();
  if (stored.kind === 'changed') throw changedFault();
  return state;
}

async function startingState(
  opening: FolderOpening,
  session: ImapSession,
  opened: OpenedFolder,
  plan: OpenPlan,
  stored: FolderState | null,
  signal: AbortSignal,
): Promise<FolderState> {
  const { deps, folder, startFrom } = opening;
  const { log, clock } = deps;
  const fields = { tenantId: folder.tenant, providerId: folder.id, folder: folder.folder };
  if (stored === null || plan === 'baseline') {
    const baseline = await firstBaseline(session, opened, startFrom, clock.now());
    log.info('baseline stored', { ...fields, count: baseline.baselineUid });
    signal.throwIfAborted();
    return storeState(opening, baseline, null);
  }
  switch (plan) {
    case 'continue':
      return stored;
    case 'relist': {
      log.warn('the server moved UIDNEXT back; looking at the whole folder', fields);
      // As if nothing above the new UIDNEXT had been settled; the ledger says what was.
      return { ...stored, lastUid: Math.max(opened.uidNext - 1, stored.baselineUid) };
    }
    case 'revalidate': {
      log.warn('UIDVALIDITY changed; matching the folder against the ledger', fields);
      opening.onNewUidValidity();
      const begun = await beginRevalidation(session, opened, stored);
      signal.throwIfAborted();
      return storeState(opening, begun, stored);
    }
    default:
      return assertNever(plan);
  }
}
