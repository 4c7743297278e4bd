/**
 * Where an event stands in the stream (DESIGN section 5, reconciliation): it waits as long as its entry is there and the worker's
 * group has not passed it, or has it pending. The effect is committed before the entry is acknowledged, so who reads "passed"
 * here and then still finds the ledger row unprocessed has found a loss.
 */
import { WORKER_GROUP } from '@mailstream/shared/events/email-received';
import type { RedisClient } from '@mailstream/shared/runtime/redis-servers';
import type { Whereabouts } from '../ports/stream.ts';

/** Entries read at a time while looking for an event by its id; each may be 512 KiB. */
const PAGE = 20;
/** How far the clocks of Redis and PostgreSQL may be apart, milliseconds. */
const CLOCK_SLACK_MS = 60_000;

interface Located {
  readonly eventId: string;
  /** Null: not in the stream. */
  readonly entryId: string | null;
}

/** Finds the entries of events whose id was never learnt, because a reply was lost. */
export async function locate(
  redis: RedisClient,
  stream: string,
  events: readonly {
    readonly eventId: string;
    readonly entryId: string | null;
    readonly publishedAt: Date;
  }[],
): Promise<readonly Located[]> {
  const wanted = events.filter((event) => event.entryId === null);
  if (wanted.length === 0) return events;
  const missing = new Set(wanted.map((event) => event.eventId));
  const found = new Map<string, string>();
  let from = String(
    Math.max(0, Math.min(...wanted.map((event) => event.publishedAt.getTime())) - CLOCK_SLACK_MS),
  );
  while (missing.size > 0) {
    const page = await redis.xrange(stream, from, '+', 'COUNT', PAGE);
    for (const [id, fields] of page) {
      const eventId = eventIdIn(fields);
      if (missing.delete(eventId)) found.set(eventId, id);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    from = `(${last[0]}`;
  }
  return events.map(({ eventId, entryId }) => ({ eventId, entryId: entryId ?? found.get(eventId) ?? null }));
}

/** What became of these events, by their ids. */
export async function whereaboutsOf(
  redis: RedisClient,
  stream: string,
  events: readonly Located[],
): Promise<Whereabouts> {
  const passedUpTo = await lastDelivered(redis, stream);
  const pipeline = redis.pipeline();
  for (const { entryId } of events) {
    pipeline.xrange(stream, entryId ?? '0-0', entryId ?? '0-0');
    if (passedUpTo === null) pipeline.echo('');
    else pipeline.xpending(stream, WORKER_GROUP, entryId ?? '0-0', entryId ?? '0-0', 1);
  }
  const replies = (await pipeline.exec()) ?? [];
  const gone = new Set<string>();
  const inHand = new Set<string>();
  for (const [index, { eventId, entryId }] of events.entries()) {
    const [entryError, entry] = replies[2 * index] ?? [new Error('no reply'), null];
    const [pendingError, pending] = replies[2 * index + 1] ?? [new Error('no reply'), null];
    if (entryError !== null) throw entryError;
    if (pendingError !== null) throw pendingError;
    const isThere = entryId !== null && holds(entry, eventId);
    const isPending = Array.isArray(pending) && pending.length > 0;
    const isPassed = isThere && passedUpTo !== null && compareIds(entryId, passedUpTo) <= 0;
    if (!isThere || (isPassed && !isPending)) gone.add(eventId);
    else if (isPending) inHand.add(eventId);
  }
  return { gone, inHand };
}

/** After a failover the new primary, whose clock is its own, may have given the id of a lost entry to another one. */
function holds(range: unknown, eventId: string): boolean {
  const [entry] = Array.isArray(range) ? (range as [string, readonly string[]][]) : [];
  return entry !== undefined && eventIdIn(entry[1]) === eventId;
}

function eventIdIn(fields: readonly string[]): string {
  const at = fields.indexOf('event_id');
  return at < 0 ? '' : (fields[at + 1] ?? '');
}

/** Null without a stream or without the worker's group: then nothing was passed. */
async function lastDelivered(redis: RedisClient, stream: string): Promise<string | null> {
  if ((await redis.exists(stream)) === 0) return null;
  const groups = (await redis.xinfo('GROUPS', stream)) as unknown[][];
  for (const group of groups) {
    const fields = new Map<unknown, unknown>();
    for (let index = 0; index < group.length; index += 2) fields.set(group[index], group[index + 1]);
    if (fields.get('name') === WORKER_GROUP) return String(fields.get('last-delivered-id'));
  }
  return null;
}

/** Stream ids are `<milliseconds>-<sequence>`, both up to 64 bits. */
function compareIds(a: string, b: string): number {
  const [aMs = '0', aSeq = '0'] = a.split('-');
  const [bMs = '0', bSeq = '0'] = b.split('-');
  const difference = BigInt(aMs) - BigInt(bMs) || BigInt(aSeq) - BigInt(bSeq);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
