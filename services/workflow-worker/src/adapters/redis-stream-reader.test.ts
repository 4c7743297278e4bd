import { Cluster } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createStreamReader } from './redis-stream-reader.ts';

type Answer = readonly unknown[] | null | Error;

const refusal = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });
const entry = (stream: string, id: string): Answer => [[stream, [[id, ['event_id', 'x']]]]];

/** Of streams in several slots; what each answers, one answer after the other, the last one for ever. */
function readerOf(answers: Readonly<Record<string, readonly Answer[]>>, blockMs = 30) {
  // Never connected: only what it is asked counts.
  const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
  const asked: string[] = [];
  cluster.call = ((...command: readonly unknown[]) => {
    const stream = String(command.at(-2));
    expect(command).not.toContain('BLOCK');
    const given = answers[stream] ?? [null];
    const answer = given[Math.min(asked.filter((one) => one === stream).length, given.length - 1)] ?? null;
    asked.push(stream);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }) as typeof cluster.call;
  const reader = createStreamReader({ blocking: cluster, commands: cluster, blockMs, consumer: 'c' });
  return { read: () => reader.read(Object.keys(answers), 10), wake: reader.wake, asked };
}

describe('several streams of a cluster', () => {
  it('are asked one by one, and again until something comes', async () => {
    const { read, asked } = readerOf({ a: [null, null, entry('a', '1-0')], b: [null] }, 10_000);
    expect(await read()).toEqual({
      kind: 'entries',
      entries: [{ stream: 'a', id: '1-0', fields: ['event_id', 'x'] }],
    });
    expect(asked).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  });

  it('give nothing when the time is over, or when somebody ends it', async () => {
    const nothing = { kind: 'entries', entries: [] };
    expect(await readerOf({ a: [null], b: [null] }).read()).toEqual(nothing);
    const { read, wake } = readerOf({ a: [null], b: [null] }, 60_000);
    const reading = read();
    await wake();
    expect(await reading).toEqual(nothing);
  });

  it('give what they have while the node of another is away, which is told when there is nothing', async () => {
    const away = refusal('CLUSTERDOWN Hash slot not served');
    const { read } = readerOf({ a: [away], b: [entry('b', '1-0'), null] });
    expect(await read()).toMatchObject({ entries: [{ stream: 'b' }] });
    await expect(read()).rejects.toMatchObject({ fault: { kind: 'transient', code: 'REDIS_UNAVAILABLE' } });
  });

  it('tell that a group is gone', async () => {
    const { read } = readerOf({ a: [null], b: [refusal('NOGROUP No such key')] });
    expect(await read()).toEqual({ kind: 'groupMissing' });
    const busy = readerOf({ a: [entry('a', '1-0')], b: [refusal('NOGROUP No such key')] });
    expect(await busy.read()).toMatchObject({ entries: [{ stream: 'a' }] });
    expect(await busy.read()).toEqual({ kind: 'groupMissing' });
    expect(await busy.read()).toMatchObject({ entries: [{ stream: 'a' }] });
  });
});
