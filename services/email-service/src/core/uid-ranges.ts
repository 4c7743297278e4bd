/**
 * A set of UIDs kept as ranges: a quiet folder is one range however many messages it holds.
 * Mutable on purpose (one per listener, grows by one UID at a time); ranges are sorted, apart and never touch.
 */
export class UidRanges {
  #starts: number[] = [];
  #ends: number[] = [];

  constructor(uids: Iterable<number> = []) {
    for (const uid of uids) this.add(uid);
  }

  get rangeCount(): number {
    return this.#starts.length;
  }

  has(uid: number): boolean {
    const index = this.#lastStartAtOrBelow(uid);
    return index >= 0 && uid <= (this.#ends[index] ?? -1);
  }

  add(uid: number): void {
    const left = this.#lastStartAtOrBelow(uid);
    const leftEnd = this.#ends[left] ?? -1;
    if (left >= 0 && uid <= leftEnd) return;
    const joinsLeft = left >= 0 && leftEnd === uid - 1;
    const joinsRight = this.#starts[left + 1] === uid + 1;
    if (joinsLeft && joinsRight) {
      this.#ends[left] = this.#ends[left + 1] as number;
      this.#starts.splice(left + 1, 1);
      this.#ends.splice(left + 1, 1);
    } else if (joinsLeft) this.#ends[left] = uid;
    else if (joinsRight) this.#starts[left + 1] = uid;
    else {
      this.#starts.splice(left + 1, 0, uid);
      this.#ends.splice(left + 1, 0, uid);
    }
  }

  /** Forgets everything below `uid`. */
  trimBelow(uid: number): void {
    let drop = 0;
    while (drop < this.#ends.length && (this.#ends[drop] as number) < uid) drop += 1;
    this.#starts.splice(0, drop);
    this.#ends.splice(0, drop);
    if (this.#starts[0] !== undefined && this.#starts[0] < uid) this.#starts[0] = uid;
  }

  #lastStartAtOrBelow(uid: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as number) <= uid) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
