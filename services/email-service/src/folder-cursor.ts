/**
 * What a listener knows of its folder between passes: the cursor as stored, what is settled near it, holes and when to ask
 * for them again, and messages whose last attempt did not end. Kept small: quiet folders hold a few numbers.
 */
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import { MAX_HOLES, WIDE_OVERLAP, listFrom, type Unended } from './core/sync-plan.ts';
import { UidRanges } from './core/uid-ranges.ts';

/** Pauses before a UID that the server listed but did not deliver is asked for again. */
const HOLE_PAUSES_MS = [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000] as const;

interface Hole {
  readonly tries: number;
  readonly dueMs: number;
  /** Session in which it was last listed; only another session may confirm that it is gone. */
  readonly session: object;
}

export class FolderCursor {
  readonly settled: UidRanges;
  /** Messages with attempts that did not end: each goes alone. */
  readonly suspects: Map<number, Unended>;
  readonly #holes = new Map<number, Hole>();
  #state: FolderState;
  #expected: Pick<FolderState, 'uidValidity' | 'lastUid'>;

  constructor(
    state: FolderState,
    known: readonly number[],
    suspects: ReadonlyMap<number, Unended>,
    session: object,
    /** What the row holds, where that is not `state`. */
    expected: Pick<FolderState, 'uidValidity' | 'lastUid'> = state,
  ) {
    this.#state = state;
    this.#expected = expected;
    this.settled = new UidRanges(known);
    this.suspects = new Map(suspects);
    for (const uid of state.holes) this.#holes.set(uid, { tries: 0, dueMs: 0, session });
  }

  get state(): FolderState {
    return this.#state;
  }

  /** What the row must still hold at the next commit. */
  get expected(): Pick<FolderState, 'uidValidity' | 'lastUid'> {
    return this.#expected;
  }

  get holes(): readonly number[] {
    return [...this.#holes.keys()].sort((a, b) => a - b);
  }

  get isOverfull(): boolean {
    return this.#holes.size > MAX_HOLES;
  }

  /** Milliseconds until the next hole is due, or null without any. */
  nextHoleDueMs(nowMs: number): number | null {
    let next: number | null = null;
    for (const hole of this.#holes.values())
      next = Math.min(next ?? Infinity, Math.max(0, hole.dueMs - nowMs));
    return next;
  }

  /** In the ledger or confirmed gone. A hole is not, also one that an audit found among what we took for settled. */
  isSettled(uid: number): boolean {
    return this.settled.has(uid) && !this.#holes.has(uid);
  }

  isReady(uid: number, nowMs: number): boolean {
    const hole = this.#holes.get(uid);
    return hole === undefined || hole.dueMs <= nowMs;
  }

  /** Whether any of these waits to be asked for now. */
  hasDueHole(uids: readonly number[], nowMs: number): boolean {
    return uids.some((uid) => (this.#holes.get(uid)?.dueMs ?? Infinity) <= nowMs);
  }

  isHole(uid: number): boolean {
    return this.#holes.has(uid);
  }

  /**
   * Holes that the server no longer lists, seen from another session than the one that listed them, are gone. Those of this
   * session wait for their next turn, or they would be due again at once, for ever.
   */
  confirmGone(listed: ReadonlySet<number>, session: object, nowMs: number): void {
    for (const [uid, hole] of [...this.#holes]) {
      if (listed.has(uid)) continue;
      if (hole.session !== session || hole.tries === 0) this.#holes.delete(uid);
      else if (hole.dueMs <= nowMs) this.addHole(uid, session, nowMs);
    }
  }

  addHole(uid: number, session: object, nowMs: number): void {
    const tries = (this.#holes.get(uid)?.tries ?? 0) + 1;
    const pause = HOLE_PAUSES_MS[Math.min(tries, HOLE_PAUSES_MS.length) - 1] ?? 0;
    this.#holes.set(uid, { tries, dueMs: nowMs + pause, session });
  }

  /** Messages that an audit found in the folder and not in the ledger: asked for like holes, at once. */
  found(uids: readonly number[], session: object): void {
    for (const uid of uids.slice(0, Math.max(0, MAX_HOLES - this.#holes.size)))
      this.#holes.set(uid, { tries: 0, dueMs: 0, session });
  }

  /** Takes over what a commit stored. */
  committed(state: FolderState, settled: readonly number[]): void {
    this.#state = state;
    this.#expected = state;
    for (const uid of settled) {
      this.settled.add(uid);
      this.suspects.delete(uid);
      this.#holes.delete(uid);
    }
    this.settled.trimBelow(listFrom(state, WIDE_OVERLAP));
  }
}
