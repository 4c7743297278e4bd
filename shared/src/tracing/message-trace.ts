/**
 * The trace of one message, from the fetch to its ticket, over all processes.
 *
 * Nothing is carried along: the trace id is the event id without its dashes, and the id of the root span follows from it. So the
 * entry on the stream stays as it is, a message that is published again years later goes on in its trace, and whoever has an event id
 * has the trace. Both processes decide alike whether a message is sampled, because the decision follows from the trace id as well.
 *
 *     fetch (root) ─┬─ parse ── store ── commit ── publish      the daemon
 *                   └─ process ── ticket                       the worker
 */
import { createHash } from 'node:crypto';

export type SpanName = 'fetch' | 'parse' | 'store' | 'commit' | 'publish' | 'process' | 'ticket';

/** All that a span may say. Ids, numbers and words of ours: no content, no address, no folder name. */
export interface SpanFacts {
  readonly tenantId?: string;
  readonly providerId?: string;
  readonly uid?: number;
  readonly uidValidity?: number;
  readonly bytes?: number;
  /** Messages that were fetched, recorded or published together with this one. */
  readonly batchMessages?: number;
  /** A word of ours, e.g. `received`, `ticket`. */
  readonly outcome?: string;
  /** Time between the append to the stream and this. */
  readonly queueMs?: number;
}

export interface MessageSpan {
  readonly eventId: string;
  readonly name: SpanName;
  /** 16 hexadecimal digits; random unless given. */
  readonly spanId?: string;
  /** The root span unless given; null makes this one the root. */
  readonly parentId?: string | null;
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly facts: SpanFacts;
  /** Code of the error catalogue; null where it went well. */
  readonly errorCode: string | null;
}

export interface MessageTracer {
  /** False for a message that is not sampled: nothing needs to be measured then. */
  isTraced(eventId: string): boolean;
  /** Takes note of something that is over. Never throws, never waits. */
  record(span: MessageSpan): void;
}

/** 32 hexadecimal digits (W3C Trace Context, section 3.2.2.3). */
export function traceIdOf(eventId: string): string {
  return eventId.replaceAll('-', '').toLowerCase();
}

/** 16 hexadecimal digits; never all zero. */
export function rootSpanIdOf(eventId: string): string {
  const id = createHash('sha256')
    .update(`mailstream root span|${traceIdOf(eventId)}`)
    .digest('hex')
    .slice(0, 16);
  return id === '0000000000000000' ? '0000000000000001' : id;
}

/** Milliseconds since 1970 that never step back within a process. */
export function traceNowMs(): number {
  return performance.timeOrigin + performance.now();
}
