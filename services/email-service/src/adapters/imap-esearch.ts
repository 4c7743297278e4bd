/**
 * The UIDs of an ESEARCH response (RFC 4731, RFC 9051 section 7.3.4). A thousand UIDs in a row are one range there, and
 * a thousand numbers to be read one by one in a SEARCH response: in a folder that is looked at every few minutes, that costs
 * more than all else (issue 7). What always holds: a result is taken only when it names as many messages as it counts, so
 * nothing that was cut, garbled or split is taken for a whole list. Pure.
 */
import type { SearchReturnOption } from 'imapflow';
import { isUid } from '@mailstream/shared/imap/uid-sets';

/** `RETURN (COUNT ALL)`. */
export const ESEARCH_RETURN: SearchReturnOption[] = ['COUNT', 'ALL'];

/** Several times what one search of ours may find; a larger claim is not believed, and not expanded. */
const MOST_UIDS = 400_000;

/** @returns null where the answer is incomplete or contradicts itself: then the list has to be asked for as numbers */
export function uidsOfEsearch(result: {
  readonly count?: number | undefined;
  readonly all?: string | undefined;
}): readonly number[] | null {
  const { count, all } = result;
  if (count === undefined || count > MOST_UIDS) return null;
  // No match: no ALL (RFC 4731 section 3.1).
  if (all === undefined) return count === 0 ? [] : null;
  const uids = new Set<number>();
  for (const part of all.split(',')) {
    const range = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(part);
    if (range === null) return null;
    const first = Number(range[1]);
    const second = Number(range[2] ?? first);
    if (!isUid(first) || !isUid(second)) return null;
    const last = Math.max(first, second);
    for (let uid = Math.min(first, second); uid <= last; uid += 1) {
      uids.add(uid);
      if (uids.size > count) return null;
    }
  }
  return uids.size === count ? [...uids] : null;
}
