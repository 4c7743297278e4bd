/** When messages with given subjects come to the stream: seen by this process as they come, or read from the entries afterwards. */
import type { Redis } from 'ioredis';
import { monotonicMs } from '../farm/farm.ts';

const ENTRIES_AT_ONCE = 500;

/** Who waits for a subject, and when it was seen. */
export class Expected {
  readonly #waiting = new Map<string, (atMs: number) => void>();

  /** @returns milliseconds of the monotonic clock */
  next(subject: string): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(subject, resolve));
  }

  seen(subject: string): void {
    this.#waiting.get(subject)?.(monotonicMs());
    this.#waiting.delete(subject);
  }
}

export interface StreamWatch {
  next(subject: string): Promise<number>;
  close(): void;
}

/** From what is on the stream now on. */
export async function watchStream(redis: Redis, stream: string): Promise<StreamWatch> {
  const expected = new Expected();
  const reader = redis.duplicate();
  let isOpen = true;
  let last = await lastEntryId(redis, stream);
  void (async () => {
    while (isOpen) {
      const reply = await reader.xread('BLOCK', 60_000, 'STREAMS', stream, last).catch(() => null);
      for (const [, entries] of reply ?? [])
        for (const [id, values] of entries) {
          last = id;
          expected.seen(subjectIn(values ?? []));
        }
    }
  })();
  return {
    next: (subject) => expected.next(subject),
    close: () => {
      isOpen = false;
      reader.disconnect();
    },
  };
}

/** @returns what comes before every entry where there is none */
export async function lastEntryId(redis: Redis, stream: string): Promise<string> {
  const [last] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1);
  return last?.[0] ?? '0-0';
}

/** `atMs`: milliseconds since 1970, whole ones, by the clock of Redis: an entry's id begins with the time of its append. */
export async function* entriesAfter(
  redis: Redis,
  stream: string,
  before: string,
): AsyncGenerator<{ readonly subject: string; readonly atMs: number }> {
  for (let last = before; ;) {
    const entries = await redis.xrange(stream, `(${last}`, '+', 'COUNT', ENTRIES_AT_ONCE);
    for (const [id, values] of entries) yield { subject: subjectIn(values), atMs: Number(id.split('-')[0]) };
    const [lastOfThem] = entries.at(-1) ?? [];
    if (lastOfThem === undefined) return;
    last = lastOfThem;
  }
}

/** Without parsing the whole event: under load that alone would delay what is measured. */
function subjectIn(values: readonly string[]): string {
  const payload = values[values.indexOf('payload_json') + 1] ?? '';
  return /"subject":"([^"]*)"/.exec(payload)?.[1] ?? '';
}
