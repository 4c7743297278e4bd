/** UIDs as IMAP sequence sets (RFC 9051 section 9). Pure. */

const MAX_UID = 0xffff_ffff;
/** Command lines stay below about 1,000 octets (RFC 2683 section 3.2.1.5); the rest is for the command around the set. */
const MAX_SET_LENGTH = 800;

/** A UID: 1 to 2^32-1. */
export function isUid(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_UID;
}

/** Sorted, without doubles and without what is no UID. */
export function sortedUids(values: Iterable<number>): number[] {
  return [...new Set(values)].filter(isUid).sort((a, b) => a - b);
}

/** `[1, 2, 3, 7]` as `['1:3,7']`, cut into several sets where one would be too long. */
export function uidSets(values: Iterable<number>): readonly string[] {
  const sets: string[] = [];
  let set = '';
  for (const range of ranges(sortedUids(values))) {
    if (set !== '' && set.length + 1 + range.length > MAX_SET_LENGTH) {
      sets.push(set);
      set = '';
    }
    set = set === '' ? range : `${set},${range}`;
  }
  return set === '' ? sets : [...sets, set];
}

/** `from:*`, or null where no UID can be that large. */
export function openRange(from: number): string | null {
  const first = Math.max(1, Math.ceil(from));
  return first <= MAX_UID ? `${first}:*` : null;
}

function* ranges(sorted: readonly number[]): Iterable<string> {
  let start: number | undefined;
  for (const [index, uid] of sorted.entries()) {
    start ??= uid;
    if (sorted[index + 1] === uid + 1) continue;
    yield start === uid ? String(uid) : `${start}:${uid}`;
    start = undefined;
  }
}
