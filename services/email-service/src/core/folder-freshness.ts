/**
 * How fresh one folder is: when the mail server's own list last proved that nothing newer than the cursor was there, and since
 * when it lists messages that the ledger does not have. Data, not sockets: a connection that is open and says nothing ages.
 *
 * Times are of the monotonic clock. What always holds
 * - the proof is as old as the question, not the answer: mail may have come while the server answered;
 * - a message counts as waiting from the first list that reached up to its UID, so its age never looks younger than it is;
 * - marks are as many as lists that reached higher, only while something waits, and at most `MAX_MARKS`.
 */
export interface Unseen {
  readonly count: number;
  /** Milliseconds since the first list that could have shown it; null when nothing waits. */
  readonly oldestAgeMs: number | null;
  readonly newestAgeMs: number | null;
}

interface Mark {
  readonly upTo: number;
  readonly sinceMs: number;
}

const MAX_MARKS = 64;
const NOTHING_UNSEEN: Unseen = { count: 0, oldestAgeMs: null, newestAgeMs: null };

export class FolderFreshness {
  readonly #startedMs: number;
  #provenMs: number | null = null;
  #progressMs: number;
  #marks: Mark[] = [];
  #holes = 0;
  #unseen: { readonly count: number; readonly oldest: number; readonly newest: number } | null = null;

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
    this.#progressMs = nowMs;
  }

  /** Null before the first proof. */
  get provenMs(): number | null {
    return this.#provenMs;
  }

  /** Messages that the server listed and did not deliver. */
  get holes(): number {
    return this.#holes;
  }

  /** Since the last proof, or since we took the folder over. */
  ageMs(nowMs: number): number {
    return nowMs - (this.#provenMs ?? this.#startedMs);
  }

  /** Since anything at all moved: bytes, a commit, a change of state. */
  stillMs(nowMs: number): number {
    return nowMs - this.#progressMs;
  }

  progressed(nowMs: number): void {
    this.#progressMs = nowMs;
  }

  /**
   * A pass has ended.
   * @param askedMs when the list was asked for
   * @param unsettled UIDs of that list that are not in the ledger now, sorted
   * @param holes how many of these the server does not deliver; where all of them are that, nothing above the cursor is left
   */
  listed(askedMs: number, unsettled: readonly number[], holes: number): void {
    this.#holes = holes;
    if (holes === unsettled.length) this.#provenMs = Math.max(this.#provenMs ?? askedMs, askedMs);
    const [oldest] = unsettled;
    const newest = unsettled.at(-1);
    if (oldest === undefined || newest === undefined) {
      this.#marks = [];
      this.#unseen = null;
      return;
    }
    this.#marks = this.#marks.filter((mark) => mark.upTo >= oldest);
    if (newest > (this.#marks.at(-1)?.upTo ?? -1)) this.#marks.push({ upTo: newest, sinceMs: askedMs });
    // Two marks become the older one with the higher UID: ages only grow by that.
    if (this.#marks.length > MAX_MARKS) this.#mergeFirst();
    this.#unseen = { count: unsettled.length, oldest, newest };
  }

  /** The folder was opened anew with other UIDs: what was known of the old ones says nothing. */
  forget(): void {
    this.#marks = [];
    this.#holes = 0;
    this.#unseen = null;
  }

  unseen(nowMs: number): Unseen {
    if (this.#unseen === null) return NOTHING_UNSEEN;
    const { count, oldest, newest } = this.#unseen;
    const age = (uid: number): number =>
      nowMs - (this.#marks.find((mark) => mark.upTo >= uid)?.sinceMs ?? nowMs);
    return { count, oldestAgeMs: age(oldest), newestAgeMs: age(newest) };
  }

  #mergeFirst(): void {
    const [first, second, ...rest] = this.#marks;
    if (first !== undefined && second !== undefined)
      this.#marks = [{ upTo: second.upTo, sinceMs: first.sinceMs }, ...rest];
  }
}
