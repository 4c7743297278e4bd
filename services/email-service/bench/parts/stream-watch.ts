/** Tells when messages with given subjects appear on the stream, by the clock of this process. */
import type { Redis } from 'ioredis';
import { monotonicMs } from '../farm/farm.ts';

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
  let last = (await redis.xrevrange(stream, '+', '-', 'COUNT', 1))[0]?.[0] ?? '0';
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

/** Without parsing the whole event: under load that alone would delay what is measured. */
function subjectIn(values: readonly string[]): string {
  const payload = values[values.indexOf('payload_json') + 1] ?? '';
  return /"subject":"([^"]*)"/.exec(payload)?.[1] ?? '';
}
