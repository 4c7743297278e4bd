/** Replies of stream commands (RESP2 forms) to values. Anything of another form gives nothing rather than a guess. */
import type { StreamEntry } from '../ports.ts';

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** `[[id, [name, value, ...]], ...]`; an entry that is gone has nil for its fields. */
export function parseEntries(stream: string, reply: unknown): readonly StreamEntry[] {
  return list(reply).flatMap((pair) => {
    const [id, fields] = list(pair);
    if (typeof id !== 'string' || !Array.isArray(fields)) return [];
    return [{ stream, id, fields: fields.map(String) }];
  });
}

/** `[[stream, entries], ...]`, nil when nothing came in time. */
export function parseReadGroup(reply: unknown): readonly StreamEntry[] {
  return list(reply).flatMap((pair) => {
    const [stream, entries] = list(pair);
    return typeof stream === 'string' ? parseEntries(stream, entries) : [];
  });
}

/** `[next cursor, entries, ids of entries that are gone]`; Redis 6.2 has no third part. */
export function parseAutoclaim(
  stream: string,
  reply: unknown,
): {
  readonly cursor: string;
  readonly entries: readonly StreamEntry[];
  readonly deletedIds: readonly string[];
} {
  const [cursor, entries, deleted] = list(reply);
  return {
    cursor: typeof cursor === 'string' ? cursor : '0-0',
    entries: parseEntries(stream, entries),
    deletedIds: list(deleted).map(String),
  };
}

/** Replies of XINFO GROUPS. Redis gives no lag where entries in the middle were deleted, nor before version 7. */
export function sumBacklog(
  replies: readonly unknown[],
  group: string,
): { readonly unread: number; readonly pending: number } {
  let unread = 0;
  let pending = 0;
  for (const flat of replies.flatMap(list).map(list)) {
    const info = new Map<unknown, unknown>();
    for (let index = 0; index + 1 < flat.length; index += 2) info.set(flat[index], flat[index + 1]);
    if (info.get('name') !== group) continue;
    unread += count(info.get('lag'));
    pending += count(info.get('pending'));
  }
  return { unread, pending };
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
