/** Replies of stream commands (RESP2 forms) to values. Anything of another form gives nothing rather than a guess. */
import { z } from 'zod';
import type { AttemptStart, EntryHeader, PastAttempt, StreamEntry } from '../ports.ts';

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

/** `[id, tenant, id, tenant, ...]`, as our scripts answer. */
export function parseHeaders(stream: string, reply: unknown): readonly EntryHeader[] {
  const flat = list(reply);
  const headers: EntryHeader[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2)
    headers.push({ stream, id: String(flat[index]), tenant: String(flat[index + 1]).toLowerCase() });
  return headers;
}

/** XAUTOCLAIM with JUSTID: `[next cursor, ids, ids of entries that are gone]`; Redis 6.2 has no third part. */
export function parseClaimedIds(reply: unknown): {
  readonly cursor: string;
  readonly ids: readonly string[];
  readonly deletedIds: readonly string[];
} {
  const [cursor, ids, deleted] = list(reply);
  return {
    cursor: typeof cursor === 'string' ? cursor : '0-0',
    ids: list(ids).map(String),
    deletedIds: list(deleted).map(String),
  };
}

const pastSchema = z.array(
  z.object({ attempt: z.number(), at: z.string(), code: z.string(), detail: z.string() }),
);

/** `[count, due time or '', history or '']`. A history that cannot be read is none: it must not keep the entry from its end. */
export function parseAttempt(reply: unknown): AttemptStart {
  const [count, due, past] = list(reply);
  if (count === 0) return { kind: 'early', dueAtMs: Number(due) };
  return { kind: 'begun', attempts: Number(count), past: parsePast(past) };
}

function parsePast(text: unknown): readonly PastAttempt[] {
  if (typeof text !== 'string' || text === '') return [];
  try {
    return pastSchema.parse(JSON.parse(text));
  } catch {
    return [];
  }
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
