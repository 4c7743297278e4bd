/**
 * FETCH without trust. The tagged OK proves nothing: servers leave UIDs out, send others, send some twice, or say OK without
 * a body (reference: imap-facts section 7), so each asked UID is yielded at most once, no other ever, and what is missing is
 * for the caller to ask again. imapflow reads on only when the row it gave has been taken, and the socket stops with it.
 *
 * The deadline runs while we wait for the server, from one asked message to the next; rows nobody asked for do not extend it.
 */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { STOPPED } from '@mailstream/shared/imap/bounded';
import { isUid, uidSets } from '@mailstream/shared/imap/uid-sets';
import type { FetchMessageObject, FetchQueryObject } from 'imapflow';
import type { FetchedMessage } from '../ports/imap.ts';
import type { LiveClient } from './imap-live-client.ts';

/** What a wait for one answer may take besides the time for its bytes, milliseconds. */
export const COMMAND_DEADLINE_MS = 60_000;
/** Slower than this is a stuck connection, bytes per second. */
const SLOWEST_RATE = 32 * 1024;
/**
 * Rows that are in the socket already come one after the other without the event loop in between: a hundred small messages kept
 * everybody else waiting for 70 ms. A mail of another tenant comes back to the loop a dozen times on its way to the stream, and waits
 * for a turn each time: with turns of 4 ms its p99 beside a backlog was 32 to 42 ms, with these 26 to 31 (issue 7). Milliseconds.
 */
const LONGEST_TURN_MS = 1;
/** Of rows that nobody asked for, between two that were, bytes. */
const CHATTER_BYTES = 16 * 1024 * 1024;

export interface FetchPlan {
  readonly uids: readonly number[];
  readonly query: FetchQueryObject;
  /** Most bytes of one message. */
  readonly bytesEach: number;
}

/**
 * Rows of exactly these UIDs. When `signal` aborts, and when the loop is left early, the connection is closed: what is under
 * way cannot be called back otherwise.
 * @throws FaultError
 */
export async function* fetchRows(
  live: LiveClient,
  plan: FetchPlan,
  signal: AbortSignal,
): AsyncGenerator<FetchMessageObject, void, undefined> {
  const missing = new Set(plan.uids.filter(isUid));
  /** The rows under way; null between commands. */
  let rows: AsyncGenerator<FetchMessageObject, unknown, undefined> | null = null;
  const stop = (): void => live.die(null);
  if (signal.aborted) throw new FaultError(STOPPED);
  signal.addEventListener('abort', stop);
  try {
    for (const set of uidSets(missing)) {
      live.assertAlive();
      rows = live.client.fetch(set, plan.query, { uid: true });
      let turnMs = live.clock.monotonicMs();
      for (;;) {
        const row = await nextWanted(live, rows, missing, plan.bytesEach);
        if (row === null) break;
        missing.delete(row.uid);
        yield row;
        if (live.clock.monotonicMs() - turnMs < LONGEST_TURN_MS) continue;
        await turnOfTheLoop();
        turnMs = live.clock.monotonicMs();
      }
      rows = null;
    }
  } catch (error) {
    // A refused command leaves the connection as it was; anything else has closed it already.
    rows = null;
    throw signal.aborted ? new FaultError(STOPPED, error) : live.failure(error, 'working');
  } finally {
    signal.removeEventListener('abort', stop);
    if (rows !== null) {
      live.die(null);
      await rows.return(undefined);
    }
  }
}

async function nextWanted(
  live: LiveClient,
  rows: AsyncGenerator<FetchMessageObject, unknown, undefined>,
  wanted: ReadonlySet<number>,
  bytesEach: number,
): Promise<FetchMessageObject | null> {
  live.limit({
    phase: 'working',
    deadlineMs: COMMAND_DEADLINE_MS + Math.ceil((bytesEach / SLOWEST_RATE) * 1_000),
    maxBytes: bytesEach + CHATTER_BYTES,
  });
  try {
    for (;;) {
      const next = await rows.next();
      // imapflow ends quietly when the connection is going down.
      live.assertAlive();
      if (next.done === true) return null;
      if (wanted.has(next.value.uid)) return next.value;
    }
  } finally {
    live.unlimit();
  }
}

/** The first `firstBytes` of each message, with what identifies it. */
export function headQuery(firstBytes: number): FetchQueryObject {
  return {
    uid: true,
    size: true,
    internalDate: true,
    threadId: true,
    source: { start: 0, maxLength: firstBytes },
  };
}

export function toFetchedMessage(row: FetchMessageObject, firstBytes: number): FetchedMessage {
  const announcedSize = row.size ?? 0;
  const source = bytesOf(row);
  // An empty literal for a message that has a size is no body either.
  const head = source === null || (source.length === 0 && announcedSize > 0) ? null : source;
  return {
    uid: row.uid,
    announcedSize,
    internalDate: row.internalDate instanceof Date ? row.internalDate : null,
    emailId: row.emailId ?? null,
    threadId: row.threadId ?? null,
    head,
    // More than asked for: the server ignores the range and has sent all there is.
    maybeMore: head !== null && head.length === firstBytes,
  };
}

/** The body, or null for NIL and for none; imapflow has `false` for NIL, whatever its types say. */
function bytesOf(row: FetchMessageObject): Buffer | null {
  return Buffer.isBuffer(row.source) ? row.source : null;
}

/** See `ImapSession.fetchRest`. @throws FaultError when a part does not come: what was read so far is not the message */
export async function* fetchParts(
  live: LiveClient,
  part: { readonly uid: number; readonly offset: number; readonly chunkBytes: () => number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = part.offset; ;) {
    const chunkBytes = part.chunkBytes();
    const bytes = await onePart(live, { uid: part.uid, offset: start, chunkBytes }, signal);
    if (bytes.length > 0) yield bytes;
    if (bytes.length < chunkBytes) return;
    start += bytes.length;
  }
}

async function onePart(
  live: LiveClient,
  { uid, offset, chunkBytes }: { readonly uid: number; readonly offset: number; readonly chunkBytes: number },
  signal: AbortSignal,
): Promise<Buffer> {
  const query = { uid: true, source: { start: offset, maxLength: chunkBytes } };
  let found: FetchMessageObject | null = null;
  for await (const row of fetchRows(live, { uids: [uid], query, bytesEach: chunkBytes }, signal)) found = row;
  const bytes = found === null ? null : bytesOf(found);
  // Past the end some servers say NIL where the RFC wants an empty string.
  if (found !== null && bytes === null && offset > 0 && 'source' in found) return Buffer.alloc(0);
  if (bytes === null || bytes.length > chunkBytes) {
    throw new FaultError({
      kind: 'transient',
      code: 'IMAP_PROTOCOL',
      detail:
        bytes === null ? 'a part of a message did not come' : 'a part of a message is longer than asked for',
    });
  }
  return bytes;
}
