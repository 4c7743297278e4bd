/** A folder of the farm: ranges of UIDs, so that 100,000 messages are one object. UIDs are given without gaps, from 1. */
import type { MessageSpec } from './farm-message.ts';

export interface Arrival extends Pick<MessageSpec, 'bytes' | 'kind' | 'series'> {
  readonly count: number;
}

interface Range extends Arrival {
  readonly firstUid: number;
}

/** Both ends included; `high` may be below `low` in what clients send. */
export type UidInterval = readonly [low: number, high: number];

export class FarmMailbox {
  readonly user: string;
  readonly #ranges: Range[] = [];
  #last: number;
  readonly #missing: number;

  /** @param expunged UIDs from 1 up to this are gone: the ledger may know them */
  constructor(user: string, expunged = 0) {
    this.user = user;
    this.#last = expunged;
    this.#missing = expunged;
  }

  get exists(): number {
    return this.#last - this.#missing;
  }

  get uidNext(): number {
    return this.#last + 1;
  }

  add(arrival: Arrival): void {
    this.#ranges.push({ ...arrival, firstUid: this.#last + 1 });
    this.#last += arrival.count;
  }

  /** Sequence number of a UID that is there. */
  sequenceOf(uid: number): number {
    return uid - this.#missing;
  }

  /** UIDs of these sequence numbers. */
  uidsOfSequence(intervals: readonly UidInterval[]): readonly UidInterval[] {
    return intervals.map(([low, high]) => [low + this.#missing, high + this.#missing]);
  }

  /** Those that are there, ascending, each once. */
  uidsIn(intervals: readonly UidInterval[]): readonly number[] {
    const found: number[] = [];
    const sorted = intervals.toSorted(([a], [b]) => a - b);
    let next = this.#missing + 1;
    for (const [low, high] of sorted) {
      next = Math.max(next, low);
      for (const end = Math.min(high, this.#last); next <= end; next += 1) found.push(next);
    }
    return found;
  }

  message(uid: number): MessageSpec | null {
    const range = this.#ranges.findLast(({ firstUid }) => firstUid <= uid);
    if (range === undefined || uid > this.#last) return null;
    const { bytes, kind, series } = range;
    return { uid, bytes, kind, series, user: this.user };
  }
}

/**
 * Reads a sequence set (RFC 9051 section 9); `*` is `last`, and the ends of a range come in any order.
 * @returns null for anything else
 */
export function parseSet(text: string, last: number): readonly UidInterval[] | null {
  if (!/^(?:\d+|\*)(?::(?:\d+|\*))?(?:,(?:\d+|\*)(?::(?:\d+|\*))?)*$/.test(text)) return null;
  const number = (part: string): number => (part === '*' ? last : Number(part));
  return text.split(',').map((part) => {
    const [first = '', second = first] = part.split(':');
    const [a, b] = [number(first), number(second)];
    return [Math.min(a, b), Math.max(a, b)];
  });
}
