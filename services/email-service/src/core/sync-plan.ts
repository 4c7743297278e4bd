/**
 * Decisions of a pass over a folder, pure: where to begin, what is new, how to cut it into runs.
 * A run is what is fetched, parsed, committed and published together: bounded in messages and in bytes.
 */
import type { FolderState } from '@mailstream/shared/domain/folder-state';

/** UIDs below the cursor that are looked at again at every pass: servers may show n+1 before n (imap-facts 1a). */
export const NARROW_OVERLAP = 100;
/** The same on (re)connect and at every periodic look. */
export const WIDE_OVERLAP = 1000;
/** More holes than this in one folder means that the server does not deliver: wait instead of moving on. */
export const MAX_HOLES = 1000;

export type OpenPlan =
  /** First connect: store a baseline. */
  | 'baseline'
  /** Go on from the cursor. */
  | 'continue'
  /** UIDVALIDITY changed: re-list and match by content. */
  | 'revalidate'
  /** Same UIDVALIDITY but UIDNEXT at or below the cursor: the server rewound, look at everything above the baseline. */
  | 'relist';

export function planOpen(
  state: FolderState | null,
  opened: { readonly uidValidity: number; readonly uidNext: number },
): OpenPlan {
  if (state === null) return 'baseline';
  // Compared with !==: servers break "a new UIDVALIDITY is greater" (RFC 9051 section 2.3.1.1).
  if (state.uidValidity !== opened.uidValidity) return 'revalidate';
  return opened.uidNext > 0 && opened.uidNext <= state.lastUid ? 'relist' : 'continue';
}

/** First UID to list in a pass. */
export function listFrom(state: FolderState, overlap: number): number {
  return Math.max(state.baselineUid, state.lastUid - overlap) + 1;
}

export interface Selection {
  /** What this pass works on, ascending. */
  readonly uids: readonly number[];
  /** Something is left for the next pass. */
  readonly more: boolean;
}

/**
 * What of `listed` is not settled yet, the lowest first, so that order is kept; at most `maxMessages`.
 * `ready` leaves out holes whose next try is not due.
 */
export function selectNew(
  listed: readonly number[],
  isSettled: (uid: number) => boolean,
  maxMessages: number,
  ready: (uid: number) => boolean,
): Selection {
  const fresh = listed.filter((uid) => !isSettled(uid) && ready(uid));
  return { uids: fresh.slice(0, maxMessages), more: fresh.length > maxMessages };
}

export interface Run {
  readonly uids: readonly number[];
  /** Alone in its run and read in pieces: too large to hold, or suspected of killing its parser. */
  readonly alone: boolean;
}

/**
 * Cuts UIDs into runs without changing their order.
 * @param sizes RFC822.SIZE, an estimate; unknown counts as `maxRunBytes / 8`.
 * @param suspect UIDs of an attempt that did not end: each goes alone, so that an innocent one is never blamed.
 */
export function planRuns(
  uids: readonly number[],
  sizes: ReadonlyMap<number, number>,
  limits: { readonly maxMessages: number; readonly maxRunBytes: number },
  suspect: (uid: number) => boolean,
): readonly Run[] {
  const runs: Run[] = [];
  let current: number[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (current.length > 0) runs.push({ uids: current, alone: false });
    current = [];
    bytes = 0;
  };
  for (const uid of uids) {
    const size = sizes.get(uid) ?? limits.maxRunBytes / 8;
    if (suspect(uid) || size > limits.maxRunBytes / 4) {
      flush();
      runs.push({ uids: [uid], alone: true });
      continue;
    }
    if (current.length >= limits.maxMessages || bytes + size > limits.maxRunBytes) flush();
    current.push(uid);
    bytes += size;
  }
  flush();
  return runs;
}

/** Attempts of one message that did not end: how often it ended its parser, and how often the process died with it in hand. */
export interface Unended {
  readonly kills: number;
  readonly crashes: number;
}

/** A message that ended its parser this often is read in headers only and becomes a dead letter. */
export const MAX_KILLS = 3;
/** A process may die for many reasons, so a message that was merely there is blamed later. */
export const MAX_CRASHES = 5;

export type AttemptMode =
  | 'full'
  /** Its raw form is kept and its headers are read; it becomes a dead letter. */
  | 'headersOnly'
  /** Even that ended badly: a dead letter without its raw form. */
  | 'giveUp';

/** How to try a message next. */
export function attemptMode({ kills, crashes }: Unended): AttemptMode {
  if (kills < MAX_KILLS && crashes < MAX_CRASHES) return 'full';
  return kills < 2 * MAX_KILLS && crashes < 2 * MAX_CRASHES ? 'headersOnly' : 'giveUp';
}
