import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createRedisIdentity } from './redis-identity.ts';

/** What the adapter asks of a server, in memory. */
class RedisFake {
  readonly #keys = new Map<string, string>();
  marks = 1;
  last = '5-0';
  added = 5;

  run = 'one';
  replid = 'x';
  info = (): Promise<string> => Promise.resolve(`run_id:${this.run}\r\nmaster_replid:${this.replid}\r\n`);
  get = (key: string): Promise<string | null> => Promise.resolve(this.#keys.get(key) ?? null);
  set = (key: string, value: string): Promise<void> => {
    if (!this.#keys.has(key)) this.#keys.set(key, value);
    return Promise.resolve();
  };
  hlen = (): Promise<number> => Promise.resolve(this.marks);
  exists = (): Promise<number> => Promise.resolve(this.added > 0 ? 1 : 0);
  xinfo = (): Promise<unknown[]> =>
    Promise.resolve(['last-generated-id', this.last, 'entries-added', this.added]);

  flush(): void {
    this.#keys.clear();
    [this.marks, this.last, this.added] = [0, '0-0', 0];
  }
}

function identityOf(redis: RedisFake, lastAppended = '0-0') {
  return createRedisIdentity(redis as unknown as Redis, () => lastAppended);
}

describe('identity of Redis', () => {
  it('is the same for all who look, and while entries are added', async () => {
    const redis = new RedisFake();
    const before = await identityOf(redis).read();
    [redis.last, redis.added, redis.marks] = ['6-0', 6, 2];
    const identity = identityOf(redis);
    expect(identity.continues(before, await identity.read())).toBe(true);
  });

  it('is another one after it was emptied, also when others have written as much again since', async () => {
    const redis = new RedisFake();
    const identity = identityOf(redis);
    const before = await identity.read();
    redis.flush();
    [redis.last, redis.added, redis.marks] = ['7-0', 7, 1];
    // Another instance looks first and leaves its own marker.
    await identityOf(redis).read();
    expect(identity.continues(before, await identity.read())).toBe(false);
  });

  it.each([
    ['the stream was deleted and has newer entries', { last: '9-0', added: 1, marks: 1 }],
    ['the stream lost its tail', { last: '4-0', added: 5, marks: 1 }],
    ['the watermarks were deleted', { last: '5-0', added: 5, marks: 0 }],
    ['the server was started again', { run: 'two' }],
    ['a replica became the primary and the old primary again', { replid: 'y' }],
  ])('is another one when %s', async (_what, now) => {
    const redis = new RedisFake();
    const identity = identityOf(redis);
    const before = await identity.read();
    Object.assign(redis, now);
    expect(identity.continues(before, await identity.read())).toBe(false);
  });

  it('is another one when an entry that we appended is not there', async () => {
    const redis = new RedisFake();
    const before = await identityOf(redis).read();
    const identity = identityOf(redis, '8-0');
    expect(identity.continues(before, await identity.read())).toBe(false);
  });
});
